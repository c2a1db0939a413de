#include "import/schema.hpp"

#include <fmt/format.h>

#include "import/map_keys.hpp"
#include "import/units.hpp"

namespace qtrap::importer {
namespace {

/// JSON Schema of a member's type, found by overload on a null pointer to the type.
template <class T>
using Tag = const T*;

Json type_schema(Tag<std::string>, const Words& words) {
  Json schema{{"type", "string"}, {"minLength", 1}};
  if (!words.empty()) schema["enum"] = words;
  return schema;
}
Json type_schema(Tag<double>, const Words&) { return {{"type", "number"}, {"exclusiveMinimum", 0}}; }
Json type_schema(Tag<std::int64_t>, const Words&) { return {{"type", "integer"}, {"minimum", 1}, {"maximum", 64}}; }
Json type_schema(Tag<CellTexts>, const Words&) {
  return {{"type", "array"}, {"minItems", 1}, {"items", {{"type", "string"}}}};
}
Json type_schema(Tag<Columns>, const Words& words) {
  const Json text = type_schema(Tag<std::string>{}, words);
  return {{"oneOf", {text, {{"type", "array"}, {"minItems", 1}, {"items", text}}}}};
}
Json type_schema(Tag<SessionSource>, const Words& words);
template <HasKeys R>
Json type_schema(Tag<R>, const Words&);
template <class T>
Json type_schema(Tag<std::optional<T>>, const Words& words) {
  return type_schema(Tag<T>{}, words);
}
template <class T>
Json type_schema(Tag<std::vector<T>>, const Words& words) {
  return {{"type", "array"}, {"minItems", 1}, {"items", type_schema(Tag<T>{}, words)}};
}
template <class T>
Json type_schema(Tag<std::map<std::string, T>>, const Words& words) {
  return {{"type", "object"}, {"minProperties", 1}, {"additionalProperties", type_schema(Tag<T>{}, words)}};
}

template <HasKeys R>
Json type_schema(Tag<R>, const Words&) {
  Json schema{{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
  schema["required"] = Json::array();
  visit_keys<R>([&schema]<class T>(const Key<R, T>& key) {
    Json property = type_schema(Tag<T>{}, key.words());
    property["description"] = key.doc;
    schema["properties"][std::string(key.name)] = std::move(property);
    if (key.required) schema["required"].push_back(key.name);
  });
  return schema;
}

Json type_schema(Tag<SessionSource>, const Words& words) {
  return {{"oneOf", {type_schema(Tag<std::string>{}, words), type_schema(Tag<TextSource>{}, words)}}};
}

std::string describe_type(Tag<std::string>) { return "text"; }
std::string describe_type(Tag<CellTexts>) { return "list of: text"; }
std::string describe_type(Tag<Columns>) { return "text, or list of: text"; }
std::string describe_type(Tag<SessionSource>) { return "text, or text source"; }
std::string describe_type(Tag<double>) { return "number above 0"; }
std::string describe_type(Tag<std::int64_t>) { return "whole number"; }
std::string describe_type(Tag<TextSource>) { return "text source"; }
std::string describe_type(Tag<NumberSource>) { return "number source"; }
std::string describe_type(Tag<SpreadSource>) { return "spread"; }
std::string describe_type(Tag<TimeSource>) { return "time source"; }
std::string describe_type(Tag<EnergySource>) { return "energy source"; }
std::string describe_type(Tag<SchemeEntry>) { return "scheme"; }
std::string describe_type(Tag<Series>) { return "series"; }
template <class T>
std::string describe_type(Tag<std::optional<T>>) {
  return describe_type(Tag<T>{});
}
template <class T>
std::string describe_type(Tag<std::vector<T>>) {
  return "list of: " + describe_type(Tag<T>{});
}
template <class T>
std::string describe_type(Tag<std::map<std::string, T>>) {
  return "object of: " + describe_type(Tag<T>{});
}

template <class R>
std::string describe(std::string_view title) {
  std::string text = fmt::format("\n## {}\n| key | value | needed | meaning |\n|---|---|---|---|\n", title);
  visit_keys<R>([&text]<class T>(const Key<R, T>& key) {
    const Words words = key.words();
    text += fmt::format("| `{}` | {} | {} | {} |\n", key.name,
                        words.empty() ? describe_type(Tag<T>{}) : fmt::format("{}", fmt::join(words, ", ")),
                        key.required ? "yes" : "no", key.doc);
  });
  return text;
}

std::string describe_units(std::string_view title, std::span<const Unit> units) {
  std::string text = fmt::format("\n## {}\n| unit | meaning |\n|---|---|\n", title);
  for (const Unit& unit : units) text += fmt::format("| `{}` | {} |\n", unit.name, unit.doc);
  return text;
}

}  // namespace

std::string make_import_schema() {
  Json schema{{"$schema", "http://json-schema.org/draft-07/schema#"}, {"$id", kSchemaName}};
  schema.update(type_schema(Tag<ImportMap>{}, {}));
  Json properties{{"schema", {{"type", "string"}, {"enum", {kSchemaName}}}},
                  {"schema_version", {{"type", "string"}, {"pattern", "^[01]\\.[0-9]+$"}}}};
  properties.update(schema["properties"]);
  schema["properties"] = std::move(properties);
  schema["required"].insert(schema["required"].begin(), "schema");
  return schema.dump(2) + "\n";
}

std::string make_schema_markdown() {
  return "# Map files of `qtrap import`\n"
         "<!-- Generated from the key tables in host/import/map_keys.hpp: QTRAP_REGENERATE=1 import_tests -->\n"
         "One JSON object per file, UTF-8, with `\"schema\": \"qtrap.import\"`. Unknown keys are errors; a newer "
         "MAJOR\n"
         "version is refused. Where a key names a text or number *source*, it gives a column or a constant.\n" +
         describe<ImportMap>("Map") + describe<Series>("Series") + describe<SchemeEntry>("Scheme") +
         describe<TextSource>("Text source") + describe<NumberSource>("Number source") +
         describe<SpreadSource>("Spread") + describe<TimeSource>("Time source") +
         describe<EnergySource>("Energy source") + describe_units("Units of time", time_units()) +
         describe_units("Units of energy", energy_units());
}

}  // namespace qtrap::importer
