#include "import/numbers.hpp"

#include <gtest/gtest.h>

namespace qtrap::importer {
namespace {

TEST(Numbers, AreReadWithTheDecimalSignAsked) {
  struct Case {
    const char* text;
    std::optional<double> with_point, with_comma;
  };
  const Case cases[] = {
      {"40", 40, 40},
      {"40.5", 40.5, {}},
      {"40,5", {}, 40.5},
      {"3.012", 3.012, 3012},
      {"3,012", 3012, 3.012},
      {"0,123", {}, 0.123},  // no thousands begin with 0
      {"1,234,567.5", 1234567.5, {}},
      {"1.234.567,5", {}, 1234567.5},
      {"1 234,5", {}, 1234.5},
      {"1 234", 1234, 1234},
      {"1\u202f234\u00a0567", 1234567, 1234567},
      {"12'345.5", 12345.5, {}},
      {"12\u2019345", 12345, 12345},
      {"1_000", 1000, 1000},
      {" 7 ", 7, 7},
      {"\u22127.5e-3", -7.5e-3, {}},
      {"+2,5E+3", {}, 2500},
      {".5", 0.5, {}},
      {"5.", 5, {}},
      {"12,34", {}, 12.34},
      {"1,23,456", {}, {}},
      {"1234,567.5", {}, {}},
      {"1,234 567", {}, {}},
      {"1.2.3", {}, {}},
      {"2026/05/04", {}, {}},
      {"0x10", {}, {}},
      {"NaN", {}, {}},
      {"inf", {}, {}},
      {"1e999", {}, {}},
      {"-", {}, {}},
      {"", {}, {}},
      {"1,", {}, 1},
      {"219 \u00b1 3", {}, {}},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(parse_number(one.text, DecimalSign::kPoint), one.with_point) << one.text;
    EXPECT_EQ(parse_number(one.text, DecimalSign::kComma), one.with_comma) << one.text;
  }
}

TEST(Numbers, TellWhichDecimalSignTheyCanHave) {
  EXPECT_EQ(find_evidence("40"), Evidence::kNone);
  EXPECT_EQ(find_evidence("cuda"), Evidence::kNone);
  EXPECT_EQ(find_evidence("40.5"), Evidence::kPoint);
  EXPECT_EQ(find_evidence("1,234.5"), Evidence::kPoint);
  EXPECT_EQ(find_evidence("1,234,567"), Evidence::kPoint);
  EXPECT_EQ(find_evidence("40,5"), Evidence::kComma);
  EXPECT_EQ(find_evidence("1.234.567"), Evidence::kComma);
  EXPECT_EQ(find_evidence("1.234"), Evidence::kEitherByPoint);
  EXPECT_EQ(find_evidence("1,234"), Evidence::kEitherByComma);
}

TEST(Numbers, ArePartedFromTheirUnit) {
  const auto split = [](std::string_view text) {
    const Measure measure = split_unit(text);
    return std::string(measure.number) + "|" + std::string(measure.unit);
  };
  EXPECT_EQ(split("219 W"), "219|W");
  EXPECT_EQ(split("219W"), "219|W");
  EXPECT_EQ(split("1e5J"), "1e5|J");
  EXPECT_EQ(split("1 234,5 mJ/token"), "1 234,5|mJ/token");
  EXPECT_EQ(split("3 eV"), "3|eV");
  EXPECT_EQ(split("12 %"), "12|%");
  EXPECT_EQ(split("12\u00a0\u00b5s"), "12|\u00b5s");
  EXPECT_EQ(split("12"), "12|");
  EXPECT_EQ(split("NaN"), "NaN|");
  EXPECT_EQ(split("2026/05/04"), "2026/05/04|");
}

TEST(Numbers, HaveWordsForTheirAbsence) {
  for (const char* text : {"", " ", "-", "--", "\u2013", "\u2014", "N/A", "[N/A]", "n/a", "NA", "#N/A", "<NA>", "null",
                           "None", "[Not Supported]", "[ Unknown Error ]", "(not available)", "n.d."})
    EXPECT_TRUE(is_no_reading(text)) << text;
  for (const char* text : {"0", "NaN", "inf", "-1", "#DIV/0!", "[5]", "none of them", "x"})
    EXPECT_FALSE(is_no_reading(text)) << text;
}

}  // namespace
}  // namespace qtrap::importer
