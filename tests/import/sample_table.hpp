// A small table with its map, and what tests of imports do with them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "import/importer.hpp"
#include "import/table_reader.hpp"
#include "profile/profile.hpp"

namespace qtrap::importer {

inline const std::filesystem::path kSource = QTRAP_SOURCE_DIR;

inline constexpr const char* kTable =
    "gpu,model,bits,tps,mj,watts\n"
    "G,small,16,100,2000,20\n"
    "G,small,4,50,3000,20\n"
    "G,large,16,40,5000,20\n";

inline constexpr const char* kMap = R"({
  "schema": "qtrap.import", "schema_version": "1.0", "name": "m", "description": "d", "source": "a paper",
  "licence": "CC0", "models": {"small": "qwen3-0.6b", "large": "qwen3-4b"},
  "schemes": {"16": {"scheme": "f16", "path": "none", "weight_bits": 16, "activation_bits": 16},
              "4": {"scheme": "w4a16-split", "path": "split", "weight_bits": 4, "activation_bits": 16}},
  "series": [{"session": "s", "device": {"column": "gpu"}, "model": {"column": "model"}, "scheme": {"column": "bits"},
              "time": {"column": "tps", "unit": "tokens/s"}, "energy": {"column": "mj", "unit": "mJ/token"},
              "idle_power_w": {"column": "watts"}, "trials": {"constant": 3}, "hazards": ["made up"]}]})";

inline Result<profile::ModelProfile> find_model(const std::string& name) {
  return profile::load_model(name, std::vector{kSource / "profiles" / "models"});
}

inline Result<Imported> import_with_warnings(std::string_view table, std::string_view map) {
  auto parsed_map = parse_import_map(map, "map.json");
  if (!parsed_map) return parsed_map.error();
  auto parsed_table = parse_table(table, "t.csv", separator_of(parsed_map.value()));
  if (!parsed_table) return parsed_table.error();
  return import_table(parsed_table.value(), parsed_map.value(), {"t.csv", "0", "1", {"qtrap"}}, find_model);
}

inline Result<result::ResultFile> import_texts(std::string_view table, std::string_view map) {
  auto imported = import_with_warnings(table, map);
  if (!imported) return imported.error();
  return std::move(imported.value().file);
}

/// kMap or kTable with the first `from` replaced.
inline std::string replace(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

}  // namespace qtrap::importer
