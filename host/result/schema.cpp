#include "result/schema.hpp"

#include <fmt/format.h>

#include "result/json_codec.hpp"

namespace qtrap::result {
namespace {

template <class R>
concept HasFields = requires {
  fields<R>();
};

/// JSON Schema of a member's type, found by overload on a null pointer to the type.
template <class T>
using Tag = const T*;

Json type_schema(Tag<std::int64_t>, const Key& key) {
  if (key.differences) return {{"type", "integer"}};
  return {{"type", "integer"}, {"minimum", 0}};
}
Json type_schema(Tag<bool>, const Key&) { return {{"type", "boolean"}}; }
Json type_schema(Tag<double>, const Key&) { return {{"type", "number"}}; }
Json type_schema(Tag<std::string>, const Key& key) {
  if (key.json_object) return {{"type", "object"}};
  Json schema{{"type", "string"}};
  if (!key.words.empty()) schema["enum"] = key.words;
  return schema;
}
template <class T>
Json type_schema(Tag<std::vector<T>>, const Key& key);
template <class T>
Json type_schema(Tag<std::map<std::string, T>>, const Key& key);
template <HasFields R>
Json type_schema(Tag<R>, const Key&);

template <class T>
Json type_schema(Tag<std::optional<T>>, const Key& key) {
  Json schema = type_schema(Tag<T>{}, key);
  schema["type"] = Json::array({schema["type"], "null"});
  if (schema.contains("enum")) schema["enum"].push_back(nullptr);
  return schema;
}

/// Properties and required keys of a record, after those in `schema`.
template <class R>
Json object_schema(Json schema) {
  schema["type"] = "object";
  if (!schema.contains("properties")) schema["properties"] = Json::object();
  if (!schema.contains("required")) schema["required"] = Json::array();
  for (const Field<R>& field : fields<R>()) {
    const std::string name(field.key.name);
    Json property = std::visit([&field]<class T>(T R::*) { return type_schema(Tag<T>{}, field.key); }, field.member);
    property["description"] =
        field.key.unit.empty() ? std::string(field.key.doc) : fmt::format("{} [{}]", field.key.doc, field.key.unit);
    schema["properties"][name] = property;
    if (!property["type"].is_array()) schema["required"].push_back(name);  // an array of types: nullable
  }
  return schema;
}

template <class T>
Json type_schema(Tag<std::vector<T>>, const Key& key) {
  return {{"type", "array"}, {"items", type_schema(Tag<T>{}, key)}};
}
template <class T>
Json type_schema(Tag<std::map<std::string, T>>, const Key& key) {
  return {{"type", "object"}, {"additionalProperties", type_schema(Tag<T>{}, key)}};
}
template <HasFields R>
Json type_schema(Tag<R>, const Key&) {
  return object_schema<R>(Json::object());
}

template <class R>
Json record_schema() {
  const std::string name(record_name<R>());
  return object_schema<R>(
      {{"properties", {{"record", {{"type", "string"}, {"enum", {name}}}}}}, {"required", {"record"}}});
}

Json draft_7(std::string_view id) {
  return {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"$id", std::string(id)}};
}

/// "string or null", "array of number", ...
std::string describe_type(const Json& schema) {
  const Json& type = schema["type"];
  if (type.is_array()) {
    Json inner = schema;
    inner["type"] = type[0];
    return describe_type(inner) + " or null";
  }
  if (type == "array") return "array of " + describe_type(schema["items"]);
  if (schema.contains("additionalProperties")) return "object of " + describe_type(schema["additionalProperties"]);
  return type.get<std::string>();
}

/// One table of `schema`'s properties; those of sub-objects follow their parent as `parent.key`.
void describe_properties(const Json& schema, const std::string& prefix, std::string& text) {
  for (const auto& [name, property] : schema["properties"].items()) {
    std::string doc = property.value("description", "which record this is");
    if (property.contains("enum")) {
      std::string words;
      for (const Json& word : property["enum"]) {
        if (word.is_string()) words += fmt::format("{}`{}`", words.empty() ? "" : ", ", word.get<std::string>());
      }
      doc += ": " + words;
    }
    text += fmt::format("| `{}{}` | {} | {} |\n", prefix, name, describe_type(property), doc);
    const Json& inner = property.contains("items") ? property["items"] : property;
    if (inner.contains("properties")) {
      describe_properties(inner, prefix + name + (property.contains("items") ? "[]." : "."), text);
    }
  }
}

std::string describe(std::string_view title, const Json& schema) {
  std::string text = fmt::format("\n## `{}`\n| key | type | meaning [unit] |\n|---|---|---|\n", title);
  describe_properties(schema, "", text);
  return text;
}

constexpr std::string_view kMarkdownHead = R"(# Result and fit files
<!-- Generated from the field tables in host/result/fields_*.cpp: QTRAP_REGENERATE=1 result_tests -->
A result file is JSON Lines: one object per line, UTF-8. For each session one `session`, then its `trial`s and, with a
meter, the `samples` behind their energies; the `point`s, pooled over the sessions; last one `end`. A fit file is one
JSON object. `schema_version` is MAJOR.MINOR: a new optional key raises MINOR, a renamed key or a changed meaning MAJOR; readers ignore unknown keys and refuse a newer MAJOR.
An absent value is null, with a status beside it, never 0. Keys whose type says "or null" may be missing, all others are
required. Integers are counts and never negative, but for the differences in `samples`.

A run that was killed leaves its last line or its last cell of trials incomplete: such a tail is dropped by every reader,
and `qtrap run --resume` continues before it. It takes up a file only for the same experiment: every key of program, campaign,
models, kernels, device, driver, meter and host that decides what is measured must be that of a new session.

Every reader refuses, with file, line, key and fix, what cannot be: numbers out of range (magnitudes below 1e-30 but 0, times over
1e10 s, energies over 1e15 J, sensor constants over 600 s, counts over 2^60); a value outside its interval; a verdict against it; a
point that is not what its trials measured, of two devices, or with a ratio and no anchor; counts that disagree; a key, session, cell,
point or window given twice. Lines hold at most 4 MiB. A point whose trials were stripped from the file is taken at its word,
and flags may be cleared.

In exports control characters of texts stand as `\xNN` or `\u00NN`. In CSV a text that begins with `=`, `+`, `-`, `@` (or their wide
forms), a tab, a line break or an apostrophe gets an apostrophe before it, so that no spreadsheet takes it for a formula; dropping one
leading apostrophe restores it. Numbers stay as they are. SQL is for SQLite, DuckDB and PostgreSQL.
)";

}  // namespace

