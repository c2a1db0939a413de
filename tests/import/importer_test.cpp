#include "import/importer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "core/file.hpp"
#include "import/schema.hpp"
#include "import/units.hpp"
#include "support/golden.hpp"
#include "support/locale_guard.hpp"

namespace qtrap::importer {
namespace {

const std::filesystem::path kSource = QTRAP_SOURCE_DIR;

constexpr const char* kTable =
    "gpu,model,bits,tps,mj,watts\n"
    "G,small,16,100,2000,20\n"
    "G,small,4,50,3000,20\n"
    "G,large,16,40,5000,20\n";

constexpr const char* kMap = R"({
  "schema": "qtrap.import", "schema_version": "1.0", "name": "m", "description": "d", "source": "a paper",
  "licence": "CC0", "models": {"small": "qwen3-0.6b", "large": "qwen3-4b"},
  "schemes": {"16": {"scheme": "f16", "path": "none", "weight_bits": 16, "activation_bits": 16},
              "4": {"scheme": "w4a16-split", "path": "split", "weight_bits": 4, "activation_bits": 16}},
  "series": [{"session": "s", "device": {"column": "gpu"}, "model": {"column": "model"}, "scheme": {"column": "bits"},
              "time": {"column": "tps", "unit": "tokens/s"}, "energy": {"column": "mj", "unit": "mJ/token"},
              "idle_power_w": {"column": "watts"}, "trials": {"constant": 3}, "hazards": ["made up"]}]})";

Result<profile::ModelProfile> find_model(const std::string& name) {
  return profile::load_model(name, std::vector{kSource / "profiles" / "models"});
}

Result<result::ResultFile> import_texts(std::string_view table, std::string_view map) {
  auto parsed_map = parse_import_map(map, "map.json");
  if (!parsed_map) return parsed_map.error();
  auto parsed_table = parse_csv(table, "t.csv");
  if (!parsed_table) return parsed_table.error();
  return import_table(parsed_table.value(), parsed_map.value(), {"t.csv", "0", "1", {"qtrap"}}, find_model);
}

/// kMap or kTable with the first `from` replaced.
std::string replace(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Import, GivesEachRowAPointWithUnitsBasisAndSource) {
  const result::ResultFile file = import_texts(kTable, kMap).value();
  ASSERT_EQ(file.sessions.size(), 1U);
  EXPECT_EQ(file.sessions[0].origin, "imported");
  EXPECT_EQ(file.sessions[0].session_id, "m/s/G");
  EXPECT_EQ(file.sessions[0].device.name, "G");
  EXPECT_EQ(file.sessions[0].environment.at("import_licence"), "CC0");
  EXPECT_EQ(file.sessions[0].hazards, std::vector<std::string>{"made up"});
  ASSERT_EQ(file.points.size(), 3U);
  const result::PointRecord& four = file.points[1];
  EXPECT_EQ(four.scheme, "w4a16-split");
  EXPECT_EQ(four.path, "split");
  EXPECT_EQ(four.model, "qwen3-0.6b");
  EXPECT_EQ(four.layers, 28);
  EXPECT_EQ(four.basis, "measured");
  EXPECT_EQ(four.source, "a paper");
  EXPECT_EQ(four.trials, 3);
  EXPECT_DOUBLE_EQ(four.time_s.value(), 0.02);        // 1 / 50 tokens/s
  EXPECT_DOUBLE_EQ(four.energy_gross_j.value(), 3);   // 3000 mJ
  EXPECT_DOUBLE_EQ(four.energy_idle_j.value(), 0.4);  // 20 W x 0.02 s
  EXPECT_DOUBLE_EQ(four.energy_net_j.value(), 2.6);
  EXPECT_DOUBLE_EQ(four.time_ratio.value(), 2);
  EXPECT_DOUBLE_EQ(four.energy_ratio.value(), 1.5);
  EXPECT_DOUBLE_EQ(four.energy_net_ratio.value(), 2.6 / 1.8);  // anchor: 2 J - 20 W x 0.01 s
  EXPECT_DOUBLE_EQ(four.cor_operational.value(), 1);
  EXPECT_EQ(four.verdict_time, "undecided");
  EXPECT_FALSE(four.time_ratio_low);
  EXPECT_FALSE(file.points[2].time_ratio);
}

