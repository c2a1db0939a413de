#include "table/schema.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"

namespace qtrap::table {
namespace {

constexpr const char* kFileNamePattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$";  // is_file_name()
static_assert(kLongestName == 100);

Json number_schema(const Key& key, bool integer) {
  Json schema{{"type", integer ? "integer" : "number"}};
  if (!key.choices.empty()) schema["enum"] = key.choices;
  if (!key.range) return schema;
  const auto bound = [integer](double value) { return integer ? Json(static_cast<std::int64_t>(value)) : Json(value); };
  schema[key.range->low_open ? "exclusiveMinimum" : "minimum"] = bound(key.range->low);
  schema[key.range->high_open ? "exclusiveMaximum" : "maximum"] = bound(key.range->high);
  return schema;
}

std::string describe_number(const Json& schema, bool integer) {
  if (schema.contains("enum")) {
    std::string words;
    for (const Json& one : schema["enum"]) words += (words.empty() ? "" : ", ") + one.dump();
    return words;
  }
  const bool low_open = schema.contains("exclusiveMinimum");
  const bool high_open = schema.contains("exclusiveMaximum");
  const char* high = high_open ? "exclusiveMaximum" : "maximum";
  if (!schema.contains(high)) return integer ? "integer" : "number";
  Key key;
  key.range = Range{schema[low_open ? "exclusiveMinimum" : "minimum"].get<double>(), schema[high].get<double>(),
                    low_open, high_open};
  return describe_numbers(key, integer);
}

std::string describe_type(const Json& schema);

/// A schema of one type, by that type's name.
std::string describe_plain_type(const Json& schema, const std::string& type) {
  if (type == "integer" || type == "number") return describe_number(schema, type == "integer");
  if (type == "boolean") return "true or false";
  if (type == "array") return "list of: " + describe_type(schema["items"]);
  const auto inner = schema.find("additionalProperties");
  if (inner != schema.end() && inner->is_object()) return "object of: " + describe_type(*inner);
  if (type == "object") return "object";
  if (schema.value("pattern", "") != kFileNamePattern) return "text";
  return fmt::format("letters, digits, `.`, `-`, `_`, no leading `.`, at most {} characters", kLongestName);
}

/// "text, or null", "list of: number", ...
std::string describe_type(const Json& schema) {
  if (schema.contains("oneOf")) {
    std::string text;
    for (const Json& one : schema["oneOf"]) text += (text.empty() ? "" : ", or ") + describe_type(one);
    return text;
  }
  const Json& type = schema["type"];
  if (!type.is_array()) return describe_plain_type(schema, type.get<std::string>());
  return describe_plain_type(schema, type[0].get<std::string>()) + ", or null";
}

bool is_required(const Json& schema, const std::string& name) {
  const auto& required = schema["required"];
  return std::find(required.begin(), required.end(), name) != required.end();
}

std::string describe_words(const Json& property) {
  std::string words;
  const Json& listed = property.contains("items") ? property["items"] : property;
  if (!listed.contains("enum")) return words;
  for (const Json& word : listed["enum"]) {
    if (!word.is_string()) continue;
    const auto text = word.get<std::string>();
    words += fmt::format("{}`{}{}`", words.empty() ? ": " : ", ", text == "|" ? "\\" : "", text);  // a cell ends there
  }
  return words;
}

void describe_properties(const Json& schema, const std::string& prefix, bool defaults, std::string& text);

/// Rows of the keys inside a property: of an object, or of the objects of a list or map.
void describe_inner(const Json& property, const std::string& path, bool defaults, std::string& text) {
  if (property.contains("properties")) return describe_properties(property, path + ".", defaults, text);
  if (property.contains("items")) return describe_inner(property["items"], path + "[]", defaults, text);
  const auto inner = property.find("additionalProperties");
  if (inner != property.end() && inner->is_object()) return describe_inner(*inner, path + ".*", defaults, text);
  if (!property.contains("oneOf")) return;
  for (const Json& one : property["oneOf"]) describe_inner(one, path, defaults, text);
}

void describe_properties(const Json& schema, const std::string& prefix, bool defaults, std::string& text) {
  for (const auto& [name, property] : schema["properties"].items()) {
    const std::string doc = property.value("description", "which record this is") + describe_words(property);
    const bool required = is_required(schema, name);
    std::string type = describe_type(property);
    if (!defaults && !required && !type.ends_with("or null")) type += ", or absent";
    std::string fallback;
    if (defaults) {
      const std::string value = property.contains("default") ? property["default"].dump() : required ? "required" : "";
      fallback = fmt::format(" {} |", value);
    }
    text += fmt::format("| `{}{}` | {} |{} {} |\n", prefix, name, type, fallback, doc);
    describe_inner(property, prefix + name, defaults, text);
  }
}

}  // namespace

Json type_schema(Tag<std::int64_t>, const Key& key, Manner) {
  Json schema = number_schema(key, true);
  if (!key.range && key.choices.empty() && !key.has(kDifferences)) schema["minimum"] = 0;
  return schema;
}

Json type_schema(Tag<double>, const Key& key, Manner) { return number_schema(key, false); }

Json type_schema(Tag<std::string>, const Key& key, Manner manner) {
  if (key.has(kJsonObject)) return {{"type", "object"}};
  if (!key.words.empty()) return word_schema(key.words);
  Json schema{{"type", "string"}};
  if (manner == Manner::kStrict) schema["minLength"] = 1;
  if (key.has(kFileName)) schema["pattern"] = kFileNamePattern;
  return schema;
}

Json list_schema(Json items, const Key& key, Manner manner) {
  Json schema{{"type", "array"}};
  if (manner == Manner::kStrict) schema["minItems"] = 1;
  if (key.has(kDistinct)) schema["uniqueItems"] = true;
  schema["items"] = std::move(items);
  return schema;
}

Json word_schema(std::span<const std::string_view> words) { return {{"type", "string"}, {"enum", words}}; }

Json optional_schema(Json schema, const Key& key) {
  if (key.has(kLeftOut) || key.has(kGiven)) return schema;
  schema["type"] = Json::array({schema["type"], "null"});
  if (schema.contains("enum")) schema["enum"].push_back(nullptr);
  return schema;
}

Json map_schema(Json values, Manner manner) {
  Json schema{{"type", "object"}, {"additionalProperties", std::move(values)}};
  if (manner == Manner::kStrict) schema["minProperties"] = 1;
  return schema;
}

Json start_object(Json schema, Manner manner) {
  schema["type"] = "object";
  if (manner == Manner::kStrict) schema["additionalProperties"] = false;
  if (!schema.contains("properties")) schema["properties"] = Json::object();
  if (!schema.contains("required")) schema["required"] = Json::array();
  return schema;
}

void add_property(Json& schema, const Key& key, Json property, bool required, const Json& initial) {
  const std::string name(key.name);
  property["description"] = key.unit.empty() ? std::string(key.doc) : fmt::format("{} [{}]", key.doc, key.unit);
  if (key.has(kMayMiss) && initial.contains(name)) property["default"] = initial[name];
  schema["properties"][name] = std::move(property);
  if (required) schema["required"].push_back(name);
}

Json draft_7(std::string_view id, std::string_view title) {
  return {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"$id", id}, {"title", title}};
}

Json header_schema(std::string_view id, std::string_view title) {
  Json schema = draft_7(id, title);
  schema["properties"] = {{"schema", {{"type", "string"}, {"enum", {id}}, {"description", "kind of file"}}},
                          {"schema_version",
                           {{"type", "string"},
                            {"pattern", "^[01]\\.[0-9]+$"},
                            {"description", "MAJOR.MINOR of the file format"},
                            {"default", "1.0"}}}};
  schema["required"] = {"schema"};
  return schema;
}

std::string describe_schema(std::string_view title, const Json& schema, bool defaults) {
  std::string text = fmt::format("\n## {}\n", title);
  text += defaults ? "| key | value | default | meaning [unit] |\n|---|---|---|---|\n"
                   : "| key | type | meaning [unit] |\n|---|---|---|\n";
  describe_properties(schema, "", defaults, text);
  return text;
}

}  // namespace qtrap::table
