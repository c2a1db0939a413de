#include "import/importer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/file.hpp"
#include "core/statistics.hpp"
#include "import/csv.hpp"
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
  auto parsed_table = parse_table(table, "t.csv", separator_of(parsed_map.value()));
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
       "t.csv line 3: `mj` is not a finite number (NaN): write it with a decimal point, name it in the map's "
       "`no_reading`, or filter the row out"},
      {replace(table, "3000", "inf"), map,
       "t.csv line 3: `mj` is not a finite number (inf): write it with a decimal point, name it in the map's "
       "`no_reading`, or filter the row out"},
      {replace(table, "3000", "3000 mJ"), map,
       "t.csv line 3: `mj` is in mJ, and the map reads mJ/token (3000 mJ): convert the column, or correct the map's "
       "unit"},
      {replace(table, "3000", "\"3,5\""), map,
       "t.csv line 3: `mj` is not a finite number (3,5): give the map \"decimal\": \",\", write a decimal point, or "
       "filter the row out"},
      {replace(table, "3000", "-1"), map, "t.csv line 3: `mj` is not above 0 (-1): filter the row out"},
      {replace(table, "50,3000", ","), map,
       "t.csv line 3: the row has neither time nor energy (s): filter it out with `where` or `except`"},
      {replace(table, "3000", "0"), map, "t.csv line 3: `mj` is not above 0 (0): filter the row out"},
      {replace(table, "watts", "mj"), map, "t.csv: a column is named twice (mj): give each its own name"},
      {replace(table, "mj,watts", "mj,watts [mW]"), map,
       "t.csv: a column is in mW by its name, and the map reads W (watts [mW]): correct the map's unit"},
      {replace(table, "3000", "\"1,234\""), map,
       "t.csv line 3: `mj` may hold thousands or a decimal comma (1,234): say which in the map: \"decimal\": \".\" or "
       "\"decimal\": \",\""},
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
      {"\"mJ/token\"", "\"tokens/J\", \"column\": [\"mj\", \"watts\"]", ": a key is given twice (column)"},
      {"\"mj\", \"unit\": \"mJ/token\"", "[\"mj\", \"watts\"], \"unit\": \"tokens/J\"",
       ": `series[0].energy.column` adds columns of an inverse unit (tokens/J): give one column"},
      {"\"trials\"", "\"tokens\": {\"constant\": 1}, \"steps\": {\"constant\": 1}, \"trials\"",
       ": `series[0]` has both `tokens` and `steps` (s): give one of them: each tells a run's length"},
      {"\"tokens/s\"", "\"tokens/s\", \"spread\": {\"sd\": \"mj\", \"low\": \"mj\"}",
       ": `series[0].time.spread` is not one of its three forms: give `sd`, `standard_error`, or `low`, `high` and"},
      {"\"tokens/s\"", "\"tokens/s\", \"spread\": {\"low\": \"mj\", \"high\": \"mj\", \"confidence\": 95}",
       ": `series[0].time.spread.confidence` is out of range (95): write 0.95 for 95 %"},
      {"\"session\": \"s\"", "\"session\": {}", ": `series[0].session` has neither `column` nor `constant`"},
      {"\"session\": \"s\"", "\"session\": 1", ": `series[0].session` has the wrong type (1): give a text in quotes"},
      {"\"name\": \"m\"", "\"name\": \"m\", \"separator\": \"x\"", ": `separator` is not in its closed list (x): use"},
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
  const std::string rich = replace(
      replace(replace(kMap, R"("session": "s")", R"("session": {"column": "gpu"}, "where": {"gpu": ["", "G"]})"),
              R"("column": "mj")", R"("column": ["mj", "watts"])"),
      R"("name": "m")", R"("separator": "tab", "decimal": ",", "no_reading": ["ERR!"], "name": "m")");
  const ImportMap wide = parse_import_map(rich, "map.json").value();
  EXPECT_EQ(parse_import_map(to_json(wide), "again").value(), wide);
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
      {time_units(), "us", 250e6, 1},                 //
      {time_units(), "ns", 250e9, 1},                 //
      {time_units(), "min", 5, 1.2},                  // 300 s over 250 steps
      {time_units(), "h", 0.5, 7.2},                  // 1800 s over 250 steps
      {time_units(), "us/token", 1e5, 0.4},           //
      {time_units(), "us/step", 3e5, 0.3},            //
      {time_units(), "steps/s", 4, 0.25},             //
      {time_units(), "tokens/min", 480, 0.5},         // 8 tokens a second
      {energy_units(), "mJ", 5e5, 2},                 //
      {energy_units(), "kJ", 0.5, 2},                 //
      {energy_units(), "MJ", 5e-4, 2},                //
      {energy_units(), "mWh", 1000, 14.4},            // 3600 J over 250 steps
      {energy_units(), "Wh", 1, 14.4},                //
      {energy_units(), "uJ/token", 5e5, 2},           //
      {energy_units(), "mWh/token", 1, 14.4},         // 3.6 J a token
      {energy_units(), "Wh/token", 1e-3, 14.4},       //
      {energy_units(), "kWh/token", 1e-6, 14.4},      //
      {energy_units(), "kJ/1k tokens", 0.5, 2},       // 0.5 J a token
      {energy_units(), "Wh/1k tokens", 1, 14.4},      // 3.6 J a token
      {energy_units(), "J/1M tokens", 5e5, 2},        //
      {energy_units(), "kJ/1M tokens", 500, 2},       //
      {energy_units(), "Wh/1M tokens", 1000, 14.4},   //
      {energy_units(), "kWh/1M tokens", 1, 14.4},     //
      {energy_units(), "mJ/step", 2000, 2},           //
      {energy_units(), "Wh/step", 1e-3, 3.6},         //
      {energy_units(), "tokens/J", 2, 2},             // 0.5 J a token
      {energy_units(), "tokens/Wh", 3600, 4},         // 1 J a token
      {energy_units(), "tokens/s/W", 2, 2},           // 0.5 J a token
      {energy_units(), "mW", 20000, 10},              // 20 W for 0.5 s
      {energy_units(), "kW", 0.02, 10},               //
  };
  for (const Case& one : cases) {
    const Unit* unit = find_unit(one.units, one.unit);
    ASSERT_NE(unit, nullptr) << one.unit;
    EXPECT_NEAR(convert_to_step(*unit, one.value, spread).value(), one.step, 1e-12 * one.step) << one.unit;
  }
  EXPECT_EQ(std::size(cases), time_units().size() + energy_units().size());
  // 100 runs of 32 steps: the batch is in the steps, not in the tokens
  EXPECT_DOUBLE_EQ(convert_to_step(*find_unit(energy_units(), "J"), 6400, {4, std::nullopt, 0.5, 32, 100}).value(), 2);
  EXPECT_DOUBLE_EQ(convert_to_step(*find_unit(time_units(), "s"), 6400, {4, 128, 0.5, std::nullopt, 100}).value(), 2);
  EXPECT_FALSE(convert_to_step(*find_unit(energy_units(), "kWh"), 1, {1, std::nullopt, 1}));
  EXPECT_FALSE(convert_to_step(*find_unit(energy_units(), "W"), 1, {1, 1, std::nullopt}));
}

