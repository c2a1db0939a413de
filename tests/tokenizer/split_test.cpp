// Rules that cut a text into words, the byte map, and repair of UTF-8.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tokenizer/byte_map.hpp"
#include "tokenizer/split.hpp"
#include "tokenizer/unicode.hpp"

namespace qtrap::tokenizer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// The words, joined by "|".
std::string split(std::string_view rule, std::string_view text) {
  std::string joined;
  for (const std::string_view word : Splitter(find_rule(rule)->expressions).split(text).value())
    joined += (joined.empty() ? "" : "|") + std::string(word);
  return joined;
}

TEST(Splitter, CutsByEachRule) {
  const char* text = "We'LL pay  $1234.50!\r\n\n  ok";
  EXPECT_EQ(split("gpt-2", text), "We|'|LL| pay| | $|1234|.|50|!|\r\n\n | ok");
  EXPECT_EQ(split("smollm", "x12 34"), "x|1|2| |3|4");
  EXPECT_EQ(split("llama-bpe", text), "We|'LL| pay| | $|123|4|.|50|!\r\n\n| | ok");
  EXPECT_EQ(split("qwen2", "a1234"), "a|1|2|3|4");
  EXPECT_EQ(split("default", "a12345, b"), "a|123|45|,| b");
}

TEST(Splitter, LeavesNoGap) {
  for (const char* rule : {"gpt-2", "smollm", "llama-bpe", "qwen2", "default"}) {
    std::string joined;
    const std::string text = "a\u0301 \U0001F469\u200D \u00a0 x\x01 \u2028";
    for (const std::string_view word : Splitter(find_rule(rule)->expressions).split(text).value()) joined += word;
    EXPECT_EQ(joined, text) << rule;
    EXPECT_THAT(Splitter(find_rule(rule)->expressions).split("").value(), IsEmpty());
  }
}

TEST(Splitter, KnowsRulesAndExpressionsByName) {
  EXPECT_EQ(find_rule("llama3"), find_rule("llama-bpe"));
  EXPECT_EQ(find_rule("gpt2"), nullptr);
  EXPECT_EQ(list_rules(), "smollm, gpt-2, default, llama-bpe, llama3, llama-v3, qwen2");
  EXPECT_EQ(*find_expression("\\p{N}"), Expression::kDigit);
  EXPECT_EQ(find_expression("(a+)+b"), nullptr);
}

TEST(ByteMap, SpellsEveryByteOnce) {
  EXPECT_EQ(spell_byte(' '), "Ġ");
  EXPECT_EQ(spell_byte('\n'), "Ċ");
  EXPECT_EQ(spell_byte('!'), "!");
  EXPECT_EQ(spell_byte(0), "Ā");
  EXPECT_EQ(spell_byte(0xAD), "Ń");
  EXPECT_EQ(spell_byte(0xFF), "ÿ");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    all += spell_byte(static_cast<std::uint8_t>(byte));
    EXPECT_EQ(read_spelling(spell_byte(static_cast<std::uint8_t>(byte))), std::string(1, static_cast<char>(byte)));
  }
  EXPECT_EQ(read_spelling(all)->size(), 256U);
}

TEST(ByteMap, OtherCharactersAreNone) {
  for (const char* text : {" ", "\u00a0", "\u00ad", "\u0144", "▁", "a b", "😀", "\xC3", "\x80"})
    EXPECT_EQ(read_spelling(text), std::nullopt) << text;
  EXPECT_EQ(read_spelling(""), "");
}

/// The examples of the Unicode standard, table 3-8, and others; Python's errors="replace" gives the same.
TEST(Unicode, RepairsEachLongestPart) {
  const auto repair = [](std::string_view bytes) { return to_utf8(to_utf16(bytes)); };
  const std::string r = "\uFFFD";
  EXPECT_EQ(repair("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
            "a" + r + r + r + "b" + r + "c" + r + r + "d");
  EXPECT_EQ(repair("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(repair("\xED\xA0\x80"), r + r + r);
  EXPECT_EQ(repair("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), r + r + r + r + r + "A" + r + r + "B");
  EXPECT_EQ(repair("\xE2\x82"), r);
  EXPECT_EQ(repair(std::string_view("a\0b", 3)), std::string_view("a\0b", 3));
}

TEST(Unicode, NormalizesToFormC) {
  EXPECT_EQ(normalize_nfc("cafe\u0301 \u212b \u1100\u1161"), "caf\u00e9 \u00c5 \uac00");
  EXPECT_EQ(normalize_nfc(""), "");
}

}  // namespace
}  // namespace qtrap::tokenizer
