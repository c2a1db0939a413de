// Wide tables: a column for each scheme instead of a row.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/statistics.hpp"
#include "import/sample_table.hpp"

namespace qtrap::importer {
namespace {

using ::testing::HasSubstr;

const std::string kWideTable =
    "gpu,model,fp16 ms,int4 ms,fp16 J,int4 J\n"
    "G,small,10,20,2,3\n"
    "G,large,25,,5,7\n";
const std::string kWideMap = replace(
    replace(
        replace(kMap, R"("scheme": {"column": "bits"},)", R"("time_by_scheme": {"16": "fp16 ms", "4": "int4 ms"},)"),
        R"("time": {"column": "tps", "unit": "tokens/s"}, "energy": {"column": "mj", "unit": "mJ/token"},)",
        R"("time": {"unit": "ms/token"},)"),
    R"("idle_power_w": {"column": "watts"}, )", "");

TEST(Import, ReadsAColumnForEachScheme) {
  const auto points = import_texts(kWideTable, kWideMap).value().points;
  ASSERT_EQ(points.size(), 3U) << "the empty cell is left out";
  EXPECT_EQ(points[0].scheme, "f16");
  EXPECT_DOUBLE_EQ(points[0].time_s.value(), 0.01);
  EXPECT_EQ(points[2].scheme, "w4a16-split");
  EXPECT_DOUBLE_EQ(points[2].time_s.value(), 0.02);
  EXPECT_DOUBLE_EQ(points[2].time_ratio.value(), 2);
}

TEST(Import, ReadsTimesAndEnergiesByScheme) {
  const std::string map =
      replace(replace(kWideMap, R"("time": {"unit")", R"("energy": {"unit": "J/token"}, "time": {"unit")"),
              R"("time_by_scheme")", R"("energy_by_scheme": {"16": "fp16 J", "4": "int4 J"}, "time_by_scheme")");
  const auto points = import_texts(kWideTable, map).value().points;
  ASSERT_EQ(points.size(), 4U);
  EXPECT_DOUBLE_EQ(points[2].energy_ratio.value(), 1.5);
  EXPECT_FALSE(points[3].time_s) << "a hole in one of two quantities is no hole";
  EXPECT_DOUBLE_EQ(points[3].energy_gross_j.value(), 7);
}

/// kWideMap with energies by scheme, and "OOM" for no reading.
std::string both_by_scheme() {
  return replace(
      replace(replace(kWideMap, R"("time": {"unit")", R"("energy": {"unit": "J/token"}, "time": {"unit")"),
              R"("time_by_scheme")", R"("energy_by_scheme": {"16": "fp16 J", "4": "int4 J"}, "time_by_scheme")"),
      R"("name": "m")", R"("no_reading": ["OOM"], "name": "m")");
}

TEST(Import, LeavesOutHolesHoweverTheyAreWritten) {
  const std::string map = replace(kWideMap, R"("name": "m")", R"("no_reading": ["OOM"], "name": "m")");
  for (const char* hole : {"", " ", "-", "N/A", "OOM"}) {
    const auto file = import_texts(replace(kWideTable, "25,,", std::string("25,") + hole + ","), map);
    ASSERT_TRUE(file) << hole << ": " << file.error().message();
    EXPECT_EQ(file.value().points.size(), 3U) << hole;
  }
}

TEST(Import, LeavesOutHolesOfBothQuantities) {
  const auto file = import_texts(replace(kWideTable, "25,,5,7", "25,OOM,5,-"), both_by_scheme());
  ASSERT_TRUE(file) << file.error().message();
  ASSERT_EQ(file.value().points.size(), 3U);
  EXPECT_EQ(file.value().points[1].model, "qwen3-4b");
  EXPECT_EQ(file.value().points[2].scheme, "w4a16-split");
  EXPECT_EQ(file.value().points[2].model, "qwen3-0.6b");
}

TEST(Import, LeavesOutHolesInASummedColumn) {
  const std::string map = replace(kWideMap, R"("4": "int4 ms")", R"("4": ["int4 ms", "int4 J"])");
  const auto file = import_texts(kWideTable, map);
  ASSERT_TRUE(file) << file.error().message();
  ASSERT_EQ(file.value().points.size(), 3U);
  EXPECT_DOUBLE_EQ(file.value().points[2].time_s.value(), 0.023);
}

TEST(Import, LeavesOutARowOfHolesWhateverElseItLacks) {
  EXPECT_EQ(import_texts(kWideTable + ",Larger models,,,,\n", both_by_scheme()).value().points.size(), 4U);
}

TEST(Import, RefusesWhatIsNoHoleOfAWideTable) {
  const auto message = [](const std::string& table, const std::string& map) {
    return import_texts(table, map).error().message();
  };
  EXPECT_THAT(message(replace(kWideTable, "25,,", "25,NaN,"), kWideMap),
              HasSubstr("line 3: `int4 ms` is not a finite"));
  EXPECT_THAT(message(replace(kWideTable, "25,,", "25,0,"), kWideMap), HasSubstr("line 3: `int4 ms` is not above 0"));
  const std::string watts = replace(both_by_scheme(), "J/token", "W");
  EXPECT_THAT(message(kWideTable, watts), HasSubstr("line 3: the row has neither time nor energy")) << "7 W, no time";
  const std::string runs = replace(replace(kWideMap, R"("ms/token")", R"("ms")"), R"("trials":)",
                                   R"("tokens": {"column": "int4 J"}, "trials":)");
  EXPECT_THAT(message(replace(kWideTable, "2,3", "2,-"), runs), HasSubstr("line 2: the row has neither"))
      << "no length";
  EXPECT_THAT(message(replace(kWideTable, "10,20", "10,-"), kWideMap), HasSubstr("no row passes"));
}

TEST(Import, AWideMapIsThatOfItsSeries) {
  const ImportMap map = parse_import_map(kWideMap, "m").value();
  ASSERT_EQ(map.series.size(), 2U);
  EXPECT_EQ(map.series[0].scheme.constant, "16");
  EXPECT_EQ(parse_import_map(to_json(map), "again").value(), map);
  const std::string energy =
      replace(kWideMap, R"("time": {"unit")", R"("energy": {"column": "fp16 J", "unit": "J/token"}, "time": {"unit")");
  const std::string apart = replace(both_by_scheme(), R"("16": "fp16 J", )", "");
  for (const std::string& text :
       {energy, replace(energy, R"("column": "fp16 J")", R"("constant": 2)"), both_by_scheme(), apart}) {
    const ImportMap one = parse_import_map(text, "m").value();
    EXPECT_EQ(parse_import_map(to_json(one), "again").value(), one) << to_json(one);
  }
}

TEST(Import, RefusesColumnsBySchemeThatContradict) {
  const auto message = [](const std::string& map) { return parse_import_map(map, "m").error().message(); };
  EXPECT_THAT(message(replace(kWideMap, R"("time_by_scheme")", R"("scheme": {"constant": "4"}, "time_by_scheme")")),
              HasSubstr("has `scheme` beside columns by scheme"));
  EXPECT_THAT(message(replace(kWideMap, R"("time": {"unit")", R"("time": {"column": "fp16 ms", "unit")")),
              HasSubstr("without a unit, or beside another column"));
  EXPECT_THAT(message(replace(kWideMap, R"("time_by_scheme")", R"("energy_by_scheme")")), HasSubstr("without a unit"));
  EXPECT_THAT(message(replace(kMap, R"("scheme": {"column": "bits"},)", "")), HasSubstr("lacks a key (scheme)"));
}

/// Each scheme with a spread and a number of repeats of its own; the large model's int4 lacks its spread.
const std::string kSpreadTable =
    "gpu,model,fp16 ms,int4 ms,fp16 sd,int4 low,int4 high,n16,n4\n"
    "G,small,10,20,0.1,19,21,4,5\n"
    "G,large,25,40,0.5,-,,4,5\n";
const std::string kSpreadMap = replace(replace(kWideMap, R"("16": "fp16 ms", "4": "int4 ms"})",
                                               R"("16": {"column": "fp16 ms", "spread": {"sd": "fp16 sd"}},
               "4": {"column": "int4 ms", "spread": {"low": "int4 low", "high": "int4 high", "confidence": 0.95}}},
               "trials_by_scheme": {"16": "n16", "4": "n4"})"),
                                       R"("trials": {"constant": 3}, )", "");

TEST(Import, ReadsTheSpreadOfEachScheme) {
  const auto file = import_texts(kSpreadTable, kSpreadMap);
  ASSERT_TRUE(file) << file.error().message();
  const auto& points = file.value().points;
  ASSERT_EQ(points.size(), 4U);
  EXPECT_DOUBLE_EQ(points[0].time_error.value(), 0.1 / std::sqrt(4) / 10);
  EXPECT_EQ(points[0].replicates, 4);
  EXPECT_DOUBLE_EQ(points[1].time_error.value(), 0.5 / std::sqrt(4) / 25);
  EXPECT_EQ(points[2].scheme, "w4a16-split");
  EXPECT_EQ(points[2].replicates, 5);
  EXPECT_NEAR(points[2].time_error.value(), 1 / student_t_quantile(0.975, 4) / 20, 1e-12);
  EXPECT_EQ(points[2].time_ratio_basis, result::Basis::kImported);
  EXPECT_TRUE(points[2].time_ratio_low);
}

TEST(Import, AHoleInASpreadColumnLeavesTheValueWithoutAnInterval) {
  const auto points = import_texts(kSpreadTable, kSpreadMap).value().points;
  EXPECT_EQ(points[3].model, "qwen3-4b");
  EXPECT_DOUBLE_EQ(points[3].time_s.value(), 0.04);
  EXPECT_FALSE(points[3].time_error);
  EXPECT_DOUBLE_EQ(points[3].time_ratio.value(), 1.6);
  EXPECT_FALSE(points[3].time_ratio_low);
  const auto repeats = import_texts(replace(kSpreadTable, "0.1,19,21,4,5", "0.1,19,21,,5"), kSpreadMap).value().points;
  EXPECT_FALSE(repeats[0].time_error) << "a deviation over an unknown number of repeats";
  EXPECT_TRUE(repeats[1].time_error);
}

TEST(Import, ReadsMeanAndSpreadInTheCellsOfAScheme) {
  const std::string map =
      replace(kWideMap, R"("4": "int4 ms"})", R"("4": {"column": "int4 ms", "spread": {"sd": "int4 ms"}}})");
  const auto points = import_texts(replace(kWideTable, "10,20", "10,20 ± 0.4"), map).value().points;
  ASSERT_EQ(points.size(), 3U);
  EXPECT_DOUBLE_EQ(points[2].time_s.value(), 0.02);
  EXPECT_DOUBLE_EQ(points[2].time_error.value(), 0.4 / std::sqrt(3) / 20);
  EXPECT_FALSE(points[0].time_error) << "a scheme without a spread";
  EXPECT_THAT(import_texts(replace(kWideTable, "10,20", "10 ± 1,20"), map).error().message(),
              HasSubstr("line 2: `fp16 ms` holds a spread"));
}

TEST(Import, ASchemesSpreadStandsInPlaceOfTheQuantitys) {
  const std::string table = replace(kSpreadTable, "fp16 sd", "sd");
  const std::string map =
      replace(replace(kSpreadMap, R"({"column": "fp16 ms", "spread": {"sd": "fp16 sd"}})", R"("fp16 ms")"),
              R"("unit": "ms/token")", R"("unit": "ms/token", "spread": {"sd": "sd"})");
  const auto points = import_texts(table, map).value().points;
  EXPECT_DOUBLE_EQ(points[0].time_error.value(), 0.1 / std::sqrt(4) / 10);
  EXPECT_NEAR(points[2].time_error.value(), 1 / student_t_quantile(0.975, 4) / 20, 1e-12);
}

TEST(Import, AWideMapWithSpreadsIsThatOfItsSeries) {
  const std::string shared =
      replace(kSpreadMap, R"("unit": "ms/token")", R"("unit": "ms/token", "spread": {"sd": "fp16 sd"})");
  for (const std::string& text : {kSpreadMap, shared}) {
    const ImportMap one = parse_import_map(text, "m").value();
    EXPECT_EQ(parse_import_map(to_json(one), "again").value(), one) << to_json(one);
  }
}

TEST(Import, RefusesSpreadsOfSchemesWithTheirPlace) {
  const auto message = [](const std::string& map) { return parse_import_map(map, "m").error().message(); };
  EXPECT_EQ(message(replace(kSpreadMap, R"("low": "int4 low", )", "")),
            "m: `series[0].time_by_scheme.4.spread` is not one of its three forms: give `sd`, `standard_error`, or "
            "`low`, `high` and `confidence`");
  EXPECT_EQ(message(replace(kSpreadMap, R"("16": "n16", )", "")),
            "m: `series[0].time_by_scheme.16.spread` is a standard deviation, and `trials` is missing (fp16 sd): add "
            "`trials`");
  EXPECT_EQ(message(replace(kSpreadMap, R"("4": "n4")", R"("8": "n4")")),
            "m: `series[0].trials_by_scheme` names a scheme without a column (8): give it one in `time_by_scheme` or "
            "`energy_by_scheme`");
  EXPECT_EQ(message(replace(kSpreadMap, R"("column": "fp16 ms", )", "")),
            "m: a key is missing (series[0].time_by_scheme.16.column): add it: name of the column, or a list of "
            "columns whose cells are added; a cell without a reading leaves none");
  EXPECT_THAT(import_texts(replace(kSpreadTable, "fp16 sd", "other"), kSpreadMap).error().message(),
              HasSubstr("t.csv has no such column (fp16 sd)"));
}

}  // namespace
}  // namespace qtrap::importer
