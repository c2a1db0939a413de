// How a text is cut into words before tokens are merged within each: regular expressions one after the other, each on
// what the one before left; what it matches and what lies between its matches are words of their own.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace qtrap::tokenizer {

/// The expressions that this program knows. Others are refused: theirs may take time without end, or mean something
/// else to ICU than to the library that they were written for.
enum class Expression { kDigit, kDigits, kGpt2, kLlama3, kQwen2, kPunctuation, kThreeDigits };

/// A rule as GGUF's tokenizer.ggml.pre names it, and what goes with it and GGUF does not say.
struct SplitRule {
  std::vector<std::string_view> names;
  std::vector<Expression> expressions;
  bool nfc = false;            ///< text is brought to normalization form C first
  bool ignore_merges = false;  ///< a word that is a token is that token, whatever the merges make of it
};

/// None where no rule has that name.
const SplitRule* find_rule(std::string_view name);
/// Names of all rules, for messages.
std::string list_rules();
/// The expression that a tokenizer.json spells so. None where it is not known.
const Expression* find_expression(std::string_view spelling);

class Splitter {
 public:
  explicit Splitter(std::span<const Expression> expressions);
  Splitter(Splitter&&) noexcept;
  Splitter& operator=(Splitter&&) noexcept;
  ~Splitter();

  /// The words of well-formed UTF-8, in order and without a gap. Errors (kRuntime): ICU is out of memory.
  Result<std::vector<std::string_view>> split(std::string_view text) const;

 private:
  struct Patterns;
  std::unique_ptr<const Patterns> patterns_;
};

}  // namespace qtrap::tokenizer
