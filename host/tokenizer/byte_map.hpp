// GPT-2's map of bytes to printable characters, in which byte-level vocabularies spell their tokens: bytes that print
// are themselves, the other 68 are U+0100 to U+0143 in their order, so that a space is Ġ (U+0120).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace qtrap::tokenizer {

/// The character of a byte, as UTF-8.
std::string spell_byte(std::uint8_t byte);

/// The bytes of a token's text. None where a character is not of the map.
std::optional<std::string> read_spelling(std::string_view text);

}  // namespace qtrap::tokenizer
