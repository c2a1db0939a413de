#include "import/numbers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

#include "core/text.hpp"

namespace qtrap::importer {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// What stands for a sign, blank or apostrophe beyond ASCII.
constexpr std::array<std::pair<std::string_view, char>, 6> kLookalikes{
    {{"\u00a0", ' '}, {"\u202f", ' '}, {"\u2009", ' '}, {"\u2007", ' '}, {"\u2019", '\''}, {"\u2212", '-'}}};

std::string to_ascii(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto* one = std::find_if(kLookalikes.begin(), kLookalikes.end(),
                                   [text](const auto& pair) { return text.starts_with(pair.first); });
    out += one == kLookalikes.end() ? text.front() : one->second;
    text.remove_prefix(one == kLookalikes.end() ? 1 : one->first.size());
  }
  return out;
}

/// Appends the digits of "12", "1,234" or "1 234 567"; false where the groups are none of three digits.
bool append_whole(std::string_view text, char decimal, std::string& out) {
  const std::string_view separators = decimal == '.' ? ", '_" : ". '_";
  const std::size_t first = text.find_first_of(separators);
  const std::string_view head = text.substr(0, first);
  if (!std::all_of(head.begin(), head.end(), is_digit)) return false;
  out += head;
  if (first == std::string_view::npos) return true;
  if (head.empty() || head.size() > 3 || head.front() == '0') return false;
  const char separator = text[first];
  for (text.remove_prefix(first); !text.empty(); text.remove_prefix(4)) {
    if (text.size() < 4 || text[0] != separator) return false;
    if (!std::all_of(text.begin() + 1, text.begin() + 4, is_digit)) return false;
    out += text.substr(1, 3);
  }
  return true;
}

/// Whether `c` of `text` at `at` begins an exponent: behind a digit and before one.
bool begins_exponent(std::string_view text, std::size_t at) {
  if (at == 0 || (text[at] != 'e' && text[at] != 'E') || (!is_digit(text[at - 1]) && text[at - 1] != '.')) return false;
  std::size_t next = at + 1;
  if (next < text.size() && (text[next] == '+' || text[next] == '-')) ++next;
  return next < text.size() && is_digit(text[next]);
}

}  // namespace

std::optional<double> parse_number(std::string_view text, DecimalSign sign) {
  const std::string plain = to_ascii(trim(text));
  std::string_view rest = plain;
  std::string digits;
  if (rest.starts_with('-')) digits = "-";
  if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
  const std::size_t exponent = std::min(rest.find_first_of("eE"), rest.size());
  const std::string_view mantissa = rest.substr(0, exponent);
  const char decimal = sign == DecimalSign::kPoint ? '.' : ',';
  const std::size_t point = std::min(mantissa.find(decimal), mantissa.size());
  if (!append_whole(mantissa.substr(0, point), decimal, digits)) return std::nullopt;
  if (point < mantissa.size()) digits.append(".").append(mantissa.substr(point + 1));
  digits += rest.substr(exponent);
  const std::size_t plus = digits.find('+');
  if (plus != std::string::npos) digits.erase(plus, 1);
  double value = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = code == std::errc{} && end == digits.data() + digits.size() && std::isfinite(value);
  return whole ? std::optional(value) : std::nullopt;
}

Evidence find_evidence(std::string_view text) {
  const auto with_point = parse_number(text, DecimalSign::kPoint);
  const auto with_comma = parse_number(text, DecimalSign::kComma);
  if (with_point == with_comma) return Evidence::kNone;
  if (!with_comma) return Evidence::kPoint;
  if (!with_point) return Evidence::kComma;
  return text.find(',') == std::string_view::npos ? Evidence::kEitherByPoint : Evidence::kEitherByComma;
}

Measure split_unit(std::string_view text) {
  constexpr std::string_view kBegins = "%\xC2\xCE";  // and what begins "µ", "°" and "μ"
  text = trim(text);
  if (text.empty() || std::none_of(text.begin(), text.end(), is_digit)) return {text, {}};
  for (std::size_t at = text.find_first_of("0123456789"); at < text.size(); ++at) {
    const char c = text[at];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kBegins.find(c) != std::string_view::npos;
    if (!letter || begins_exponent(text, at) || text.substr(at).starts_with("\u00a0")) continue;
    return {trim(text.substr(0, at)), trim(text.substr(at))};
  }
  return {text, {}};
}

SpreadCell split_spread(std::string_view text) {
  text = trim(text);
  for (const std::string_view sign : {"\u00b1", "+/-", "+-"}) {
    const std::size_t at = text.find(sign);
    if (at != std::string_view::npos && at > 0) return {trim(text.substr(0, at)), trim(text.substr(at + sign.size()))};
  }
  const std::size_t open = text.find(" (");
  if (open == std::string_view::npos || !text.ends_with(')') || text.size() < open + 4 || !is_digit(text[open + 2]))
    return {text, {}};
  return {trim(text.substr(0, open)), trim(text.substr(open + 2, text.size() - open - 3))};
}

std::string_view trim(std::string_view text) {
  constexpr std::array<std::string_view, 4> kBlanks{" ", "\t", "\u00a0", "\u202f"};
  const auto find = [&kBlanks](const auto& holds) { return std::find_if(kBlanks.begin(), kBlanks.end(), holds); };
  while (true) {
    const auto* first = find([text](std::string_view blank) { return text.starts_with(blank); });
    if (first == kBlanks.end()) break;
    text.remove_prefix(first->size());
  }
  while (true) {
    const auto* last = find([text](std::string_view blank) { return text.ends_with(blank); });
    if (last == kBlanks.end()) return text;
    text.remove_suffix(last->size());
  }
}

bool is_no_reading(std::string_view text) {
  constexpr std::array<std::string_view, 26> kWords{"",
                                                    "na",
                                                    "n/a",
                                                    "n.a.",
                                                    "n. a.",
                                                    "#n/a",
                                                    "nd",
                                                    "n.d.",
                                                    "n/d",
                                                    "none",
                                                    "null",
                                                    "nil",
                                                    "missing",
                                                    "unknown",
                                                    "unavailable",
                                                    "no reading",
                                                    "no data",
                                                    "not available",
                                                    "not found",
                                                    "not measured",
                                                    "not active",
                                                    "unsupported",
                                                    "not supported",
                                                    "unknown error",
                                                    "insufficient permissions",
                                                    "gpu requires reset"};
  constexpr std::string_view kBrackets = "[]()<>";
  std::string word = to_lower(trim(text));
  if (word.size() > 1 && kBrackets.find(word.front()) != std::string_view::npos &&
      kBrackets.find(word.back()) != std::string_view::npos) {
    word = word.substr(1, word.size() - 2);
  }
  const std::string_view bare = trim(word);
  if (std::find(kWords.begin(), kWords.end(), bare) != kWords.end()) return true;
  std::string_view dashes = bare;
  while (!dashes.empty()) {
    const bool plain = dashes.front() == '-';
    if (!plain && !dashes.starts_with("\u2013") && !dashes.starts_with("\u2014") && !dashes.starts_with("\u2212"))
      return false;
    dashes.remove_prefix(plain ? 1 : 3);
  }
  return true;
}

}  // namespace qtrap::importer
