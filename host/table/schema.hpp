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
/// `schema`, or null.
Json nullable_schema(Json schema);
/// The description of a key in a schema: meaning and unit.
std::string describe_key(const Key& key);

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

/// Properties and required keys of a record, after those in `schema`.
template <HasFields R>
Json object_schema(Json schema, Manner manner) {
  schema["type"] = "object";
  if (manner == Manner::kStrict) schema["additionalProperties"] = false;
  if (!schema.contains("properties")) schema["properties"] = Json::object();
  if (!schema.contains("required")) schema["required"] = Json::array();
  Problem ignored;
  const Json initial = manner == Manner::kStrict ? encode_record(R(), ignored) : Json::object();
  for (const Field<R>& field : fields<R>()) {
    const Key& key = field.key;
    const std::string name(key.name);
    std::visit(
        [&]<class T>(T R::*) {
          Json property = type_schema(Tag<T>{}, key, manner);
          property["description"] = describe_key(key);
          if (key.has(kMayMiss) && initial.contains(name)) property["default"] = initial[name];
          schema["properties"][name] = std::move(property);
          if (is_required<T>(key)) schema["required"].push_back(name);
        },
        field.member);
  }
  return schema;
}

template <class T>
Json type_schema(Tag<std::optional<T>>, const Key& key, Manner manner) {
  Json schema = type_schema(Tag<T>{}, key, manner);
  return key.has(kLeftOut) || key.has(kGiven) ? schema : nullable_schema(std::move(schema));
}
template <class T>
Json type_schema(Tag<std::vector<T>>, const Key& key, Manner manner) {
  return list_schema(type_schema(Tag<T>{}, key, manner), key, manner);
}
template <class T>
Json type_schema(Tag<std::map<std::string, T>>, const Key& key, Manner manner) {
  Json schema{{"type", "object"}, {"additionalProperties", type_schema(Tag<T>{}, key, manner)}};
  if (manner == Manner::kStrict) schema["minProperties"] = 1;
  return schema;
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
