// Small text helpers for error messages and tables.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace qtrap {

/// "line 3, column 7" of a byte offset in `text`, or "column 7" where the text has one line only; both count from 1.
std::string describe_position(std::string_view text, std::size_t byte);

/// `text` with control characters made visible, but for those in `keep`: C0 as \xNN, DEL and C1 (in UTF-8) as \u00NN,
/// which JSON reads back. Text of files and drivers goes through here before it reaches a terminal, a table or SQL.
std::string escape_controls(std::string_view text, std::string_view keep = "");

/// Deepest nesting of { } and [ ] outside the strings of a JSON text, valid or not. To be asked before parsing: copying
/// and writing a parsed value recurse once per level.
std::size_t compute_json_depth(std::string_view text);
inline constexpr std::size_t kDeepestJson = 64;  ///< most levels that the readers accept

/// The word of `words` nearest to `word` (Levenshtein distance), or "" when none is within a third of its length.
std::string_view find_nearest(std::string_view word, std::span<const std::string_view> words);

}  // namespace qtrap
