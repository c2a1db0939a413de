// What formats of blocks share: columns of a row in blocks of a fixed length, the last one filled up.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "format/format.hpp"

namespace qtrap::format {

/// Calls quantize(weights, place, out) for every block of every row; `weights` are those in the matrix, at most `block`
/// of them, `place` is row x blocks per row + block.
void quantize_blocks(const HalfBits& f16, std::uint64_t block,
                     void (*quantize)(std::span<const float> weights, std::uint64_t place, HostWeights& out),
                     HostWeights& out);

// Nibbles of 32 columns in 16 bytes: byte j holds column j in its low and column j + 16 in its high nibble. `step`
// counts such 32 columns over the whole part, `column` is 0..31.
int split_nibble(const std::vector<std::uint8_t>& codes, std::uint64_t step, std::uint64_t column);
/// The nibble was 0 before.
void set_split_nibble(std::vector<std::uint8_t>& codes, std::uint64_t step, std::uint64_t column, int code);

}  // namespace qtrap::format
