// Small text helpers for error messages.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace qtrap {

/// "line 3, column 7" of a byte offset in `text`, or "column 7" where the text has one line only; both count from 1.
std::string describe_position(std::string_view text, std::size_t byte);

/// The word of `words` nearest to `word` (Levenshtein distance), or "" when none is within a third of its length.
std::string_view find_nearest(std::string_view word, std::span<const std::string_view> words);

}  // namespace qtrap
