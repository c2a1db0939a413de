#include "format/blocks.hpp"

#include <algorithm>

#include "core/half.hpp"

namespace qtrap::format {

void quantize_blocks(const HalfBits& f16, std::uint64_t block,
                     void (*quantize)(std::span<const float> weights, std::uint64_t place, HostWeights& out),
                     HostWeights& out) {
  const auto [rows, columns] = out.shape;
  std::vector<float> weights;
  std::uint64_t place = 0;
  for (std::uint64_t row = 0; row < rows; ++row) {
    for (std::uint64_t begin = 0; begin < columns; begin += block, ++place) {
      weights.clear();
      for (std::uint64_t k = begin; k < std::min(begin + block, columns); ++k)
        weights.push_back(float_from_half(f16[row * columns + k]));
      quantize(weights, place, out);
    }
  }
}

int split_nibble(const std::vector<std::uint8_t>& codes, std::uint64_t step, std::uint64_t column) {
  return codes[16 * step + column % 16] >> (column / 16 * 4) & 15;
}

void set_split_nibble(std::vector<std::uint8_t>& codes, std::uint64_t step, std::uint64_t column, int code) {
  std::uint8_t& byte = codes[16 * step + column % 16];
  byte = static_cast<std::uint8_t>(byte | code << (column / 16 * 4));
}

}  // namespace qtrap::format
