#include "profile/schema.hpp"

#include <fmt/format.h>

#include "core/text.hpp"
#include "profile/json_fields.hpp"

namespace qtrap::profile {
namespace {

/// What the documents say of one key's values.
struct ValueType {
  bool integer = false;
  bool list = false;
  bool nullable = false;
  Json schema;           ///< of one entry
  std::string in_words;  ///< of one entry
};

Json number_schema(const Range& range, bool integer) {
  const auto bound = [integer](double value) { return integer ? Json(static_cast<std::int64_t>(value)) : Json(value); };
  return {{"type", integer ? "integer" : "number"},
          {range.low_open ? "exclusiveMinimum" : "minimum", bound(range.low)},
          {range.high_open ? "exclusiveMaximum" : "maximum", bound(range.high)}};
}

template <class T>
ValueType describe_type(const Range& range, std::span<const std::int64_t> choices) {
  ValueType type;
  type.list = std::is_same_v<T, std::vector<std::string>> || std::is_same_v<T, std::vector<std::int64_t>>;
  type.nullable = std::is_same_v<T, std::optional<std::int64_t>>;
  if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::vector<std::string>>) {
    type.schema = {{"type", "string"}, {"minLength", 1}};
    type.in_words = "text";
  } else if constexpr (std::is_same_v<T, bool>) {
    type.schema = {{"type", "boolean"}};
    type.in_words = "true or false";
  } else if (!choices.empty()) {
    type.schema = {{"type", "integer"}, {"enum", choices}};
    type.in_words = fmt::format("{}", fmt::join(choices, ", "));
  } else {
    type.integer = !std::is_same_v<T, double>;
    type.schema = number_schema(range, type.integer);
    type.in_words = describe_range(range, type.integer);
  }
  return type;
}

template <class R>
ValueType describe_key(const Key<R>& key) {
  ValueType type = std::visit([&key]<class T>(T R::*) { return describe_type<T>(key.range, key.choices); }, key.member);
  if (key.becomes_path()) {
    type.schema["pattern"] = fmt::format("^[A-Za-z0-9_-][A-Za-z0-9._-]{{0,{}}}$", kLongestName - 1);  // is_file_name()
    type.in_words =
        "letters, digits, `.`, `-`, `_`, no leading `.`, at most " + std::to_string(kLongestName) + " characters";
  }
  return type;
}

template <class R>
std::string make_schema() {
  Json schema{{"$schema", "http://json-schema.org/draft-07/schema#"}, {"$id", schema_name<R>()}, {"type", "object"}};
  schema["additionalProperties"] = false;
  schema["properties"] = {{"schema", {{"type", "string"}, {"enum", {schema_name<R>()}}}},
                          {"schema_version", {{"type", "string"}, {"pattern", "^[01]\\.[0-9]+$"}}}};
  schema["required"] = {"schema"};
  for (const Key<R>& key : keys<R>()) {
    const ValueType type = describe_key(key);
    Json property = type.schema;
    if (type.list) property = {{"type", "array"}, {"minItems", 1}, {"uniqueItems", true}, {"items", type.schema}};
    if (type.nullable) property["type"] = {type.schema["type"], "null"};
    property["description"] = key.doc;
    schema["properties"][std::string(key.name)] = property;
    if (key.required()) schema["required"].push_back(key.name);
  }
  return schema.dump(2) + "\n";
}

template <class R>
std::string describe(std::string_view title) {
  std::string text = fmt::format("\n## {}\n| key | value | default | meaning |\n|---|---|---|---|\n", title);
  text += fmt::format("| `schema` | `{}` | required | kind of file |\n", schema_name<R>());
  text += fmt::format("| `schema_version` | text | {} | MAJOR.MINOR of the file format |\n", kSchemaVersion);
  const R defaults;
  for (const Key<R>& key : keys<R>()) {
    const ValueType type = describe_key(key);
    std::string fallback = "required";
    if (!key.required()) {
      fallback = std::visit(
          [&defaults]<class T>(T R::*member) {
            if constexpr (std::is_same_v<T, std::optional<std::int64_t>>)
              return std::string("null");
            else
              return Json(defaults.*member).dump();
          },
          key.member);
    }
    text += fmt::format("| `{}` | {}{}{} | {} | {} |\n", key.name, type.list ? "list of: " : "", type.in_words,
                        type.nullable ? ", or null" : "", fallback, key.doc);
  }
  return text;
}

}  // namespace

std::string make_model_schema() { return make_schema<ModelProfile>(); }

std::string make_campaign_schema() { return make_schema<Campaign>(); }

std::string make_tuning_schema() { return make_schema<TuningProfile>(); }

std::string make_schema_markdown() {
  return "# Model, campaign and tuning files\n"
         "<!-- Generated from the key tables in host/profile/keys.cpp: QTRAP_REGENERATE=1 profile_tests -->\n"
         "One JSON object per file, UTF-8. Unknown keys are errors; a newer MAJOR version is refused.\n" +
         describe<ModelProfile>("Models: `profiles/models/NAME.json`") +
         describe<Campaign>("Campaigns: `profiles/campaigns/NAME.json`") +
         describe<TuningProfile>("Tunables of a device: `profiles/devices/NAME.json`, or written by `qtrap tune`");
}

}  // namespace qtrap::profile
