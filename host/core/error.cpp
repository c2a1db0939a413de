#include "core/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/text.hpp"

namespace qtrap {
namespace {

constexpr std::size_t kLongestValue = 200;
constexpr std::size_t kLongestText = 4000;  ///< of what and fix: ids of a file may stand in them

/// Control characters made visible, and at most `longest` bytes, whole characters.
std::string printable(std::string_view text, std::size_t longest) {
  std::string out = escape_controls(text.substr(0, longest + 4));
  if (out.size() <= longest) return out;
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(out[end]) >> 6) == 2) --end;
  return out.substr(0, end) + "...";
}

/// Compilers' and drivers' messages come in lines.
std::string on_one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return printable(text, kLongestText);
}

}  // namespace

std::string Error::message() const {
  std::string text = on_one_line(what);
  if (!value.empty()) text += fmt::format(" ({})", printable(value, kLongestValue));
  if (!fix.empty()) text += ": " + on_one_line(fix);
  return text;
}

Error usage_error(std::string what, std::string value, std::string fix) {
  return {ErrorKind::kUsage, std::move(what), std::move(value), std::move(fix)};
}

Error runtime_error(std::string what, std::string value, std::string fix) {
  return {ErrorKind::kRuntime, std::move(what), std::move(value), std::move(fix)};
}

Failure::Failure(Error error) : std::runtime_error(error.message()), error_(std::move(error)) {}

}  // namespace qtrap
