// Records to JSON and back, by walking their field tables. A type that is neither a record nor made of the types here
// has an overload of encode() and decode() beside it.
#pragma once

#include <algorithm>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/words.hpp"
#include "table/fields.hpp"
#include "table/json.hpp"

namespace qtrap::table {

/// Keeps the first of several errors.
class Problem {
 public:
  void add(Error error) {
    if (!first_) first_ = std::move(error);
  }
  bool found() const { return first_.has_value(); }
  const Error& error() const { return *first_; }

 private:
  std::optional<Error> first_;
};

/// How a file is read. What people write is read strictly: unknown keys, empty texts and lists, and lists longer than
/// 256 are refused, for they are slips; files of programs may hold keys of later versions.
enum class Manner : bool { kLenient, kStrict };

/// Where a value stands, and where its faults go.
struct Spot {
  const Key& key;
  std::string path;         ///< of the key in its file: "series[1].energy.unit"
  std::string_view prefix;  ///< put before messages: "FILE: ", or empty where the caller names file and line
  Manner manner;
  Problem& problem;

  Spot at(std::string path_there) const { return {key, std::move(path_there), prefix, manner, problem}; }
  /// "PREFIX`PATH` WHAT (VALUE): FIX", a kUsage error.
  void refuse(std::string_view what, const Json& value, std::string fix) const;
};

/// "did you mean `batch`? " where a word is near, and the list of all known words.
std::string suggest(std::string_view word, std::span<const std::string_view> known);

/// What numbers a key takes, in words: "an integer from 1 to 100", "a number above 0 and below 1", "32, 64, 128".
std::string describe_numbers(const Key& key, bool integer);

/// Names of all keys of R, after `first`.
template <HasFields R>
std::vector<std::string_view> key_names(std::vector<std::string_view> first = {}) {
  for (const Field<R>& field : fields<R>()) first.push_back(field.key.name);
  return first;
}

/// The JSON object of a record or sub-object, keys in table order. kRuntime errors go to `problem`: a number that is
/// not finite, a negative count, a word outside its closed list, a kJsonObject that is none, a kGiven that is absent.
template <HasFields R>
Json encode_record(const R& record, Problem& problem);

/// Fills `record` from a JSON object at `spot` ("" at the top of a file). Read strictly, keys of `header` may stand
/// beside those of the table. kUsage errors go to `spot.problem`.
template <HasFields R>
void decode_record(const Json& object, const Spot& spot, R& record, const std::vector<std::string_view>& header = {});

/// The record of a JSON object, `prefix` before messages; errors of decode_record().
template <HasFields R>
Result<R> read_record(const Json& object, std::string_view prefix, Manner manner,
                      const std::vector<std::string_view>& header = {});

/// The record of a whole file that a program wrote, `schema_version` in its table, and its text (dump_file()); `name`
/// is quoted in errors: those of parse_json_object(), check_version() and decode_record(), of encode_record().
template <HasFields R>
Result<R> parse_document(std::string_view text, std::string_view name, std::string_view version);
template <HasFields R>
Result<std::string> write_document(const R& record);

/// The JSON object of a whole file that starts with `schema` and `schema_version`, which its table does not hold.
template <HasFields R>
Result<Json> encode_file(const R& record, std::string_view schema, std::string_view version);

/// The record of such a file, read strictly; `name` is quoted in errors: those of parse_json_object(), check_header()
/// and decode_record().
template <HasFields R>
Result<R> parse_file(std::string_view text, std::string_view name, std::string_view schema, std::string_view version);

// --- writing: one overload per type of member. They call each other, hence all are declared first. ----------------

/// null, "", [] or {}.
bool is_absent(const Json& value);

/// null, which a kGiven may not be.
Json encode_absent(const Key& key, Problem& problem);
/// A word, which must be among those that the key takes.
Json encode_word(std::string_view word, const Key& key, Problem& problem);
Json encode(const std::string& value, const Key& key, Problem& problem);
Json encode(std::int64_t value, const Key& key, Problem& problem);
Json encode(double value, const Key& key, Problem& problem);
template <std::same_as<bool> B>
Json encode(B value, const Key&, Problem&) {
  return value;
}
template <IsWord E>
Json encode(E value, const Key& key, Problem& problem) {
  return encode_word(word_of(value), key, problem);
}
template <class T>
Json encode(const std::optional<T>& value, const Key& key, Problem& problem);
template <class T>
Json encode(const std::vector<T>& values, const Key& key, Problem& problem);
template <class T>
Json encode(const std::map<std::string, T>& values, const Key& key, Problem& problem);
template <HasFields R>
Json encode(const R& record, const Key&, Problem& problem) {
  return encode_record(record, problem);
}

template <class T>
Json encode(const std::optional<T>& value, const Key& key, Problem& problem) {
  return value ? encode(*value, key, problem) : encode_absent(key, problem);
}

template <class T>
Json encode(const std::vector<T>& values, const Key& key, Problem& problem) {
  Json array = Json::array();
  for (const T& value : values) array.push_back(encode(value, key, problem));
  return array;
}

template <class T>
Json encode(const std::map<std::string, T>& values, const Key& key, Problem& problem) {
  Json object = Json::object();
  for (const auto& [name, value] : values) object[name] = encode(value, key, problem);
  return object;
}

template <HasFields R>
Json encode_record(const R& record, Problem& problem) {
  Json object = Json::object();
  for (const Field<R>& field : fields<R>()) {
    Json value = std::visit([&](auto member) { return encode(record.*member, field.key, problem); }, field.member);
    if (!field.key.has(kLeftOut) || !is_absent(value)) object[std::string(field.key.name)] = std::move(value);
  }
  return object;
}

// --- reading ------------------------------------------------------------------------------------------------------

void decode(const Json& value, const Spot& spot, std::string& out);
void decode(const Json& value, const Spot& spot, std::int64_t& out);
void decode(const Json& value, const Spot& spot, double& out);
void decode(const Json& value, const Spot& spot, bool& out);
template <IsWord E>
void decode(const Json& value, const Spot& spot, E& out);
template <class T>
void decode(const Json& value, const Spot& spot, std::optional<T>& out);
template <class T>
void decode(const Json& value, const Spot& spot, std::vector<T>& out);
template <class T>
void decode(const Json& value, const Spot& spot, std::map<std::string, T>& out);
template <HasFields R>
void decode(const Json& value, const Spot& spot, R& out) {
  decode_record(value, spot, out);
}

/// The words of an enum that a key takes.
template <IsWord E>
std::span<const std::string_view> list_words(const Key& key) {
  return key.words.empty() ? std::span<const std::string_view>(kWords<E>) : key.words;
}
/// Refuses what is not in a closed list.
void refuse_word(const Json& value, const Spot& spot, std::span<const std::string_view> words);
/// Refuses what is no list, or one that may not be so short or long; true where it may be read.
bool is_list(const Json& value, const Spot& spot);
bool is_object(const Json& value, const Spot& spot);
/// Read strictly, refuses keys that are not among `known`; true where there are none.
bool has_known_keys(const Json& object, const Spot& spot, std::span<const std::string_view> known);

template <IsWord E>
void decode(const Json& value, const Spot& spot, E& out) {
  const auto found = value.is_string() ? find_word<E>(value.get_ref<const std::string&>()) : std::nullopt;
  if (!found || !spot.key.takes(word_of(*found))) return refuse_word(value, spot, list_words<E>(spot.key));
  out = *found;
}

template <class T>
void decode(const Json& value, const Spot& spot, std::optional<T>& out) {
  out.reset();
  if (!value.is_null() || spot.key.has(kLeftOut) || spot.key.has(kGiven)) decode(value, spot, out.emplace());
}

template <class T>
void decode(const Json& value, const Spot& spot, std::vector<T>& out) {
  out.clear();
  if (!is_list(value, spot)) return;
  for (const Json& item : value) {
    const Spot there = spot.at(spot.path + "[" + std::to_string(out.size()) + "]");
    decode(item, there, out.emplace_back());
    if (spot.problem.found()) return;
    if constexpr (std::equality_comparable<T> && !HasFields<T>) {
      if (spot.key.has(kDistinct) && std::find(out.begin(), out.end() - 1, out.back()) != out.end() - 1)
        spot.refuse("holds an entry twice", item, "give each once");
    }
  }
}

template <class T>
void decode(const Json& value, const Spot& spot, std::map<std::string, T>& out) {
  out.clear();
  if (!is_object(value, spot)) return;
  if (value.empty() && spot.manner == Manner::kStrict)
    return spot.refuse("is an empty object", value, "give at least one entry");
  for (const auto& [name, item] : value.items()) decode(item, spot.at(spot.path + "." + name), out[name]);
}

/// Refuses a record without this key.
void refuse_absent(const Spot& spot);

/// "PATH.NAME", or NAME at the top of a file.
std::string join_path(const std::string& path, std::string_view name);

template <HasFields R>
void decode_record(const Json& object, const Spot& spot, R& record, const std::vector<std::string_view>& header) {
  if (!is_object(object, spot) || !has_known_keys(object, spot, key_names<R>(header))) return;
  for (const Field<R>& field : fields<R>()) {
    if (spot.problem.found()) return;
    const Spot there{field.key, join_path(spot.path, field.key.name), spot.prefix, spot.manner, spot.problem};
    const auto found = object.find(field.key.name);
    std::visit(
        [&](auto member) {
          auto& out = record.*member;
          using T = std::remove_reference_t<decltype(out)>;
          if (found != object.end()) {
            decode(*found, there, out);
          } else if (is_required<T>(field.key)) {
            refuse_absent(there);
          }
        },
        field.member);
  }
}

template <HasFields R>
Result<R> read_record(const Json& object, std::string_view prefix, Manner manner,
                      const std::vector<std::string_view>& header) {
  const Key whole{};
  Problem problem;
  R record;
  decode_record(object, Spot{whole, "", prefix, manner, problem}, record, header);
  if (problem.found()) return problem.error();
  return record;
}

template <HasFields R>
Result<R> parse_document(std::string_view text, std::string_view name, std::string_view version) {
  auto json = parse_json_object(text, name);
  if (!json) return json.error();
  const std::string prefix = std::string(name) + ": ";
  if (const Status status = check_version(json.value(), prefix, version); !status) return status.error();
  return read_record<R>(json.value(), prefix, Manner::kLenient);
}

template <HasFields R>
Result<std::string> write_document(const R& record) {
  Problem problem;
  const Json json = encode_record(record, problem);
  if (problem.found()) return problem.error();
  return dump_file(json);
}

template <HasFields R>
Result<Json> encode_file(const R& record, std::string_view schema, std::string_view version) {
  Problem problem;
  Json object{{"schema", schema}, {"schema_version", version}};
  object.update(encode_record(record, problem));
  if (problem.found()) return problem.error();
  return object;
}

template <HasFields R>
Result<R> parse_file(std::string_view text, std::string_view name, std::string_view schema, std::string_view version) {
  auto json = parse_json_object(text, name);
  if (!json) return json.error();
  if (const Status header = check_header(json.value(), name, schema, version); !header) return header.error();
  return read_record<R>(json.value(), std::string(name) + ": ", Manner::kStrict, {"schema", "schema_version"});
}

}  // namespace qtrap::table