TEST(Import, WritesAFileThatTheReaderReadsBack) {
  const std::string text = to_text(import_texts(kTable, kMap).value()).value();
  const result::ResultFile back = result::parse_result(text, "r").value();
  EXPECT_EQ(back.points, import_texts(kTable, kMap).value().points);
  EXPECT_FALSE(back.torn_tail);
}

TEST(Import, IsTheSameUnderADecimalCommaLocale) {
  const std::string before = to_text(import_texts(kTable, kMap).value()).value();
  const test::LocaleGuard hostile;
  EXPECT_EQ(to_text(import_texts(kTable, kMap).value()).value(), before);
}

TEST(Import, TurnsNetEnergyIntoGross) {
  const std::string map = replace(kMap, R"("unit": "mJ/token")", R"("unit": "mJ/token", "convention": "net")");
  const result::PointRecord point = import_texts(kTable, map).value().points.at(1);
  EXPECT_DOUBLE_EQ(point.energy_gross_j.value(), 3.4);
  EXPECT_DOUBLE_EQ(point.energy_net_j.value(), 3);
}

TEST(Import, ComputesTheAnchorBackFromAChangeInPercent) {
  const std::string map =
      replace(kMap, R"("unit": "mJ/token")", R"("unit": "mJ/token", "undo_change_percent": "watts")");
  // 2000 mJ lie 20 % above the value wanted
  EXPECT_NEAR(import_texts(kTable, map).value().points.at(0).energy_gross_j.value(), 2 / 1.2, 1e-12);
}

TEST(Import, FiltersRowsAndPutsThemIntoSessions) {
  const std::string map = replace(kMap, R"("session": "s",)",
                                  R"("session": "s", "where": {"model": ["small"]}, "except": {"bits": ["4"]},)");
  const result::ResultFile file = import_texts(kTable, map).value();
  ASSERT_EQ(file.points.size(), 1U);
  EXPECT_EQ(file.points[0].model, "qwen3-0.6b");
}

TEST(Import, KeepsARepeatedAnchorOnceAndRefusesAnotherValue) {
  const std::string again = std::string(kTable) + "G,small,16,100,2000,20\n";
  EXPECT_EQ(import_texts(again, kMap).value().points.size(), 3U);
  const std::string other = std::string(kTable) + "G,small,16,100,2100,20\n";
  EXPECT_EQ(
      import_texts(other, kMap).error().message(),
      "t.csv line 5: a configuration is given twice with different values (m/s/G|qwen3-0.6b/b1/imported|f16): put "
      "the rows into sessions of their own");
}

TEST(Import, RefusesRowsItCannotReadWithLineAndColumn) {
  struct Reject {
    std::string table;
    std::string map;
    std::string message;
  };
  const std::string table = kTable;
  const std::string map = kMap;
  const Reject rejects[] = {
      {replace(table, "3000", "NaN"), map,
       "t.csv line 3: `mj` is not a finite number (NaN): write it with a decimal point and no unit, or filter the row "
       "out"},
      {replace(table, "3000", "inf"), map,
       "t.csv line 3: `mj` is not a finite number (inf): write it with a decimal point and no unit, or filter the row "
       "out"},
      {replace(table, "3000", "3000 mJ"), map,
       "t.csv line 3: `mj` is not a finite number (3000 mJ): write it with a decimal point and no unit, or filter the "
       "row out"},
      {replace(table, "3000", "\"3,5\""), map,
       "t.csv line 3: `mj` is not a finite number (3,5): write it with a decimal point and no unit, or filter the row "
       "out"},
      {replace(table, "3000", "-1"), map, "t.csv line 3: `mj` is not above 0 (-1): filter the row out"},
      {replace(table, "50,3000", ","), map,
       "t.csv line 3: the row has neither time nor energy (s): filter it out with `where` or `except`"},
      {replace(table, "large", "huge"), map,
       "t.csv line 4: the map's `models` lacks this model (huge): add it with the name of a model profile"},
      {replace(table, "small,4", "small,8"), map,
       "t.csv line 3: the map's `schemes` lacks this scheme (8): add it or filter it out"},
      {replace(table, "tps", "tok_s"), map,
       "t.csv has no such column (tps): did you mean `gpu`? its columns are gpu, model, bits, tok_s, mj, watts"},
      {table, replace(map, R"("qwen3-4b")", R"("../secret.json")"),
       "map.json: `models.large` cannot be part of a file name (../secret.json): use letters, digits, dot, dash and "
       "underscore, no leading dot"},
      {table, replace(map, R"("name": "m")", R"("name": "a/b")"),
       "map.json: `name` cannot be part of a file name (a/b): use letters, digits, dot, dash and underscore, no "
       "leading "
       "dot"},
      {table, replace(map, R"("session": "s",)", R"("session": "s", "where": {"gpu": ["H"]},)"),
       "t.csv: no row passes the filters of a series (s): correct `where` and `except`; texts must match to the "
       "letter"},
      {table, replace(map, R"("session": "s",)", R"("session": "s", "batch": {"constant": 1.5},)"),
       "t.csv line 2: the batch is not a whole number from 1 to 65536 (1.5): correct it or filter it out"},
  };
  for (const Reject& reject : rejects) {
    const auto file = import_texts(reject.table, reject.map);
    ASSERT_FALSE(file) << reject.message;
    EXPECT_EQ(file.error().message(), reject.message);
    EXPECT_EQ(file.error().kind, ErrorKind::kUsage);
  }
  EXPECT_NE(import_texts(table, replace(map, "qwen3-4b", "qwen3-4")).error().message().find("did you mean `qwen3-4b`?"),
            std::string::npos);
}

