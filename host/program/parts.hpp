// The text by which processes of this program tell each other small records: parts in a fixed order.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qtrap::program {

/// `parts` with a control character between them, which none of them may hold: one that does gets a space in its place.
std::string join_parts(std::vector<std::string> parts);

/// Takes parts off the front of such a text, one after the other; what is missing or no number leaves its target as it
/// is.
class Parts {
 public:
  explicit Parts(std::string_view text) : text_(text) {}
  std::optional<std::string_view> next();
  void take(std::string& out);
  void take(bool& out);
  void take(std::optional<double>& out);
  template <class Number>
  void take(Number& out) {
    if (const auto part = next()) std::from_chars(part->data(), part->data() + part->size(), out);
  }

 private:
  std::optional<std::string_view> text_;
};

}  // namespace qtrap::program
