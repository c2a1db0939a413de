#include "tokenizer/builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/text.hpp"
#include "tokenizer/byte_map.hpp"
#include "tokenizer/unicode.hpp"

namespace qtrap::tokenizer {
namespace {

constexpr const char* kDamaged = "get the tokenizer again from where its model is";

}  // namespace

bool Builder::refuse(std::string_view what, std::string value, std::string fix) {
  problem_.add(usage_error(fmt::format("{}: {}", name_, what), std::move(value), std::move(fix)));
  return false;
}

bool Builder::check_text(std::uint64_t id, std::string_view text) {
  if (id >= kMostTokens)
    return refuse("the id of a token is too large", std::to_string(id), fmt::format("ids are below {}", kMostTokens));
  if (!is_utf8(text)) return refuse(fmt::format("token {} is not UTF-8", id), std::string(text), kDamaged);
  return true;
}

bool Builder::place(std::uint64_t id, std::string_view text) {
  if (!check_text(id, text)) return false;
  if (parts_.bytes.size() <= id) {
    parts_.bytes.resize(id + 1);
    given_.resize(id + 1);
  }
  if (given_[id]) return refuse("two tokens have one id", std::to_string(id), kDamaged);
  given_[id] = true;
  return true;
}

bool Builder::add_token(std::uint64_t id, std::string_view text) {
  if (!place(id, text)) return false;
  if (text.empty()) return true;  // never found, and stands for nothing
  if (const auto [other, fresh] = ids_.emplace(text, static_cast<Token>(id)); !fresh)
    return refuse(fmt::format("tokens {} and {} are the same", other->second, id), std::string(text), kDamaged);
  parts_.bytes[id] = read_spelling(text).value_or(std::string(text));
  return true;
}

bool Builder::add_added(const AddedToken& added) {
  if (added.text.empty()) return true;
  if (added.text.size() > kLongestAdded)
    return refuse(fmt::format("added token {} is too long", added.id), std::string(added.text),
                  fmt::format("at most {} bytes are read", kLongestAdded));
  if (!added_.emplace(added.text).second)
    return refuse("an added token is given twice", std::string(added.text), kDamaged);
  if (const auto found = ids_.find(std::string(added.text)); found == ids_.end()) {
    if (!place(added.id, added.text)) return false;
  } else if (found->second != added.id) {
    return refuse(fmt::format("added token {} is token {} too", added.id, found->second), std::string(added.text),
                  kDamaged);
  }
  parts_.bytes[added.id] = added.text;
  pending_.push_back({static_cast<Token>(added.id), added.special, added.normalized});
  return true;
}

bool Builder::find_token(std::string_view text, std::string_view left, std::string_view right, Token& id) {
  const auto found = ids_.find(std::string(text));
  if (found == ids_.end())
    return refuse(fmt::format("merge {} is of what is no token", parts_.merges.size()),
                  fmt::format("{} + {}: {}", left, right, text), kDamaged);
  id = found->second;
  return true;
}

bool Builder::add_merge(std::string_view left, std::string_view right) {
  MergeRule rule;
  if (!find_token(left, left, right, rule.left) || !find_token(right, left, right, rule.right) ||
      !find_token(fmt::format("{}{}", left, right), left, right, rule.result))
    return false;
  parts_.merges.push_back(rule);
  return true;
}

bool Builder::add_merge(std::string_view pair) {
  const std::size_t space = pair.find(' ');
  if (space == std::string_view::npos || pair.find(' ', space + 1) != std::string_view::npos || space == 0 ||
      space + 1 == pair.size())
    return refuse(fmt::format("merge {} is no pair", parts_.merges.size()), std::string(pair),
                  "two texts with one space between them are");
  return add_merge(pair.substr(0, space), pair.substr(space + 1));
}

void Builder::set_rule(const SplitRule& rule) {
  parts_.expressions = rule.expressions;
  parts_.nfc = rule.nfc;
  ignore_merges_ = rule.ignore_merges;
}

bool Builder::set_unknown(std::string_view text, bool fuse) {
  const auto found = ids_.find(std::string(text));
  if (found == ids_.end()) return refuse("the unknown token is no token", std::string(text), kDamaged);
  parts_.unknown = found->second;
  parts_.fuse_unknown = fuse;
  return true;
}

bool Builder::set_id(std::string_view key, std::uint64_t id, std::optional<Token>& out) {
  if (id >= parts_.bytes.size())
    return refuse(fmt::format("{} is no token", key), std::to_string(id),
                  fmt::format("ids are below {}", parts_.bytes.size()));
  out = static_cast<Token>(id);
  return true;
}

/// By sorting: a set of hashes may be made slow by whoever wrote the file.
void Builder::check_merges() {
  std::vector<std::pair<Token, Token>> pairs;
  pairs.reserve(parts_.merges.size());
  for (const MergeRule& rule : parts_.merges) pairs.emplace_back(rule.left, rule.right);
  std::sort(pairs.begin(), pairs.end());
  const auto twice = std::adjacent_find(pairs.begin(), pairs.end());
  if (twice != pairs.end())
    refuse("a merge is given twice", fmt::format("tokens {} + {}", twice->first, twice->second), kDamaged);
}

void Builder::find_bytes() {
  bool any = false;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto found = ids_.find(spell_byte(static_cast<std::uint8_t>(byte)));
    if (found == ids_.end()) continue;
    parts_.byte_tokens.at(byte) = found->second;
    any = true;
  }
  if (!any) refuse("no byte has a token", "", "a byte-level vocabulary has one for each, spelt as GPT-2 does");
}

void Builder::place_added() {
  for (const Pending& one : pending_) {
    const std::string& text = parts_.bytes[one.id];
    const std::string form = one.normalized && parts_.nfc ? normalize_nfc(text) : text;
    AddedTokens& added = one.normalized ? parts_.added_normalized : parts_.added;
    if (!added.add(form, one.id, one.special))
      refuse(fmt::format("added token {} has another one's normal form", one.id), text, kDamaged);
  }
  parts_.added_count = pending_.size();
}

Result<Tokenizer> Builder::finish() {
  check_merges();
  find_bytes();
  place_added();
  if (ignore_merges_) {
    for (const auto& [text, id] : ids_) {
      if (auto bytes = read_spelling(text)) parts_.words.emplace(*std::move(bytes), id);
    }
  }
  if (problem_.found()) return problem_.error();
  return Tokenizer(std::move(parts_));
}

}  // namespace qtrap::tokenizer
