// What formats of blocks share: columns of a row in blocks of a fixed length, the last one filled up.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/threads.hpp"
#include "format/format.hpp"

namespace qtrap::format {

/// Calls work(row) for every row, on all processors: rows share no byte.
template <class Work>
void for_each_row(Shape shape, const Work& work) {
  for_each_index(static_cast<int>(shape.rows), 0, [&](int row) { work(static_cast<std::uint64_t>(row)); });
}

/// Calls quantize(weights, place, out) for every block of every row; `weights` are those in the matrix, at most `block`
/// of them, `place` is row x blocks per row + block.
void quantize_blocks(const HalfBits& f16, std::uint64_t block,
                     void (*quantize)(std::span<const float> weights, std::uint64_t place, HostWeights& out),
                     HostWeights& out);

// Bytes of parts with a f16 per block, with nibbles in whole blocks, and with a f16 per group of the campaign.
template <std::uint64_t kBlock>
std::uint64_t block_halves(Shape s, std::uint64_t) {
  return 2 * s.rows * count_groups(s.columns, kBlock);
}
template <std::uint64_t kBlock>
std::uint64_t block_nibbles(Shape s, std::uint64_t) {
  return s.rows * count_groups(s.columns, kBlock) * kBlock / 2;
}
std::uint64_t group_halves(Shape s, std::uint64_t group);

// Nibbles of 32 columns in 16 bytes: byte j holds column j in its low and column j + 16 in its high nibble. `step`
// counts such 32 columns over the whole part, `column` is 0..31.
int split_nibble(const std::vector<std::uint8_t>& codes, std::uint64_t step, std::uint64_t column);
/// The nibble was 0 before.
void set_split_nibble(std::vector<std::uint8_t>& codes, std::uint64_t step, std::uint64_t column, int code);

// Two bits of 32 columns in 8 bytes: byte j holds columns j, j + 8, j + 16 and j + 24 from its lowest bits on. `at`:
// where the step's bytes begin.
int split_pair(const std::vector<std::uint8_t>& codes, std::uint64_t at, std::uint64_t column);
/// The bits were 0 before.
void set_split_pair(std::vector<std::uint8_t>& codes, std::uint64_t at, std::uint64_t column, int code);

/// Largest magnitude; 0 of none.
float largest_magnitude(std::span<const float> weights);

/// A group with integer codes 0 to `top`: w = scale (code - zero), the scale rounded to f16 and 1 for a zero group.
struct GroupCodes {
  std::uint16_t scale_bits;
  int zero;
  std::vector<int> codes;
};
GroupCodes quantize_group(std::span<const float> weights, int top);

/// Integer codes in steps of 32 columns of whole groups, a f16 scale and zero point (kScales, kZeros) per group.
struct GroupLayout {
  std::uint64_t step_bytes;
  int top;
  /// Of column 0 to 31 of the step that begins at byte `at`; its bits were 0 before they are set.
  int (*code)(const std::vector<std::uint8_t>& codes, std::uint64_t at, std::uint64_t column);
  void (*set_code)(std::vector<std::uint8_t>& codes, std::uint64_t at, std::uint64_t column, int code);

  std::uint64_t bytes(Shape s, std::uint64_t group) const;
  void quantize(std::span<const float> weights, std::uint64_t place, HostWeights& out) const;
  Element element(const HostWeights& w, std::uint64_t row, std::uint64_t column) const;
};

}  // namespace qtrap::format
