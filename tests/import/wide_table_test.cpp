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

TEST(Import, AWideMapIsThatOfItsSeries) {
  const ImportMap map = parse_import_map(kWideMap, "m").value();
  ASSERT_EQ(map.series.size(), 2U);
  EXPECT_EQ(map.series[0].scheme.constant, "16");
  EXPECT_EQ(parse_import_map(to_json(map), "again").value(), map);
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