std::string make_result_schema() {
  Json schema = draft_7("qtrap.result");
  schema["title"] = fmt::format("one line of a qtrap result file, version {}", kSchemaVersion);
  schema["definitions"] = {{"session", record_schema<SessionRecord>()},
                           {"trial", record_schema<TrialRecord>()},
                           {"samples", record_schema<SamplesRecord>()},
                           {"point", record_schema<PointRecord>()},
                           {"end", record_schema<EndRecord>()}};
  schema["oneOf"] = Json::array();
  for (const auto& [name, definition] : schema["definitions"].items()) {
    schema["oneOf"].push_back({{"$ref", "#/definitions/" + name}});
  }
  return schema.dump(2) + "\n";
}

std::string make_fit_schema() {
  Json schema = draft_7("qtrap.fit");
  schema["title"] = fmt::format("a qtrap fit file, version {}", FitFile{}.schema_version);
  return object_schema<FitFile>(schema).dump(2) + "\n";
}

std::string make_schema_markdown() {
  std::string text(kMarkdownHead);
  text += describe("session", record_schema<SessionRecord>());
  text += describe("trial", record_schema<TrialRecord>());
  text += describe("samples", record_schema<SamplesRecord>());
  text += describe("point", record_schema<PointRecord>());
  text += describe("end", record_schema<EndRecord>());
  text += describe("fit file", object_schema<FitFile>(Json::object()));
  return text;
}

}  // namespace qtrap::result
