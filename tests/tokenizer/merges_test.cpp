// Merging by a queue against merging by looking at every pair each time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tokenizer/merges.hpp"

namespace qtrap::tokenizer {
namespace {

using ::testing::ElementsAre;

std::vector<Token> merge(const MergeTable& table, const std::vector<Token>& word) {
  Merger merger(table);
  std::vector<Token> out;
  for (const Token token : word) merger.add(token);
  merger.merge(out);
  return out;
}

/// The definition: join the pair of the lowest rank, the leftmost of these, until no pair merges.
std::vector<Token> merge_slowly(const MergeTable& table, std::vector<Token> word) {
  for (;;) {
    std::optional<MergeTable::Merge> best;
    std::size_t place = 0;
    for (std::size_t i = 0; i + 1 < word.size(); ++i) {
      const auto found = table.find(word[i], word[i + 1]);
      if (!found || (best && best->rank <= found->rank)) continue;
      best = found;
      place = i;
    }
    if (!best) return word;
    word[place] = best->result;
    word.erase(word.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

TEST(Merger, JoinsTheLowestRankFirst) {
  // 0 1 -> 3 comes before 1 2 -> 4; 3 2 -> 5 is found once 3 is there.
  const std::vector<MergeRule> rules{{0, 1, 3}, {1, 2, 4}, {3, 2, 5}};
  const MergeTable table(rules, 6);
  EXPECT_THAT(merge(table, {0, 1, 2}), ElementsAre(5));
  EXPECT_THAT(merge(table, {1, 2, 0, 1}), ElementsAre(4, 3));
  EXPECT_THAT(merge(table, {2, 1}), ElementsAre(2, 1));
  EXPECT_TRUE(merge(table, {}).empty());
  EXPECT_EQ(table.size(), 3U);
}

TEST(Merger, OfEqualRanksTakesTheLeftmost) {
  const std::vector<MergeRule> rules{{0, 0, 1}};
  EXPECT_THAT(merge(MergeTable(rules, 2), {0, 0, 0}), ElementsAre(1, 0));
}

/// Every merge makes a token of its own, as in a trained vocabulary.
TEST(Merger, MakesWhatTheDefinitionMakes) {
  std::mt19937 random(1);
  const auto below = [&random](Token end) { return std::uniform_int_distribution<Token>(0, end - 1)(random); };
  for (int trial = 0; trial < 300; ++trial) {
    const Token letters = 1 + below(4);
    std::vector<MergeRule> rules;
    std::set<std::pair<Token, Token>> pairs;
    for (Token made = letters; made < letters + 40; ++made) {
      const std::pair pair(below(made), below(made));
      if (pairs.insert(pair).second) rules.push_back({pair.first, pair.second, made});
    }
    const MergeTable table(rules, letters + 40);
    for (int i = 0; i < 20; ++i) {
      std::vector<Token> word(below(60));
      for (Token& token : word) token = below(letters);
      ASSERT_EQ(merge(table, word), merge_slowly(table, word));
    }
  }
}

TEST(Merger, IsUsedForOneWordAfterTheOther) {
  const std::vector<MergeRule> rules{{0, 0, 1}};
  const MergeTable table(rules, 2);
  Merger merger(table);
  std::vector<Token> out;
  for (int word = 0; word < 2; ++word) {
    merger.clear();
    merger.add(0);
    merger.add(0);
    merger.merge(out);
  }
  EXPECT_THAT(out, ElementsAre(1, 1));
}

}  // namespace
}  // namespace qtrap::tokenizer
