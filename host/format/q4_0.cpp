// q4_0 of ggml (ggml-common.h @01243c5): blocks of 32 columns, w = d (q - 8) with q in 0..15 and an f16 d. Byte j of a
// block holds column j in its low and column j + 16 in its high nibble. Codes are [row][block][16], scales
// [row][block]; a row's last block is filled up with zeros. 4.5 bits a weight.
#include <algorithm>
#include <cmath>

#include "core/half.hpp"
#include "format/blocks.hpp"
#include "format/rows.hpp"

namespace qtrap::format {
namespace {

constexpr std::uint64_t kBlock = 32;

constexpr std::array kParts{
    Part{PartName::kCodes, block_nibbles<kBlock>},
    Part{PartName::kScales, [](Shape s, std::uint64_t) { return 2 * s.rows * count_groups(s.columns, kBlock); }},
};

// As ggml's: the weight of largest magnitude becomes code 0, the first of them where several are as large.
void quantize_block(std::span<const float> weights, std::uint64_t place, HostWeights& out) {
  float most = 0;
  for (const float weight : weights) most = std::fabs(weight) > std::fabs(most) ? weight : most;
  const float scale = most / -8.0F;
  const float inverse = scale != 0 ? 1.0F / scale : 0.0F;
  out.set_half(PartName::kScales, place, half_from_float(scale));
  for (std::size_t i = 0; i < kBlock; ++i) {
    const float weight = i < weights.size() ? weights[i] : 0.0F;
    const int code = std::clamp(static_cast<int>(std::trunc(weight * inverse + 8.5F)), 0, 15);
    set_split_nibble(out.part(PartName::kCodes), place, i, code);
  }
}

void quantize_q4_0(const HalfBits& f16, HostWeights& out) { quantize_blocks(f16, kBlock, quantize_block, out); }

Element element_at(const HostWeights& w, std::uint64_t row, std::uint64_t column) {
  const std::uint64_t place = row * count_groups(w.shape.columns, kBlock) + column / kBlock;
  const auto scale = static_cast<double>(w.half(PartName::kScales, place));
  const int code = split_nibble(w.part(PartName::kCodes), place, column % kBlock);
  return {static_cast<double>(code), scale, -8 * scale};
}

}  // namespace

const FormatInfo kQ4_0Row{WeightFormat::kQ4_0, "q4_0",     "q4_0",         4, false, 0.16, 1.2, kParts,
                          quantize_q4_0,       element_at, "-DFORMAT_Q4_0"};

}  // namespace qtrap::format