TEST(Units, AreKnownByTheirSpellings) {
  for (const auto units : {time_units(), energy_units()}) {
    for (const Unit& unit : units) EXPECT_TRUE(canonicalize_unit(unit.name)) << unit.name;
  }
  const char* const same[][2] = {
      {"tok/sec", "tokens/s"},
      {"Tokens per second", "tokens/s"},
      {"t/s", "tokens/s"},
      {"tps", "tokens/s"},
      {"Joules", "J"},
      {"J per 1,000 tokens", "J/1k tokens"},
      {"Wh/1000 tokens", "Wh/1k tokens"},
      {"kW\u00b7h", "kWh"},
      {"\u00b5s", "us"},
      {"ms/tok", "ms/token"},
      {"Watts", "W"},
      {"J/Mtok", "J/1M tokens"},
  };
  for (const auto& [text, unit] : same) EXPECT_EQ(canonicalize_unit(text), canonicalize_unit(unit)) << text;
  EXPECT_NE(canonicalize_unit("mJ"), canonicalize_unit("MJ"));
  for (const char* text : {"", "mean", "W/GPU", "bs=1", "/s"}) EXPECT_FALSE(canonicalize_unit(text)) << text;
  EXPECT_EQ(find_header_unit("power.draw [W]"), "W");
  EXPECT_EQ(find_header_unit("Latency (ms)"), "ms");
  EXPECT_FALSE(find_header_unit("power (mean)"));
  EXPECT_FALSE(find_header_unit("[W]"));
  EXPECT_TRUE(agree("J", "J/token"));
  EXPECT_TRUE(agree("Wh/1k run", "Wh"));
  EXPECT_FALSE(agree("J/token", "J"));
  EXPECT_FALSE(agree("mW", "W"));
  EXPECT_FALSE(agree("J", "Jx"));
}

