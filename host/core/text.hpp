// Small text helpers for messages, tables and progress.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace qtrap {

/// ASCII letters in lower case, all else as it is, in every locale.
std::string to_lower(std::string_view text);

/// "line 3, column 7" of a byte offset in `text`, or "column 7" where the text has one line only; both count from 1.
std::string describe_position(std::string_view text, std::size_t byte);

/// `text` with what would steer a terminal made visible, but for the characters in `keep`: C0 as \xNN; DEL, C1, and the
/// separators and marks that break or reorder a line (U+2028 to U+202E, U+2066 to U+2069) as \uNNNN, which JSON reads
/// back; bytes that are no UTF-8 as \xNN. Text of files and drivers goes through here before it reaches a terminal, a
/// table or SQL.
std::string escape_controls(std::string_view text, std::string_view keep = "");

/// Whether `text` is well-formed UTF-8.
bool is_utf8(std::string_view text);

/// Deepest nesting of { } and [ ] outside the strings of a JSON text, valid or not. To be asked before parsing: copying
/// and writing a parsed value recurse once per level.
std::size_t compute_json_depth(std::string_view text);
inline constexpr std::size_t kDeepestJson = 64;  ///< most levels that the readers accept

/// Characters of UTF-8 text, which is what a terminal's columns hold of the texts used here.
std::size_t count_characters(std::string_view text);

/// `text` if it has at most `columns` characters, else its beginning with "…" as the last of them.
std::string cut_to_width(std::string_view text, std::size_t columns);

/// "23.6 GiB".
std::string format_gibibytes(std::uint64_t bytes);

/// Whether `name` may become part of a path: letters, digits, dot, dash and underscore, no leading dot, 1 to
/// kLongestName bytes.
bool is_file_name(std::string_view name);
inline constexpr std::size_t kLongestName = 100;

/// The word of `words` nearest to `word` (Levenshtein distance), or "" when none is within a third of its length.
std::string_view find_nearest(std::string_view word, std::span<const std::string_view> words);

}  // namespace qtrap
