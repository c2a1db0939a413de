// A file against its JSON Schema, key by key: keys that the schema does not have, and keys of it that were never
// written.
#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace qtrap::test {

/// "points[].time.low": the place of a key below `path`.
inline std::string join_path(const std::string& path, const std::string& key) {
  return path.empty() ? key : fmt::format("{}.{}", path, key);
}

/// Adds the place of every key in `value` to `written` ("points[].time.low") and of those that `schema` lacks to
/// `undocumented`.
inline void walk_file(const nlohmann::json& value, const nlohmann::json& schema, const std::string& path,
                      std::set<std::string>& written, std::set<std::string>& undocumented) {
  if (value.is_array()) {
    for (const auto& item : value) walk_file(item, schema.value("items", schema), path + "[]", written, undocumented);
  }
  if (!value.is_object() || (schema.contains("additionalProperties") && !schema.contains("properties"))) return;
  for (const auto& [key, item] : value.items()) {
    const std::string there = join_path(path, key);
    written.insert(there);
    if (!schema.contains("properties") || !schema["properties"].contains(key)) {
      undocumented.insert(there);
    } else {
      walk_file(item, schema["properties"][key], there, written, undocumented);
    }
  }
}

/// Places of all keys of a schema.
inline void walk_schema(const nlohmann::json& schema, const std::string& path, std::set<std::string>& documented) {
  if (schema.contains("items")) return walk_schema(schema["items"], path + "[]", documented);
  if (!schema.contains("properties")) return;
  for (const auto& [key, inner] : schema["properties"].items()) {
    const std::string there = join_path(path, key);
    documented.insert(there);
    walk_schema(inner, there, documented);
  }
}

/// What stands in one of the two and not in the other, for files of one kind: empty where all is in order.
inline std::set<std::string> find_differences(std::initializer_list<std::string> texts,
                                              const std::string& schema_text) {
  const auto schema = nlohmann::json::parse(schema_text);
  std::set<std::string> written;
  std::set<std::string> differences;
  for (const std::string& text : texts) walk_file(nlohmann::json::parse(text), schema, "", written, differences);
  std::set<std::string> documented;
  walk_schema(schema, "", documented);
  for (const std::string& key : documented) {
    if (!written.contains(key)) differences.insert("never written: " + key);
  }
  return differences;
}

}  // namespace qtrap::test