TEST(ImportMap, RefusesWhatItDoesNotUnderstand) {
  struct Reject {
    const char* from;
    const char* to;
    const char* message;  ///< after "map.json"
  };
  const Reject rejects[] = {
      {"\"licence\"", "\"license\"", " has an unknown key (license): did you mean `licence`? known are schema,"},
      {"\"licence\": \"CC0\",", "", " lacks a key (licence): add it: licence of the table"},
      {"qtrap.import", "qtrap.fit", " has another schema (\"qtrap.fit\"): a file with schema qtrap.import is needed"},
      {"\"1.0\"", "\"2.0\"", " has a schema_version that is newer than this program (2.0): use a qtrap that reads"},
      {"\"tokens/s\"", "\"tok/s\"",
       ": `series[0].time.unit` is not in its closed list (tok/s): use tokens/s, s/token, ms/token, s/step, ms/step, "
       "s, "
       "ms"},
      {"\"column\": \"gpu\"", "\"column\": \"gpu\", \"constant\": \"G\"",
       ": `series[0].device` has both `column` and `constant`: give exactly one of them"},
      {"{\"column\": \"gpu\"}", "{}", ": `series[0].device` has neither `column` nor `constant`: give exactly one of"},
      {"{\"column\": \"gpu\"}", "\"gpu\"", ": `series[0].device` has the wrong type (\"gpu\"): give an object in { }"},
      {"\"weight_bits\": 4", "\"weight_bits\": 0",
       ": `schemes.4.weight_bits` is out of range (0): give a number from 1 to 64"},
      {"\"mJ/token\"", "\"kWh\"",
       ": `series[0].energy.unit` is a whole run's unit, and `tokens` is missing (kWh): add `tokens`"},
      {"\"name\": \"m\",", "\"name\": \"m\", \"name\": \"n\",", ": a key is given twice (name): remove one of them"},
      {"\"column\": \"gpu\"", "\"column\": \"gpu\", \"column\": \"gpu\"",
       ": a key is given twice (column): remove one of them"},
      {"\"idle_power_w\": {\"column\": \"watts\"}, ", "\"idle_power_w\": {\"constant\": -1}, ",
       ": `series[0].idle_power_w.constant` is out of range (-1): give a number above 0"},
  };
  for (const Reject& reject : rejects) {
    const auto map = parse_import_map(replace(kMap, reject.from, reject.to), "map.json");
    ASSERT_FALSE(map) << reject.message;
    EXPECT_TRUE(map.error().message().starts_with(std::string("map.json") + reject.message)) << map.error().message();
  }
  const std::string net = replace(replace(kMap, R"("unit": "mJ/token")", R"("unit": "mJ/token", "convention": "net")"),
                                  R"("idle_power_w": {"column": "watts"}, )", "");
  EXPECT_EQ(parse_import_map(net, "map.json").error().message(),
            "map.json: `series[0].energy.convention` is net without `idle_power_w` and `time` (net): add both: gross "
            "energy is what the records hold");
  for (std::size_t length = 0; length + 1 < std::string_view(kMap).size(); ++length) {
    ASSERT_FALSE(parse_import_map(std::string_view(kMap).substr(0, length), "map.json")) << length;
  }
}

