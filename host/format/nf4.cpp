// nf4 of QLoRA (arXiv 2305.14314, bitsandbytes): blocks of 64 columns, w = a c[q], f32 a the largest magnitude of the
// block, c the 16 quantiles of the normal distribution that bitsandbytes' create_normal_map gives. Nibbles as q4_0's
// (bitsandbytes packs neighbours), scales a [row][block]. 4.5 bits a weight.

#include "format/blocks.hpp"
#include "format/minifloat.hpp"
#include "format/rows.hpp"

namespace qtrap::format {
namespace {

constexpr std::uint64_t kBlock = 64;
constexpr std::uint64_t kStep = 32;
constexpr std::array<float, 16> kQuantiles{-1.0F,
                                           -0.6961928009986877F,
                                           -0.5250730514526367F,
                                           -0.39491748809814453F,
                                           -0.28444138169288635F,
                                           -0.18477343022823334F,
                                           -0.09105003625154495F,
                                           0.0F,
                                           0.07958029955625534F,
                                           0.16093020141124725F,
                                           0.24611230194568634F,
                                           0.33791524171829224F,
                                           0.44070982933044434F,
                                           0.5626170039176941F,
                                           0.7229568362236023F,
                                           1.0F};

constexpr std::array kParts{
    Part{PartName::kCodes, block_nibbles<kBlock>},
    Part{PartName::kScales, [](Shape s, std::uint64_t) { return 4 * s.rows * count_groups(s.columns, kBlock); }},
};

void quantize_block(std::span<const float> weights, std::uint64_t place, HostWeights& out) {
  const float most = largest_magnitude(weights);
  out.set_single(PartName::kScales, place, most);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const float share = most > 0 ? weights[i] / most : 0.0F;
    set_split_nibble(out.part(PartName::kCodes), place * (kBlock / kStep) + i / kStep, i % kStep,
                     nearest(kQuantiles, share));
  }
}

void quantize_nf4(const HalfBits& f16, HostWeights& out) { quantize_blocks(f16, kBlock, quantize_block, out); }

Element element_at(const HostWeights& w, std::uint64_t row, std::uint64_t column) {
  const std::uint64_t place = row * count_groups(w.shape.columns, kBlock) + column / kBlock;
  const std::uint64_t step = place * (kBlock / kStep) + column % kBlock / kStep;
  const int code = split_nibble(w.part(PartName::kCodes), step, column % kStep);
  return {static_cast<double>(kQuantiles.at(static_cast<std::size_t>(code))),
          static_cast<double>(w.single(PartName::kScales, place))};
}

}  // namespace

const FormatInfo kNf4Row{WeightFormat::kNf4, "nf4",      "nf4",          4,   false, 0.19, 6.8, kParts,
                         quantize_nf4,       element_at, "-DFORMAT_NF4", true};

}  // namespace qtrap::format
