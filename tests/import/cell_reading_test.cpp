// Tables as people write them: decimal signs, thousands, units in cells, words for no reading, JSON.
#include <gtest/gtest.h>

#include "import/sample_table.hpp"

namespace qtrap::importer {
namespace {

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

TEST(Import, ReadsJsonAsItReadsATable) {
  const char* text =
      "{\"gpu\": \"G\", \"model\": \"small\", \"bits\": 16, \"tps\": 100, \"mj\": \"2000\", \"watts\": 20}\n"
      "{\"gpu\": \"G\", \"model\": \"small\", \"bits\": 4, \"tps\": 50.0, \"mj\": 3000, \"watts\": 20}\n"
      "{\"gpu\": \"G\", \"model\": \"large\", \"bits\": 16, \"tps\": \"40 t/s\", \"mj\": 5e3, \"watts\": 20}\n";
  EXPECT_EQ(import_texts(text, kMap).value().points, import_texts(kTable, kMap).value().points);
}

}  // namespace
}  // namespace qtrap::importer
