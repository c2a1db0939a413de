// Which elements of a head of q and k turn together in a rotary embedding.
#pragma once

#include <cstdint>

#include "core/words.hpp"

namespace qtrap {

enum class RotaryPairs : std::uint8_t {
  kHalves,      ///< i and i + head_dim / 2
  kInterleaved  ///< 2 i and 2 i + 1
};
constexpr Words<2> words_of(RotaryPairs) { return {"halves", "interleaved"}; }

}  // namespace qtrap
