// q4_1 of ggml (ggml-common.h @01243c5): blocks of 32 columns, w = d q + m with q in 0..15, f16 d and m. Nibbles as
// q4_0's, scales d and "zeros" m [row][block]. 5 bits a weight.
#include <algorithm>
#include <cmath>

#include "core/half.hpp"
#include "format/blocks.hpp"
#include "format/rows.hpp"

namespace qtrap::format {
namespace {

constexpr std::uint64_t kBlock = 32;
constexpr int kTop = 15;

constexpr std::array kParts{
    Part{PartName::kCodes, block_nibbles<kBlock>},
    Part{PartName::kScales, block_halves<kBlock>},
    Part{PartName::kZeros, block_halves<kBlock>},
};

// As ggml's: codes by scale and minimum before their rounding to f16.
void quantize_block(std::span<const float> weights, std::uint64_t place, HostWeights& out) {
  const auto [low, high] = std::minmax_element(weights.begin(), weights.end());
  const float minimum = *low;
  const float scale = (*high - minimum) / static_cast<float>(kTop);
  const float inverse = scale > 0 ? 1.0F / scale : 0.0F;
  out.set_half(PartName::kScales, place, half_from_float(scale));
  out.set_half(PartName::kZeros, place, half_from_float(minimum));
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const int code = std::clamp(static_cast<int>(std::trunc((weights[i] - minimum) * inverse + 0.5F)), 0, kTop);
    set_split_nibble(out.part(PartName::kCodes), place, i, code);
  }
}

void quantize_q4_1(const HalfBits& f16, HostWeights& out) { quantize_blocks(f16, kBlock, quantize_block, out); }

Element element_at(const HostWeights& w, std::uint64_t row, std::uint64_t column) {
  const std::uint64_t place = row * count_groups(w.shape.columns, kBlock) + column / kBlock;
  const int code = split_nibble(w.part(PartName::kCodes), place, column % kBlock);
  return {static_cast<double>(code), static_cast<double>(w.half(PartName::kScales, place)),
          static_cast<double>(w.half(PartName::kZeros, place))};
}

}  // namespace

const FormatInfo kQ4_1Row{WeightFormat::kQ4_1, "q4_1",     "q4_1",         4, false, 0.15, 1.3, kParts,
                          quantize_q4_1,       element_at, "-DFORMAT_Q4_1"};

}  // namespace qtrap::format
