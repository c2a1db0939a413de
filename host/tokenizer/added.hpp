// Tokens that are found in a text as they are spelt, before it is split and merged: the leftmost, and of those the
// longest (Aho-Corasick's leftmost-longest match, here by a trie).
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizer/token.hpp"

namespace qtrap::tokenizer {

/// Longest of them in bytes, before it is normalized: a search may look at so many at each place of a text.
inline constexpr std::size_t kLongestAdded = 1024;

class AddedTokens {
 public:
  /// `text` is not empty. False where it was added before.
  bool add(std::string_view text, Token id, bool special);

  struct Match {
    std::size_t begin = 0;
    std::size_t end = 0;
    Token id = 0;
  };
  /// Those in `text`, in order, without overlaps. Special ones are left out without `parse_special`, though what they
  /// cover is searched no more.
  std::vector<Match> find(std::string_view text, bool parse_special) const;

  bool empty() const { return endings_.size() == 1; }

 private:
  struct Ending {
    Token id = 0;
    bool special = false;
  };
  std::array<bool, 256> begins_{};                             ///< whether one begins with this byte
  std::vector<std::optional<Ending>> endings_{1};              ///< by node; the first is the root
  std::unordered_map<std::uint64_t, std::uint32_t> children_;  ///< of node and byte
};

}  // namespace qtrap::tokenizer
