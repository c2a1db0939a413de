// The number of a token.
#pragma once

#include <cstdint>

namespace qtrap::tokenizer {

using Token = std::uint32_t;

/// Most tokens of a vocabulary: what an id may claim in memory.
inline constexpr Token kMostTokens = Token{1} << 20U;

}  // namespace qtrap::tokenizer
