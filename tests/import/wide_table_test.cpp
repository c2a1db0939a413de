// Wide tables: a column for each scheme instead of a row.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace qtrap::importer
