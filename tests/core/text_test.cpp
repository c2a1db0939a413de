#include "core/text.hpp"

#include <gtest/gtest.h>

#include <array>

namespace qtrap {
namespace {

TEST(DescribePosition, CountsLinesAndColumnsFromOne) {
  EXPECT_EQ(describe_position("ab\ncd", 0), "line 1, column 1");
  EXPECT_EQ(describe_position("ab\ncd", 2), "line 1, column 3");
  EXPECT_EQ(describe_position("ab\ncd", 3), "line 2, column 1");
  EXPECT_EQ(describe_position("ab\ncd", 5), "line 2, column 3");
}

TEST(DescribePosition, OfOneLineIsAColumn) {
  EXPECT_EQ(describe_position("abc", 3), "column 4");
  EXPECT_EQ(describe_position("", 0), "column 1");
}

TEST(JsonDepth, CountsOpenBracketsOutsideStrings) {
  EXPECT_EQ(compute_json_depth("3"), 0U);
  EXPECT_EQ(compute_json_depth(R"({"a": [1, {}], "b": {}})"), 3U);
  EXPECT_EQ(compute_json_depth(R"(["[[[", "\"[[", "\\", [2]])"), 2U);
  EXPECT_EQ(compute_json_depth("]]["), 1U);
  EXPECT_EQ(compute_json_depth(std::string(100, '[')), 100U);
}

TEST(FindNearest, TakesTheClosestWordWithinAThird) {
  constexpr std::array<std::string_view, 3> words{"batch", "hops", "schemes"};
  EXPECT_EQ(find_nearest("batches", words), "batch");
  EXPECT_EQ(find_nearest("scheme", words), "schemes");
  EXPECT_EQ(find_nearest("hosp", words), "hops");
  EXPECT_EQ(find_nearest("temperature", words), "");
  EXPECT_EQ(find_nearest("", words), "");
  const std::string_view two_letters[] = {"kv"};
  EXPECT_EQ(find_nearest("", two_letters), "");
  EXPECT_EQ(find_nearest("os", two_letters), "") << "nothing in common";
  EXPECT_EQ(find_nearest("kb", two_letters), "kv");
}

TEST(EscapeControls, LeavesNothingThatSteersATerminal) {
  EXPECT_EQ(escape_controls("a\x1b[2Jb\x07"), "a\\x1b[2Jb\\x07");
  EXPECT_EQ(escape_controls(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(escape_controls("\x7f \xc2\x9b"
                            "31m"),
            "\\u007f \\u009b31m")
      << "C1 controls are two bytes in UTF-8";
  EXPECT_EQ(escape_controls("a\tb\nc\r", "\n\t"), "a\tb\nc\\x0d");
  EXPECT_EQ(escape_controls("\xc2\xa0\xc3\xbc \xe2\x82\xac"), "\xc2\xa0\xc3\xbc \xe2\x82\xac");
}

TEST(Width, CountsCharactersAndNotBytes) {
  EXPECT_EQ(count_characters("±1 €"), 4U);
  EXPECT_EQ(cut_to_width("±1 €", 4), "±1 €");
  EXPECT_EQ(cut_to_width("±±±±±", 4), "±±±…");
  EXPECT_EQ(cut_to_width("abc", 1), "…");
  EXPECT_EQ(cut_to_width("abc", 0), "");
}

TEST(FileNames, HoldNothingThatLeavesAFolder) {
  for (const char* good : {"quick", "qwen3-0.6b", "a_b.c", "7"}) EXPECT_TRUE(is_file_name(good)) << good;
  for (const char* bad : {"", ".", "..", ".a", "../a", "a/b", "a b", "a\n", "é", "a\\b", "a:b"})
    EXPECT_FALSE(is_file_name(bad)) << bad;
  EXPECT_FALSE(is_file_name(std::string(101, 'a')));
}

TEST(EscapeControls, LeavesNothingThatBreaksOrReordersALine) {
  EXPECT_EQ(escape_controls("NVIDIA® H100 – 80 GB"), "NVIDIA® H100 – 80 GB");
  EXPECT_EQ(escape_controls("a\xe2\x80\xae"
                            "b\xe2\x80\xa8"
                            "c"),
            "a\\u202eb\\u2028c");
  EXPECT_EQ(escape_controls("\x9b\xff\xe2\x80"), "\\x9b\\xff\\xe2\\x80") << "no UTF-8, and a torn end";
  EXPECT_EQ(escape_controls("\xc0\x8a"), "\\xc0\\x8a") << "a newline in a byte too many";
  for (const char* bad : {"\xe0\x81\x9b", "\xe0\x80\x9b", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    EXPECT_FALSE(is_utf8(bad));
    EXPECT_EQ(escape_controls(bad).find(bad[0]), std::string::npos) << "overlong, a surrogate, beyond Unicode";
  }
}

TEST(Gibibytes, AreToldToATenth) {
  EXPECT_EQ(format_gibibytes(std::uint64_t{24} << 30), "24.0 GiB");
  EXPECT_EQ(format_gibibytes(3 << 28), "0.8 GiB");
}

TEST(ToLower, TouchesAsciiLettersAlone) { EXPECT_EQ(to_lower("AbZ 9Ä"), "abz 9Ä"); }

}  // namespace
}  // namespace qtrap
