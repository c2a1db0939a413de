// Puts a tokenizer together from what a file says, and checks each of it: ids that are too large or given twice, texts
// that are no UTF-8 or given twice, merges of what is no token. Private to this layer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "table/codec.hpp"
#include "tokenizer/tokenizer.hpp"

namespace qtrap::tokenizer {

/// A token that is found in the text as it is spelt.
struct AddedToken {
  std::uint64_t id = 0;
  std::string_view text;
  bool special = false;
  bool normalized = false;  ///< found in the normalized text
};

/// False where something is wrong: the first fault stands in error().
class Builder {
 public:
  /// `name` of the file is put before messages.
  explicit Builder(std::string name) : name_(std::move(name)) {}

  bool add_token(std::uint64_t id, std::string_view text);
  /// After the tokens: one of them, or another.
  bool add_added(const AddedToken& added);
  /// After the tokens, in the order of ranks.
  bool add_merge(std::string_view left, std::string_view right);
  /// "LEFT RIGHT".
  bool add_merge(std::string_view pair);
  void set_rule(const SplitRule& rule);
  void ignore_merges() { ignore_merges_ = true; }
  /// The token of a byte that has none.
  bool set_unknown(std::string_view text, bool fuse);
  /// `id` of `key` into `out`, one of parts().
  bool set_id(std::string_view key, std::uint64_t id, std::optional<Token>& out);

  bool refuse(std::string_view what, std::string value, std::string fix);
  const Error& error() const { return problem_.error(); }
  Parts& parts() { return parts_; }

  bool failed() const { return problem_.found(); }
  std::size_t merge_count() const { return parts_.merges.size(); }
  Result<Tokenizer> finish();

 private:
  struct Pending {
    Token id = 0;
    bool special = false;
    bool normalized = false;
  };
  bool place(std::uint64_t id, std::string_view text);
  bool check_text(std::uint64_t id, std::string_view text);
  void check_merges();
  void find_bytes();
  void place_added();
  bool find_token(std::string_view text, std::string_view left, std::string_view right, Token& id);

  std::string name_;
  Parts parts_;
  std::vector<bool> given_;                     ///< by id
  std::unordered_set<std::string> added_;       ///< texts of the added tokens
  std::vector<Pending> pending_;                ///< added tokens
  std::unordered_map<std::string, Token> ids_;  ///< by text; added tokens only where they are among the others
  bool ignore_merges_ = false;
  table::Problem problem_;
};

}  // namespace qtrap::tokenizer