/// kTable between semicolons, with a decimal comma and the five numbers of its fifth column.
std::string german(const char* first, const char* second, const char* third) {
  return std::string("gpu;model;bits;tps;mj;watts\nG;small;16;100;") + first + ";20\nG;small;4;50,5;" + second +
         ";20\nG;large;16;40;" + third + ";20\n";
}

TEST(Import, ReadsADecimalCommaBetweenSemicolonsWhereTheColumnShowsIt) {
  const auto points = import_texts(german("2000", "3.000,5", "5.000"), kMap).value().points;
  EXPECT_DOUBLE_EQ(points[1].time_s.value(), 1 / 50.5);
  EXPECT_DOUBLE_EQ(points[1].energy_gross_j.value(), 3.0005);
  EXPECT_DOUBLE_EQ(points[2].energy_gross_j.value(), 5);
  // "2.000" alone does not show it: `tps` does, and it is one table
  EXPECT_DOUBLE_EQ(import_texts(german("2.000", "3.000", "5.000"), kMap).value().points[0].energy_gross_j.value(), 2);
}

TEST(Import, RefusesAColumnWhoseDecimalSignIsNotClear) {
  const std::string open = replace(german("2.000", "3.000", "5.000"), "50,5", "50");
  EXPECT_EQ(
      import_texts(open, kMap).error().message(),
      "t.csv line 2: `mj` may hold thousands or a decimal point (2.000): say which in the map: \"decimal\": \".\" or "
      "\"decimal\": \",\"");
  const std::string comma = replace(kMap, R"("name": "m")", R"("decimal": ",", "name": "m")");
  EXPECT_DOUBLE_EQ(import_texts(open, comma).value().points[0].energy_gross_j.value(), 2);
  const std::string point = replace(kMap, R"("name": "m")", R"("decimal": ".", "name": "m")");
  EXPECT_DOUBLE_EQ(import_texts(open, point).value().points[0].energy_gross_j.value(), 0.002);
  EXPECT_EQ(
      import_texts(german("2000.5", "3000,5", "1"), kMap).error().message(),
      "t.csv line 3: `mj` has a decimal comma here and a decimal point in line 2 (3000,5): write the column in one "
      "way");
}

TEST(Import, ReadsThousandsInQuotesBesideADecimalPoint) {
  const std::string table = replace(replace(kTable, "2000", "\"2,000.5\""), "3000", "\"3,000\"");
  const auto points = import_texts(table, kMap).value().points;
  EXPECT_DOUBLE_EQ(points[0].energy_gross_j.value(), 2.0005);
  EXPECT_DOUBLE_EQ(points[1].energy_gross_j.value(), 3);
}

TEST(Import, TakesUnitsOffCellsWhereTheyAreTheMapsOrTheHeaders) {
  const std::string table =
      replace(replace(kTable, "mj,watts", "mj [mJ],Watts (W)"), "100,2000,20", "100 tok/s,2000 mJ,20 Watt");
  const std::string map =
      replace(replace(kMap, R"("column": "mj")", R"("column": "mj [mJ]")"), R"("watts")", R"("Watts")");
  EXPECT_EQ(import_texts(table, map).value().points, import_texts(kTable, kMap).value().points);
  EXPECT_EQ(import_texts(replace(table, "2000 mJ", "2 J"), map).error().message(),
            "t.csv line 2: `mj [mJ]` is in J, and the map reads mJ/token (2 J): convert the column, or correct the "
            "map's unit");
}

