// What a row may hold beside a number: its spread, the power it implies, the path of its kernels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/numbers.hpp"
#include "import/sample_table.hpp"

namespace qtrap::importer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Numbers, ASpreadBehindAMeanIsSplitOff) {
  const auto split = [](std::string_view text) {
    const SpreadCell cell = split_spread(text);
    return std::string(cell.mean) + "|" + std::string(cell.spread);
  };
  EXPECT_EQ(split("12.3 \u00b1 0.4"), "12.3|0.4");
  EXPECT_EQ(split("12.3\u00b10.4 mJ"), "12.3|0.4 mJ");
  EXPECT_EQ(split("12.3+-0.4"), "12.3|0.4");
  EXPECT_EQ(split("12.3 +/- 0.4"), "12.3|0.4");
  EXPECT_EQ(split(" 12.3 (0.4) "), "12.3|0.4");
  EXPECT_EQ(split("12.3(4)"), "12.3(4)|") << "digits to some";
  EXPECT_EQ(split("12.3 (W)"), "12.3 (W)|");
  EXPECT_EQ(split("-0.4"), "-0.4|");
  EXPECT_EQ(split("\u00b1 5"), "\u00b1 5|");
}

const std::string kSpreadMap = replace(kMap, R"("unit": "mJ/token")", R"("unit": "mJ/token", "spread": {"sd": "mj"})");

TEST(Import, ReadsMeanAndDeviationOutOfOneCell) {
  for (const char* cell :
       {"3000 \u00b1 60", "3000+-60", "3000 (60)", "3000 \u00b1 60 mJ/token", "3000 mJ/token \u00b1 60 mJ/token"}) {
    const auto points = import_texts(replace(kTable, "3000", cell), kSpreadMap).value().points;
    EXPECT_DOUBLE_EQ(points[1].energy_gross_j.value(), 3) << cell;
    EXPECT_NEAR(points[1].energy_error.value(), 0.02 / std::sqrt(3), 1e-12) << cell;  // over three trials
    EXPECT_FALSE(points[0].energy_error);
  }
}

TEST(Import, RefusesASpreadThatTheMapDoesNotName) {
  const std::string table = replace(kTable, "3000", "3000 \u00b1 60");
  EXPECT_EQ(import_texts(table, kMap).error().message(),
            "t.csv line 3: `mj` holds a spread (3000 \u00b1 60): name the column in `spread` as `sd` or "
            "`standard_error`, too");
  EXPECT_THAT(import_texts(replace(kTable, "3000", "3000 \u00b1 2 %"), kSpreadMap).error().message(),
              HasSubstr("`mj` is in %"));
}

TEST(Import, ReadsADecimalCommaOutOfMeanAndDeviation) {
  const char* table = "gpu;model;bits;tps;mj;watts\nG;small;16;100;2000,5 \u00b1 1,5;20\n";
  EXPECT_DOUBLE_EQ(import_texts(table, kSpreadMap).value().points[0].energy_gross_j.value(), 2.0005);
}

// kTable: 2 J in 0.01 s, 3 J in 0.02 s and 5 J in 0.025 s are 200, 150 and 200 W.
TEST(Import, WarnsOfRowsWhosePowerCannotBe) {
  const auto hazards = [](std::string_view keys) {
    const std::string map = replace(kMap, R"("trials":)", std::string(keys) + R"(, "trials":)");
    return import_texts(kTable, map).value().sessions[0].hazards;
  };
  EXPECT_THAT(hazards(R"("power_limit_w": {"constant": 250})"), ElementsAre("made up"));
  EXPECT_THAT(hazards(R"("power_limit_w": {"constant": 180})"),
              ElementsAre("made up",
                          "t.csv line 2: 2 J in 0.01 s a step are 200 W, above the board's limit of 180 W: check "
                          "`tokens` and units",
                          HasSubstr("t.csv line 4: 5 J in 0.025 s a step are 200 W")));
  EXPECT_THAT(hazards(R"("power_w": {"constant": 190})"),
              ElementsAre("made up", HasSubstr("t.csv line 3: 3 J in 0.02 s a step are 150 W, far from the 190 W")));
  EXPECT_EQ(hazards(R"("power_w": {"column": "watts"})").size(), 4U);
}

// The map's own hazard stands in the session as they do, and begins as they do.
TEST(Import, GivesTheWarningsOfRowsApartFromTheMapsHazards) {
  const std::string map = replace(replace(kMap, "made up", "t.csv line 9 was typed off a figure"), R"("trials":)",
                                  R"("power_limit_w": {"constant": 180}, "trials":)");
  const Imported imported = import_with_warnings(kTable, map).value();
  EXPECT_THAT(imported.warnings, ElementsAre(HasSubstr("t.csv line 2: 2 J"), HasSubstr("t.csv line 4: 5 J")));
  EXPECT_THAT(imported.file.sessions[0].hazards,
              ElementsAre("t.csv line 9 was typed off a figure", imported.warnings[0], imported.warnings[1]));
}

TEST(Import, TakesTheKernelPathOfARow) {
  const std::string map = replace(kMap, R"("time":)", R"("path": {"column": "path"}, "time":)");
  const std::string table =
      "gpu,model,bits,tps,mj,watts,path\nG,small,16,100,2000,20,none\nG,small,4,50,3000,20,fused\n";
  EXPECT_EQ(import_texts(table, map).value().points[1].path, KernelPath::kFused);
  EXPECT_EQ(
      import_texts(replace(table, "fused", "magic"), map).error().message(),
      "t.csv line 3: the kernel path is not in its closed list (magic): use none, split, fused, or filter the row out");
}

}  // namespace
}  // namespace qtrap::importer
