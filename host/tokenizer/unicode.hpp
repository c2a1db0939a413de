// What of Unicode a tokenizer needs, by ICU: repair of UTF-8, normalization form C, UTF-16 and back. Private to this
// layer.
#pragma once

#include <string>
#include <string_view>

namespace qtrap::tokenizer {

/// Longest text: ICU counts in 32 bits, and a form may be three times as long as its text.
inline constexpr std::size_t kLongestText = std::size_t{1} << 28U;

/// UTF-16 of any bytes; each longest part that begins as UTF-8 does and does not go on so is one U+FFFD, as Python's
/// errors="replace" and browsers have it.
std::u16string to_utf16(std::string_view bytes);

/// UTF-8 of well-formed UTF-16.
std::string to_utf8(std::u16string_view text);

/// Normalization form C of well-formed UTF-8.
std::string normalize_nfc(std::string_view text);

}  // namespace qtrap::tokenizer
