// Byte-pair merging of a word: of all neighbours that a rule merges, those of the lowest rank first, of these the
// leftmost. O(n log n) in the word's bytes, by a queue over linked pieces.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tokenizer/token.hpp"

namespace qtrap::tokenizer {

struct MergeRule {
  Token left = 0;
  Token right = 0;
  Token result = 0;
};

class MergeTable {
 public:
  MergeTable() = default;
  /// Rules in the order of their ranks, no two of one pair; all ids are below `tokens`.
  MergeTable(std::span<const MergeRule> rules, std::size_t tokens);

  struct Merge {
    std::uint32_t rank = 0;
    Token result = 0;
  };
  /// None where no rule merges the two.
  std::optional<Merge> find(Token left, Token right) const;
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Token right = 0;
    Merge merge;
  };
  std::vector<std::uint32_t> begins_;  ///< of the entries of each left one
  std::vector<Entry> entries_;         ///< by left one, then by right one
};

/// Merges words, one after the other; keeps its memory between them.
class Merger {
 public:
  explicit Merger(const MergeTable& table) : table_(table) {}

  /// Begins a word.
  void clear() { pieces_.clear(); }
  /// Adds its next piece.
  void add(Token token);
  /// Appends what it merges to.
  void merge(std::vector<Token>& out);

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  struct Piece {
    Token token = 0;
    std::uint32_t before = kNone;
    std::uint32_t after = kNone;
    bool merged = false;  ///< into the one before
  };
  struct Candidate {
    std::uint32_t rank = 0;
    std::uint32_t place = 0;  ///< of the left one
    Token result = 0;
  };
  void offer(std::uint32_t left, std::uint32_t right);
  void join(std::uint32_t left, Token result);

  const MergeTable& table_;
  std::vector<Piece> pieces_;
  std::vector<Candidate> queue_;  ///< a heap, the next one first
};

}  // namespace qtrap::tokenizer
