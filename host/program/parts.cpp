#include "program/parts.hpp"

#include <algorithm>

namespace qtrap::program {
namespace {

constexpr char kSeparator = '\x1f';

}  // namespace

std::string join_parts(std::vector<std::string> parts) {
  std::string text;
  for (std::string& part : parts) {
    std::replace(part.begin(), part.end(), kSeparator, ' ');
    if (&part != &parts.front()) text += kSeparator;
    text += part;
  }
  return text;
}

std::optional<std::string_view> Parts::next() {
  if (!text_) return std::nullopt;
  const auto end = text_->find(kSeparator);
  const std::string_view part = text_->substr(0, end);
  text_ = end == std::string_view::npos ? std::nullopt : std::optional(text_->substr(end + 1));
  return part;
}

void Parts::take(std::string& out) {
  if (const auto part = next()) out = *part;
}

void Parts::take(bool& out) {
  if (const auto part = next()) out = *part == "1";
}

void Parts::take(std::optional<double>& out) {
  double number = 0;
  const auto part = next();
  if (part && std::from_chars(part->data(), part->data() + part->size(), number).ec == std::errc()) out = number;
}

}  // namespace qtrap::program
