// Files of tokens: numbers with white space between them, and what must be refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tokenizer/token_file.hpp"

namespace qtrap::tokenizer {
namespace {

using ::testing::ElementsAre;

TEST(TokenFile, HoldsNumbersWithWhiteSpaceBetween) {
  EXPECT_THAT(parse_tokens(" 0 11\n\n007\t3\r\n", "f", 12).value(), ElementsAre(0, 11, 7, 3));
  EXPECT_THAT(parse_tokens("5", "f", 6).value(), ElementsAre(5));
}

TEST(TokenFile, RefusesWhatIsWrongInOneLine) {
  struct Reject {
    const char* text;
    const char* message;
  };
  const Reject rejects[] = {
      {"", "f: no tokens: give ids of tokens, decimal"},
      {" \n\t", "f: no tokens: give ids of tokens, decimal"},
      {"1 2\n3 x4",
       "f: no number at line 2, column 3 (x4): give ids of tokens, decimal, with white space between them"},
      {"1,2", "f: no number at column 1 (1,2): give"},
      {"-1", "f: no number at column 1 (-1): give"},
      {"+1", "f: no number at column 1 (+1): give"},
      {"0x1F", "f: no number at column 1 (0x1F): give"},
      {"1.0", "f: no number at column 1 (1.0): give"},
      {"1 12", "f: no token at column 3 (12): the vocabulary's ids are below 12"},
      {"99999999999999999999", "f: no token at column 1 (99999999999999999999): the vocabulary's"},
      {"[1, 2]", "f: no number at column 1 ([1,): give"},
  };
  for (const Reject& reject : rejects) {
    const auto read = parse_tokens(reject.text, "f", 12);
    ASSERT_FALSE(read) << reject.text;
    EXPECT_THAT(read.error().message(), ::testing::StartsWith(reject.message));
    EXPECT_EQ(read.error().kind, ErrorKind::kUsage);
  }
}

}  // namespace
}  // namespace qtrap::tokenizer