TEST(Import, TakesWordsForNoReadingAsNull) {
  const auto points = import_texts(replace(kTable, "3000", "[Not Supported]"), kMap).value().points;
  EXPECT_FALSE(points[1].energy_gross_j);
  EXPECT_DOUBLE_EQ(points[1].time_s.value(), 0.02);
  const std::string map = replace(kMap, R"("name": "m")", R"("no_reading": ["NaN"], "name": "m")");
  EXPECT_FALSE(import_texts(replace(kTable, "3000", "NaN"), map).value().points[1].energy_gross_j);
}

TEST(Import, AddsTheCellsOfSeveralColumns) {
  const std::string map = replace(kMap, R"({"column": "mj", "unit")", R"({"column": ["mj", "watts"], "unit")");
  EXPECT_DOUBLE_EQ(import_texts(kTable, map).value().points[1].energy_gross_j.value(), 3.02);
  EXPECT_FALSE(import_texts(replace(kTable, "3000,20", "3000,N/A"), map).value().points[1].energy_gross_j);
  EXPECT_EQ(import_texts(replace(kTable, "3000,20", "3000,-1"), map).error().message(),
            "t.csv line 3: `watts` is not above 0 (-1): filter the row out");
}

TEST(Import, FiltersByAnEmptyCell) {
  const std::string map = replace(kMap, R"("session": "s",)", R"("session": "s", "except": {"tps": [""]},)");
  EXPECT_EQ(import_texts(replace(kTable, "50,3000", ","), map).value().points.size(), 2U);
}

TEST(Import, GivesASessionPerTextOfAColumn) {
  const std::string map = replace(kMap, R"("session": "s",)", R"("session": {"column": "watts"},)");
  const result::ResultFile file = import_texts(replace(kTable, "3000,20", "3000,21"), map).value();
  ASSERT_EQ(file.sessions.size(), 2U);
  EXPECT_EQ(file.sessions[1].session_id, "m/21/G");
  EXPECT_FALSE(file.points[1].time_ratio);  // its anchor is in another session
}

/// kMap with a time spread and without the energy.
std::string spread_map(const char* spread) {
  return replace(kMap, R"("unit": "tokens/s"})", std::string(R"("unit": "tokens/s", "spread": )") + spread + "}");
}

TEST(Import, GivesAPublishedSpreadAnIntervalThatDecidesNothing) {
  const std::string table =
      "gpu,model,bits,tps,mj,watts,sd,low,high\n"
      "G,small,16,100,2000,20,3,97,103\n"
      "G,small,4,50,3000,20,1,49,51\n";
  const result::PointRecord four = import_texts(table, spread_map(R"({"sd": "sd"})")).value().points.at(1);
  EXPECT_EQ(four.replicates, 3);
  EXPECT_DOUBLE_EQ(four.time_error.value(), 0.02 / std::sqrt(3));  // 1 of 50 over three trials
  // Welch of 0.02 and 0.03 over two degrees each: 2 (4 + 9)^2 / (16 + 81)
  EXPECT_NEAR(four.time_ratio_df.value(), 2.0 * 169 / 97, 1e-9);
  const double half = student_t_quantile(0.975, 2.0 * 169 / 97) * std::sqrt((4e-4 + 9e-4) / 3);
  EXPECT_NEAR(std::log(four.time_ratio_high.value()), std::log(2) + half, 1e-9);
  EXPECT_EQ(four.time_ratio_basis, "imported");
  EXPECT_GT(four.time_ratio_low.value(), 1);
  EXPECT_EQ(four.verdict_time, "undecided");
  EXPECT_FALSE(four.time_ratio_p);
  EXPECT_NEAR(std::log(four.time_s_high.value() / 0.02), student_t_quantile(0.975, 2) * 0.02 / std::sqrt(3), 1e-12);
  EXPECT_FALSE(four.energy_ratio_low);
  const std::string interval = spread_map(R"({"low": "low", "high": "high", "confidence": 0.95})");
  const result::PointRecord known = import_texts(table, interval).value().points.at(1);
  EXPECT_NEAR(known.time_error.value(), 0.02 / student_t_quantile(0.975, 2), 1e-12);
  EXPECT_EQ(import_texts(replace(table, "97,103", "101,103"), interval).error().message(),
            "t.csv line 2: the value lies outside `low` to `high` (101 to 103): correct the columns");
  const auto back = result::parse_result(to_text(import_texts(table, interval).value()).value(), "r");
  ASSERT_TRUE(back) << back.error().message();
}

