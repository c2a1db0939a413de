// q4_k of ggml (ggml-common.h @01243c5): blocks of 256 columns in eight steps of 32, w = (d s) q - (e m) with q in
// 0..15, a 6-bit scale s and minimum m per step, f16 d and e per block. Nibbles of a step as q4_0's (ggml's block holds
// those of two steps in 32 bytes), scales d and "zeros" e [row][block], subscales [row][block][12] as ggml packs them:
// byte i < 4 holds s_i and the two high bits of s_(i+4), byte i + 4 likewise m_i and m_(i+4), byte i + 8 the low four
// bits of s_(i+4) and m_(i+4). 4.5 bits a weight.
#include <algorithm>
#include <cmath>

#include "core/half.hpp"
#include "format/blocks.hpp"
#include "format/rows.hpp"

namespace qtrap::format {
namespace {

constexpr std::uint64_t kBlock = 256;
constexpr std::uint64_t kStep = 32;
constexpr std::uint64_t kSteps = kBlock / kStep;
constexpr std::uint64_t kPacked = 12;  // bytes
constexpr int kTop = 15;
constexpr int kTopScale = 63;

constexpr std::array kParts{
    Part{PartName::kCodes, block_nibbles<kBlock>},
    Part{PartName::kScales, block_halves<kBlock>},
    Part{PartName::kZeros, block_halves<kBlock>},
    Part{PartName::kSubscales,
         [](Shape s, std::uint64_t) { return s.rows * count_groups(s.columns, kBlock) * kPacked; }},
};

struct StepScale {
  int scale, minimum;
};

StepScale unpack(const std::vector<std::uint8_t>& packed, std::uint64_t block, std::uint64_t step) {
  const std::uint8_t* from = packed.data() + kPacked * block;
  if (step < 4) return {from[step] & 63, from[step + 4] & 63};
  return {(from[step + 4] & 15) | from[step - 4] >> 6 << 4, from[step + 4] >> 4 | from[step] >> 6 << 4};
}

void pack(std::vector<std::uint8_t>& packed, std::uint64_t block, std::uint64_t step, StepScale value) {
  std::uint8_t* to = packed.data() + kPacked * block;
  const auto add = [&](std::uint64_t place, int bits) { to[place] = static_cast<std::uint8_t>(to[place] | bits); };
  if (step < 4) {
    add(step, value.scale);
    add(step + 4, value.minimum);
  } else {
    add(step + 4, (value.scale & 15) | (value.minimum & 15) << 4);
    add(step - 4, value.scale >> 4 << 6);
    add(step, value.minimum >> 4 << 6);
  }
}

/// value / unit as a 6-bit integer; 0 where the unit is.
int six_bits(float value, float unit) {
  return unit > 0 ? std::clamp(static_cast<int>(std::nearbyint(value / unit)), 0, kTopScale) : 0;
}

// A step spans from its smallest weight, or 0, to its largest; ggml searches for scales with a smaller error.
void quantize_block(std::span<const float> weights, std::uint64_t place, HostWeights& out) {
  std::array<float, kSteps> spans{};
  std::array<float, kSteps> minima{};
  for (std::size_t i = 0; i < weights.size(); ++i) minima[i / kStep] = std::max(minima[i / kStep], -weights[i]);
  for (std::size_t i = 0; i < weights.size(); ++i)
    spans[i / kStep] = std::max(spans[i / kStep], (weights[i] + minima[i / kStep]) / static_cast<float>(kTop));
  const auto top = static_cast<float>(kTopScale);
  out.set_half(PartName::kScales, place, half_from_float(*std::max_element(spans.begin(), spans.end()) / top));
  out.set_half(PartName::kZeros, place, half_from_float(*std::max_element(minima.begin(), minima.end()) / top));
  const float scale = out.half(PartName::kScales, place);
  const float minimum = out.half(PartName::kZeros, place);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::size_t step = i / kStep;
    const StepScale own{six_bits(spans[step], scale), six_bits(minima[step], minimum)};
    if (i % kStep == 0) pack(out.part(PartName::kSubscales), place, step, own);
    const float unit = scale * static_cast<float>(own.scale);
    const float above = weights[i] + minimum * static_cast<float>(own.minimum);
    const int code = unit > 0 ? std::clamp(static_cast<int>(std::nearbyint(above / unit)), 0, kTop) : 0;
    set_split_nibble(out.part(PartName::kCodes), place * kSteps + step, i % kStep, code);
  }
}

void quantize_q4_k(const HalfBits& f16, HostWeights& out) { quantize_blocks(f16, kBlock, quantize_block, out); }

Element element_at(const HostWeights& w, std::uint64_t row, std::uint64_t column) {
  const std::uint64_t place = row * count_groups(w.shape.columns, kBlock) + column / kBlock;
  const std::uint64_t step = column % kBlock / kStep;
  const StepScale own = unpack(w.part(PartName::kSubscales), place, step);
  const int code = split_nibble(w.part(PartName::kCodes), place * kSteps + step, column % kStep);
  return {static_cast<double>(code), static_cast<double>(w.half(PartName::kScales, place)) * own.scale,
          -static_cast<double>(w.half(PartName::kZeros, place)) * own.minimum};
}

}  // namespace

const FormatInfo kQ4_KRow{WeightFormat::kQ4_K, "q4_k",     "q4_k",         4, false, 0.15, 2.2, kParts,
                          quantize_q4_k,       element_at, "-DFORMAT_Q4_K"};

}  // namespace qtrap::format
