// q8_0 of ggml (ggml-common.h @01243c5): blocks of 32 columns, w = d q with int8 q and an f16 d. Codes are
// [row][block][32], scales [row][block]; a row's last block is filled up with zeros. 8.5 bits a weight.
#include <algorithm>
#include <cmath>

#include "core/half.hpp"
#include "format/blocks.hpp"
#include "format/rows.hpp"

namespace qtrap::format {
namespace {

constexpr std::uint64_t kBlock = 32;

constexpr std::array kParts{
    Part{PartName::kCodes, [](Shape s, std::uint64_t) { return s.rows * count_groups(s.columns, kBlock) * kBlock; }},
    Part{PartName::kScales, [](Shape s, std::uint64_t) { return 2 * s.rows * count_groups(s.columns, kBlock); }},
};

// As ggml's: codes by the scale before its rounding to f16, halves away from zero.
void quantize_block(std::span<const float> weights, std::uint64_t place, HostWeights& out) {
  float top = 0;
  for (const float weight : weights) top = std::max(top, std::fabs(weight));
  const float scale = top / 127.0F;
  const float inverse = scale > 0 ? 1.0F / scale : 0.0F;
  out.set_half(PartName::kScales, place, half_from_float(scale));
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto code = static_cast<std::int8_t>(std::round(weights[i] * inverse));
    out.part(PartName::kCodes)[place * kBlock + i] = static_cast<std::uint8_t>(code);
  }
}

void quantize_q8_0(const HalfBits& f16, HostWeights& out) { quantize_blocks(f16, kBlock, quantize_block, out); }

Element element_at(const HostWeights& w, std::uint64_t row, std::uint64_t column) {
  const std::uint64_t place = row * count_groups(w.shape.columns, kBlock) + column / kBlock;
  const auto code = static_cast<std::int8_t>(w.part(PartName::kCodes)[place * kBlock + column % kBlock]);
  return {static_cast<double>(code), static_cast<double>(w.half(PartName::kScales, place))};
}

}  // namespace

const FormatInfo kQ8_0Row{WeightFormat::kQ8_0, "q8_0",     "q8_0",         8, false, 0.011, 0.5, kParts,
                          quantize_q8_0,       element_at, "-DFORMAT_Q8_0"};

}  // namespace qtrap::format
