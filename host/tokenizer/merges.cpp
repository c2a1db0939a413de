#include "tokenizer/merges.hpp"

#include <algorithm>
#include <utility>

#include "core/contract.hpp"

namespace qtrap::tokenizer {

MergeTable::MergeTable(std::span<const MergeRule> rules, std::size_t tokens) : begins_(tokens + 1) {
  expects(rules.size() < ~std::uint32_t{0}, "ranks have 32 bits");
  std::vector<std::uint32_t> order(rules.size());
  for (std::uint32_t rank = 0; rank < order.size(); ++rank) {
    const MergeRule& rule = rules[rank];
    expects(rule.left < tokens && rule.right < tokens && rule.result < tokens, "a merge is of tokens");
    order[rank] = rank;
    ++begins_[rule.left + 1];
  }
  for (std::size_t token = 0; token < tokens; ++token) begins_[token + 1] += begins_[token];
  std::sort(order.begin(), order.end(), [rules](std::uint32_t a, std::uint32_t b) {
    return std::pair(rules[a].left, rules[a].right) < std::pair(rules[b].left, rules[b].right);
  });
  entries_.reserve(rules.size());
  for (const std::uint32_t rank : order) entries_.push_back({rules[rank].right, {rank, rules[rank].result}});
}

std::optional<MergeTable::Merge> MergeTable::find(Token left, Token right) const {
  const auto begin = entries_.begin() + begins_[left];
  const auto end = entries_.begin() + begins_[left + 1];
  const auto found =
      std::lower_bound(begin, end, right, [](const Entry& entry, Token wanted) { return entry.right < wanted; });
  if (found == end || found->right != right) return std::nullopt;
  return found->merge;
}

void Merger::add(Token token) {
  const auto place = static_cast<std::uint32_t>(pieces_.size());
  expects(place != kNone, "places have 32 bits");
  if (place > 0) pieces_.back().after = place;
  pieces_.push_back({token, place > 0 ? place - 1 : kNone});
}

namespace {

/// Whether `a` comes after `b`: a heap's first is the largest.
constexpr auto kLater = [](const auto& a, const auto& b) {
  return std::pair(a.rank, a.place) > std::pair(b.rank, b.place);
};

}  // namespace

void Merger::offer(std::uint32_t left, std::uint32_t right) {
  const auto merge = table_.find(pieces_[left].token, pieces_[right].token);
  if (!merge) return;
  queue_.push_back({merge->rank, left, merge->result});
  std::push_heap(queue_.begin(), queue_.end(), kLater);
}

void Merger::join(std::uint32_t left, Token result) {
  Piece& piece = pieces_[left];
  Piece& right = pieces_[piece.after];
  piece.token = result;
  piece.after = right.after;
  right.merged = true;
  if (piece.after != kNone) pieces_[piece.after].before = left;
  if (piece.before != kNone) offer(piece.before, left);
  if (piece.after != kNone) offer(left, piece.after);
}

void Merger::merge(std::vector<Token>& out) {
  queue_.clear();
  for (std::uint32_t place = 1; place < pieces_.size(); ++place) {
    if (const auto merge = table_.find(pieces_[place - 1].token, pieces_[place].token))
      queue_.push_back({merge->rank, place - 1, merge->result});
  }
  std::make_heap(queue_.begin(), queue_.end(), kLater);
  while (!queue_.empty()) {
    std::pop_heap(queue_.begin(), queue_.end(), kLater);
    const Candidate next = queue_.back();
    queue_.pop_back();
    const Piece& piece = pieces_[next.place];
    if (piece.merged || piece.after == kNone) continue;
    // Its neighbours may have changed since it was offered; what two others make of the same is merged all the same.
    const auto now = table_.find(piece.token, pieces_[piece.after].token);
    if (now && now->result == next.result) join(next.place, next.result);
  }
  for (const Piece& piece : pieces_) {
    if (!piece.merged) out.push_back(piece.token);
  }
}

}  // namespace qtrap::tokenizer
