#include "core/error.hpp"

#include <fmt/format.h>

namespace qtrap {
namespace {

constexpr std::size_t kLongestValue = 200;

std::string printable(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
    if (out.size() > kLongestValue) return out + "...";
  }
  return out;
}

}  // namespace

std::string Error::message() const {
  std::string text = what;
  if (!value.empty()) text += fmt::format(" ({})", printable(value));
  if (!fix.empty()) text += ": " + fix;
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
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
