#include "tokenizer/added.hpp"

#include "core/contract.hpp"

namespace qtrap::tokenizer {
namespace {

std::uint64_t key_of(std::size_t node, char byte) {
  return std::uint64_t{node} << 8U | static_cast<unsigned char>(byte);
}

}  // namespace

bool AddedTokens::add(std::string_view text, Token id, bool special) {
  expects(!text.empty(), "an added token is not empty");
  begins_[static_cast<unsigned char>(text[0])] = true;
  std::size_t node = 0;
  for (const char byte : text) {
    const auto [place, made] = children_.try_emplace(key_of(node, byte), static_cast<std::uint32_t>(endings_.size()));
    if (made) endings_.emplace_back();
    node = place->second;
  }
  if (endings_[node]) return false;
  endings_[node] = Ending{id, special};
  return true;
}

std::vector<AddedTokens::Match> AddedTokens::find(std::string_view text, bool parse_special) const {
  std::vector<Match> matches;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    std::optional<Ending> longest;
    if (begins_[static_cast<unsigned char>(text[begin])]) {
      std::size_t node = 0;
      for (std::size_t i = begin; i < text.size(); ++i) {
        const auto child = children_.find(key_of(node, text[i]));
        if (child == children_.end()) break;
        node = child->second;
        if (!endings_[node]) continue;
        longest = endings_[node];
        end = i + 1;
      }
    }
    if (longest && (parse_special || !longest->special)) matches.push_back({begin, end, longest->id});
    begin = longest ? end : begin + 1;
  }
  return matches;
}

}  // namespace qtrap::tokenizer
