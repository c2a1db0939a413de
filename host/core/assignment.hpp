// KEY=VALUE, as options of the command line give it.
#pragma once

#include <optional>
#include <string_view>

namespace qtrap {

/// Views into the text that was split.
struct Assignment {
  std::string_view key;
  std::string_view value;
};

/// `text` before and after its first "="; none where it has none.
inline std::optional<Assignment> split_assignment(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  return Assignment{text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace qtrap
