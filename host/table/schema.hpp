// JSON Schema (draft 7) and Markdown out of field tables. A type with its own encode() and decode() (codec.hpp) has a
// type_schema() beside them.
#pragma once

#include <string>
#include <string_view>

#include "table/codec.hpp"

namespace qtrap::table {

/// JSON Schema of a member's type, found by overload on a null pointer to the type. What is read strictly has a strict
/// schema: no unknown keys, no empty texts and lists, defaults of what a file may leave out.
template <class T>
using Tag = const T*;

Json type_schema(Tag<std::int64_t>, const Key& key, Manner manner);
Json type_schema(Tag<double>, const Key& key, Manner manner);
Json type_schema(Tag<std::string>, const Key& key, Manner manner);
Json list_schema(Json items, const Key& key, Manner manner);
/// Texts of a closed list.
Json word_schema(std::span<const std::string_view> words);
/// `schema`, or null where the key is written without a value.
Json optional_schema(Json schema, const Key& key);
/// Objects of any keys whose values are of `values`.
Json map_schema(Json values, Manner manner);

inline Json type_schema(Tag<bool>, const Key&, Manner) { return {{"type", "boolean"}}; }
template <IsWord E>
Json type_schema(Tag<E>, const Key& key, Manner) {
  return word_schema(list_words<E>(key));
}
template <class T>
Json type_schema(Tag<std::optional<T>>, const Key& key, Manner manner);
template <class T>
Json type_schema(Tag<std::vector<T>>, const Key& key, Manner manner);
template <class T>
Json type_schema(Tag<std::map<std::string, T>>, const Key& key, Manner manner);
template <HasFields R>
Json type_schema(Tag<R>, const Key&, Manner manner);

/// A schema of objects, before its properties.
Json start_object(Json schema, Manner manner);
/// Adds a key with its description, its default where it may be left out, and whether it is required.
void add_property(Json& schema, const Key& key, Json property, bool required, const Json& initial);

/// Properties and required keys of a record, after those in `schema`. A visit makes a function for each type of member:
/// it does no more than depends on the type.
template <HasFields R>
Json object_schema(Json schema, Manner manner) {
  schema = start_object(std::move(schema), manner);
  Problem ignored;
  const Json initial = manner == Manner::kStrict ? encode_record(R(), ignored) : Json::object();
  for (const Field<R>& field : fields<R>()) {
    Json property;
    bool required = false;
    std::visit(
        [&]<class T>(T R::*) {
          property = type_schema(Tag<T>{}, field.key, manner);
          required = is_required<T>(field.key);
        },
        field.member);
    add_property(schema, field.key, std::move(property), required, initial);
  }
  return schema;
}

template <class T>
Json type_schema(Tag<std::optional<T>>, const Key& key, Manner manner) {
  return optional_schema(type_schema(Tag<T>{}, key, manner), key);
}
template <class T>
Json type_schema(Tag<std::vector<T>>, const Key& key, Manner manner) {
  return list_schema(type_schema(Tag<T>{}, key, manner), key, manner);
}
template <class T>
Json type_schema(Tag<std::map<std::string, T>>, const Key& key, Manner manner) {
  return map_schema(type_schema(Tag<T>{}, key, manner), manner);
}
template <HasFields R>
Json type_schema(Tag<R>, const Key&, Manner manner) {
  return object_schema<R>(Json::object(), manner);
}

/// The start of a schema of its own.
Json draft_7(std::string_view id, std::string_view title);

/// Schema of a file that starts with `schema` and `schema_version`, which its table does not hold, read strictly.
Json header_schema(std::string_view id, std::string_view title);
template <HasFields R>
Json file_schema(std::string_view id, std::string_view title) {
  return object_schema<R>(header_schema(id, title), Manner::kStrict);
}

/// A Markdown section with one row per key of `schema`; keys of sub-objects follow their parent as `parent.key`, those
/// of lists as `parent[].key`, those of maps as `parent.*.key`. With `defaults` a column says what stands for a key
/// that is left out.
std::string describe_schema(std::string_view title, const Json& schema, bool defaults);

}  // namespace qtrap::table
