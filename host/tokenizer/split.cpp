#include "tokenizer/split.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unicode/regex.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/contract.hpp"
#include "tokenizer/unicode.hpp"

namespace qtrap::tokenizer {
namespace {

struct ExpressionInfo {
  Expression expression;
  std::string_view spelling;  ///< as tokenizer.json has it
};

/// In the order of Expression.
constexpr std::array kExpressions{
    ExpressionInfo{Expression::kDigit, R"(\p{N})"},
    ExpressionInfo{Expression::kDigits, R"(\p{N}+)"},
    ExpressionInfo{Expression::kGpt2, R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"},
    ExpressionInfo{Expression::kLlama3,
                   R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
                   R"(|\s*[\r\n]+|\s+(?!\S)|\s+)"},
    ExpressionInfo{Expression::kQwen2,
                   R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
                   R"(|\s*[\r\n]+|\s+(?!\S)|\s+)"},
    ExpressionInfo{Expression::kPunctuation, R"([\p{P}\$\+<=>\^~\|]+)"},
    ExpressionInfo{Expression::kThreeDigits, R"([0-9][0-9][0-9])"},
};
static_assert(std::is_sorted(kExpressions.begin(), kExpressions.end(),
                             [](const auto& a, const auto& b) { return a.expression < b.expression; }));

const std::vector<SplitRule>& rules() {
  using enum Expression;
  static const std::vector<SplitRule> kRules{
      {{"smollm"}, {kDigit, kGpt2}},
      {{"gpt-2"}, {kGpt2}},
      {{"default"}, {kPunctuation, kGpt2, kDigits, kThreeDigits}},  // llama.cpp's, of files that name no rule
      {{"llama-bpe", "llama3", "llama-v3"}, {kLlama3}, false, true},
      {{"qwen2"}, {kQwen2}, true},
  };
  return kRules;
}

/// What ICU is given: it repeats a set in constant memory, but saves a place for each \s that it repeats.
icu::UnicodeString to_pattern(std::string_view spelling) {
  auto pattern = icu::UnicodeString::fromUTF8(icu::StringPiece(spelling.data(), static_cast<int>(spelling.size())));
  pattern.findAndReplace(u"\\s+", u"[\\s]+");
  pattern.findAndReplace(u"\\s*", u"[\\s]*");
  return pattern;
}

/// A part of a text, in units of UTF-16.
struct Part {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// What `pattern` makes of each of the parts; a match does not see beyond its own.
std::vector<Part> cut(const icu::RegexPattern& pattern, const icu::UnicodeString& text, const std::vector<Part>& parts,
                      UErrorCode& code) {
  std::vector<Part> out;
  out.reserve(parts.size() + parts.size() / 4);
  const std::unique_ptr<icu::RegexMatcher> matcher(pattern.matcher(text, code));
  for (const Part& part : parts) {
    if (U_FAILURE(code)) break;
    matcher->region(part.begin, part.end, code);
    std::int64_t place = part.begin;
    while (matcher->find(code) && U_SUCCESS(code)) {
      const Part match{matcher->start64(code), matcher->end64(code)};
      if (match.begin > place) out.push_back({place, match.begin});
      if (match.end > match.begin) out.push_back(match);
      place = match.end;
    }
    if (place < part.end) out.push_back({place, part.end});
  }
  return out;
}

/// Bytes that units of well-formed UTF-16 take in UTF-8; each half of a pair takes two.
std::size_t count_bytes(std::u16string_view units) {
  std::size_t bytes = 0;
  for (const char16_t unit : units) bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit & 0xF800U) == 0xD800U ? 2 : 3;
  return bytes;
}

}  // namespace

const SplitRule* find_rule(std::string_view name) {
  const auto found = std::find_if(rules().begin(), rules().end(), [name](const SplitRule& rule) {
    return std::find(rule.names.begin(), rule.names.end(), name) != rule.names.end();
  });
  return found == rules().end() ? nullptr : &*found;
}

std::string list_rules() {
  std::vector<std::string_view> names;
  for (const SplitRule& rule : rules()) names.insert(names.end(), rule.names.begin(), rule.names.end());
  return fmt::format("{}", fmt::join(names, ", "));
}

const Expression* find_expression(std::string_view spelling) {
  const auto* const found = std::find_if(kExpressions.begin(), kExpressions.end(),
                                         [spelling](const ExpressionInfo& info) { return info.spelling == spelling; });
  return found == kExpressions.end() ? nullptr : &found->expression;
}

struct Splitter::Patterns {
  std::vector<std::unique_ptr<const icu::RegexPattern>> patterns;
};

Splitter::Splitter(std::span<const Expression> expressions) {
  auto made = std::make_unique<Patterns>();
  for (const Expression expression : expressions) {
    const ExpressionInfo& info = kExpressions.at(static_cast<std::size_t>(expression));
    UErrorCode code = U_ZERO_ERROR;
    UParseError where;
    made->patterns.emplace_back(icu::RegexPattern::compile(to_pattern(info.spelling), 0, where, code));
    if (U_FAILURE(code)) fail_contract(u_errorName(code));
  }
  patterns_ = std::move(made);
}

Splitter::Splitter(Splitter&&) noexcept = default;
Splitter& Splitter::operator=(Splitter&&) noexcept = default;
Splitter::~Splitter() = default;

Result<std::vector<std::string_view>> Splitter::split(std::string_view text) const {
  const std::u16string units = to_utf16(text);
  const icu::UnicodeString alias(false, units.data(), static_cast<std::int32_t>(units.size()));
  std::vector<Part> parts;
  if (!units.empty()) parts.push_back({0, static_cast<std::int64_t>(units.size())});
  UErrorCode code = U_ZERO_ERROR;
  for (const auto& pattern : patterns_->patterns) {
    parts = cut(*pattern, alias, parts, code);
    if (U_FAILURE(code)) return runtime_error("text cannot be split", u_errorName(code), "give a shorter one");
  }
  std::vector<std::string_view> words;
  words.reserve(parts.size());
  std::size_t place = 0;
  for (const Part& part : parts) {
    const auto begin = static_cast<std::size_t>(part.begin);
    const std::size_t bytes =
        count_bytes(std::u16string_view(units).substr(begin, static_cast<std::size_t>(part.end) - begin));
    words.push_back(text.substr(place, bytes));
    place += bytes;
  }
  expects(place == text.size(), "words leave no gap");
  return words;
}

}  // namespace qtrap::tokenizer