TEST(ImportMap, IsWrittenSoThatItReadsBackEqual) {
  const ImportMap map = parse_import_map(kMap, "map.json").value();
  EXPECT_EQ(parse_import_map(to_json(map), "again").value(), map);
}

TEST(ImportMap, DocumentsAreWhatTheTablesGenerate) {
  test::expect_golden("host/import/schema/qtrap.import.schema.json", make_import_schema());
  test::expect_golden("host/import/SCHEMA.md", make_schema_markdown());
}

TEST(Units, AreWorthTheirSecondsAndJoulesPerStep) {
  struct Case {
    std::span<const Unit> units;
    const char* unit;
    double value;
    double step;  ///< at batch 4, 1000 tokens a run and steps of 0.5 s
  };
  const Spread spread{4, 1000, 0.5};
  const Case cases[] = {
      {time_units(), "tokens/s", 8, 0.5},             // 4 tokens at 8 a second
      {time_units(), "s/token", 0.1, 0.4},            // 4 tokens
      {time_units(), "ms/token", 100, 0.4},           //
      {time_units(), "s/step", 0.3, 0.3},             //
      {time_units(), "ms/step", 300, 0.3},            //
      {time_units(), "s", 250, 1},                    // 250 steps
      {time_units(), "ms", 250000, 1},                //
      {energy_units(), "J/1k tokens", 500, 2},        // 0.5 J a token
      {energy_units(), "J/token", 0.5, 2},            //
      {energy_units(), "mJ/token", 500, 2},           //
      {energy_units(), "J/step", 2, 2},               //
      {energy_units(), "kWh/1k tokens", 1e-3, 14.4},  // 3600 J per 1000 tokens
      {energy_units(), "tokens/kWh", 3.6e6, 4},       // 1 J a token
      {energy_units(), "J", 500, 2},                  // 500 J over 250 steps
      {energy_units(), "kWh", 1e-3, 14.4},            // 3600 J over 250 steps
      {energy_units(), "W", 20, 10},                  // 20 W for 0.5 s
  };
  for (const Case& one : cases) {
    const Unit* unit = find_unit(one.units, one.unit);
    ASSERT_NE(unit, nullptr) << one.unit;
    EXPECT_NEAR(convert_to_step(*unit, one.value, spread).value(), one.step, 1e-12 * one.step) << one.unit;
  }
  EXPECT_EQ(std::size(cases), time_units().size() + energy_units().size());
  EXPECT_FALSE(convert_to_step(*find_unit(energy_units(), "kWh"), 1, {1, std::nullopt, 1}));
  EXPECT_FALSE(convert_to_step(*find_unit(energy_units(), "W"), 1, {1, 1, std::nullopt}));
}

TEST(Import, ReadsEveryTableThatComesWithAMap) {
  std::size_t tables = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kSource / "profiles" / "imports")) {
    if (entry.path().extension() != ".json") continue;
    const std::string name = entry.path().stem().string();
    const auto table = read_file(kSource / "tests" / "data" / "imports" / (name + ".csv"));
    ASSERT_TRUE(table) << table.error().message();
    const auto file = import_texts(table.value(), read_file(entry.path()).value());
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_GE(file.value().points.size(), 15U) << name;
    ++tables;
  }
  EXPECT_EQ(tables, 4U);
}

// The published averages themselves are the check: mean power x time of a token is its energy.
TEST(Import, AgreesWithThePublishedMeanPower) {
  const CsvTable table =
      parse_csv(read_file(kSource / "tests/data/imports/rtx5090_fp8_torchao_2026-09-20.csv").value(), "t").value();
  const auto map = read_file(kSource / "profiles/imports/rtx5090_fp8_torchao_2026-09-20.json").value();
  const result::ResultFile file =
      import_texts(read_file(kSource / "tests/data/imports/rtx5090_fp8_torchao_2026-09-20.csv").value(), map).value();
  ASSERT_EQ(file.points.size(), table.rows.size());
  for (std::size_t i = 0; i < file.points.size(); ++i) {
    const double power_w = std::stod(table.rows[i].cells.at(6));
    EXPECT_NEAR(*file.points[i].energy_gross_j / *file.points[i].time_s, power_w, 0.02 * power_w);
  }
}

}  // namespace
}  // namespace qtrap::importer
