// Small text helpers for error messages.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace qtrap {

/// "line 3, column 7" of a byte offset in `text`, or "column 7" where the text has one line only; both count from 1.
std::string describe_position(std::string_view text, std::size_t byte);

/// Deepest nesting of { } and [ ] outside the strings of a JSON text, valid or not. To be asked before parsing: copying
/// and writing a parsed value recurse once per level.
std::size_t compute_json_depth(std::string_view text);
inline constexpr std::size_t kDeepestJson = 64;  ///< most levels that the readers accept

/// The word of `words` nearest to `word` (Levenshtein distance), or "" when none is within a third of its length.
std::string_view find_nearest(std::string_view word, std::span<const std::string_view> words);

}  // namespace qtrap