TEST(Import, KeepsReplicatesBelowTheirSession) {
  const std::string table =
      "gpu,model,bits,tps,mj,watts,run\n"
      "G,small,16,100,2000,20,1\nG,small,16,125,2100,20,2\n"
      "G,small,4,50,3000,20,1\nG,small,4,40,3300,20,2\nG,small,4,N/A,3600,20,3\n";
  const std::string map = replace(kMap, R"("session": "s",)", R"("session": "s", "replicate": {"column": "run"},)");
  const result::ResultFile file = import_texts(table, map).value();
  ASSERT_EQ(file.points.size(), 2U);
  EXPECT_EQ(file.sessions.size(), 1U);
  const result::PointRecord& four = file.points[1];
  EXPECT_DOUBLE_EQ(four.time_s.value(), 0.0225);       // of 0.02 and 0.025
  EXPECT_DOUBLE_EQ(four.energy_gross_j.value(), 3.3);  // of 3, 3.3 and 3.6
  EXPECT_NEAR(four.energy_error.value(), 0.3 / std::sqrt(3) / 3.3, 1e-12);
  EXPECT_EQ(four.replicates, 2);  // the fewer: two of the three have a time
  EXPECT_EQ(four.trials, 3);
  EXPECT_EQ(four.energy_ratio_basis, "imported");
  EXPECT_EQ(four.verdict_energy, "undecided");
  EXPECT_EQ(import_texts(replace(table, "40,3300,20,2", "40,3300,20,1"), map).error().message(),
            "t.csv line 5: a replicate of a configuration is given twice (1): tell its rows apart by `replicate`");
}

TEST(Import, JudgesOverItsSessionsAsFitDoes) {
  std::string table = "gpu,model,bits,tps,mj,watts,day\n";
  const char* const days[] = {"101,2000,20,1\n", "100,2010,20,2\n", "99,1990,20,3\n"};
  const char* const slow[] = {"50,3000,20,1\n", "50,3010,20,2\n", "50,3000,20,3\n"};
  for (const char* day : days) table += std::string("G,small,16,") + day;
  for (const char* day : slow) table += std::string("G,small,4,") + day;
  const std::string map = replace(kMap, R"("session": "s",)", R"("session": {"column": "day"},)");
  const result::ResultFile file = import_texts(table, map).value();
  ASSERT_EQ(file.points.size(), 8U);  // six of one session each, two over all
  for (int i = 0; i < 6; ++i) EXPECT_NE(file.points[static_cast<std::size_t>(i)].verdict_time, "trap");
  const auto pooled = std::find_if(file.points.begin(), file.points.end(),
                                   [](const auto& one) { return one.sessions == 3 && one.scheme != "f16"; });
  ASSERT_NE(pooled, file.points.end());
  EXPECT_EQ(pooled->verdict_time, "trap");
  EXPECT_EQ(pooled->verdict_energy, "trap");
  EXPECT_EQ(pooled->time_ratio_basis, "sessions");
  EXPECT_NEAR(pooled->time_ratio.value(), std::cbrt(2.02 * 2.00 * 1.98), 1e-12);
  EXPECT_DOUBLE_EQ(pooled->time_s.value(), 0.02);
  EXPECT_EQ(pooled->trials, 9);
  EXPECT_TRUE(result::parse_result(to_text(file).value(), "r"));
}

TEST(Import, ReadsJsonAsItReadsATable) {
  const char* text =
      "{\"gpu\": \"G\", \"model\": \"small\", \"bits\": 16, \"tps\": 100, \"mj\": \"2000\", \"watts\": 20}\n"
      "{\"gpu\": \"G\", \"model\": \"small\", \"bits\": 4, \"tps\": 50.0, \"mj\": 3000, \"watts\": 20}\n"
      "{\"gpu\": \"G\", \"model\": \"large\", \"bits\": 16, \"tps\": \"40 t/s\", \"mj\": 5e3, \"watts\": 20}\n";
  EXPECT_EQ(import_texts(text, kMap).value().points, import_texts(kTable, kMap).value().points);
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
  const Table table =
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
