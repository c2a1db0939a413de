#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/file.hpp"
#include "core/statistics.hpp"
#include "import/csv.hpp"
#include "import/sample_table.hpp"
#include "support/locale_guard.hpp"

namespace qtrap::importer {
namespace {

TEST(Import, GivesEachRowAPointWithUnitsBasisAndSource) {
  const result::ResultFile file = import_texts(kTable, kMap).value();
  ASSERT_EQ(file.sessions.size(), 1U);
  EXPECT_EQ(file.sessions[0].origin, result::Origin::kImported);
  EXPECT_EQ(file.sessions[0].session_id, "m/s/G");
  EXPECT_EQ(file.sessions[0].device.name, "G");
  EXPECT_EQ(file.sessions[0].environment.at("import_licence"), "CC0");
  EXPECT_EQ(file.sessions[0].hazards, std::vector<std::string>{"made up"});
  ASSERT_EQ(file.points.size(), 3U);
  const result::PointRecord& four = file.points[1];
  EXPECT_EQ(four.scheme, "w4a16-split");
  EXPECT_EQ(four.path, KernelPath::kSplit);
  EXPECT_EQ(four.model, "qwen3-0.6b");
  EXPECT_EQ(four.layers, 28);
  EXPECT_EQ(four.basis, result::PointBasis::kMeasured);
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
  EXPECT_EQ(four.verdict_time, result::Verdict::kUndecided);
  EXPECT_FALSE(four.time_ratio_low);
  EXPECT_FALSE(file.points[2].time_ratio);
}

TEST(Import, NamesFormatAndClassWhereTheMapDoes) {
  const auto point_of = [](const std::string& map) { return import_texts(kTable, map).value().points.at(1); };
  EXPECT_EQ(point_of(kMap).weight_format, std::nullopt);
  EXPECT_EQ(point_of(kMap).mac_class, std::nullopt);
  const std::string map = replace(kMap, R"("weight_bits": 4)", R"("weight_format": "nf4", "weight_bits": 4)");
  EXPECT_EQ(point_of(map).weight_format, "nf4");
  EXPECT_EQ(point_of(map).mac_class, std::nullopt);
  EXPECT_EQ(point_of(replace(map, R"("weight_bits": 4)", R"("mac_class": "f16", "weight_bits": 4)")).mac_class, "f16");
  const result::ResultFile file = import_texts(kTable, map).value();
  EXPECT_EQ(result::parse_result(to_text(file).value(), "r").value().points, file.points);
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
       "map.json: `models.large` cannot be part of a file name (\"../secret.json\"): use letters, digits, dot, dash "
       "and underscore, no leading dot, at most 100"},
      {table, replace(map, R"("name": "m")", R"("name": "a/b")"),
       "map.json: `name` cannot be part of a file name (\"a/b\"): use letters, digits, dot, dash and underscore, no "
       "leading dot, at most 100"},
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

TEST(Import, GivesASessionPerTextOfAColumn) {
  const std::string map = replace(kMap, R"("session": "s",)", R"("session": {"column": "watts"},)");
  const result::ResultFile file = import_texts(replace(kTable, "3000,20", "3000,21"), map).value();
  ASSERT_EQ(file.sessions.size(), 2U);
  EXPECT_EQ(file.sessions[1].session_id, "m/21/G");
  EXPECT_FALSE(file.points[1].time_ratio);  // its anchor is in another session
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
    for (const result::PointRecord& point : file.value().points) EXPECT_TRUE(point.weight_format) << name;
    ++tables;
  }
  EXPECT_EQ(tables, 5U);
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
