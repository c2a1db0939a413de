// q6_k of ggml (ggml-common.h @01243c5): blocks of 256 columns, w = d s (q - 32) with q in 0..63, an int8 scale s per
// 16 columns and an f16 d per block. Codes [row][step of 32 columns][24]: 16 bytes with the low nibbles as q4_0's, then
// 8 with the two high bits, byte j those of columns j, j + 8, j + 16, j + 24 from its lowest bits on (ggml's block
// holds those of 128 columns together); scales d [row][block], subscales s [row][block][16]. 6.5625 bits a weight.
#include <algorithm>
#include <cmath>

#include "core/half.hpp"
#include "format/blocks.hpp"
#include "format/rows.hpp"

namespace qtrap::format {
namespace {

constexpr std::uint64_t kBlock = 256;
constexpr std::uint64_t kStep = 32;
constexpr std::uint64_t kStepBytes = 24;
constexpr std::uint64_t kHighBits = 16;  // where they begin in a step
constexpr std::uint64_t kRun = 16;       // columns of a scale
constexpr std::uint64_t kRuns = kBlock / kRun;
constexpr int kOffset = 32;

constexpr std::array kParts{
    Part{PartName::kCodes,
         [](Shape s, std::uint64_t) { return s.rows * count_groups(s.columns, kBlock) * kBlock / kStep * kStepBytes; }},
    Part{PartName::kScales, [](Shape s, std::uint64_t) { return 2 * s.rows * count_groups(s.columns, kBlock); }},
    Part{PartName::kSubscales, [](Shape s, std::uint64_t) { return s.rows * count_groups(s.columns, kBlock) * kRuns; }},
};

void set_code(std::vector<std::uint8_t>& codes, std::uint64_t step, std::uint64_t column, int code) {
  std::uint8_t& byte = codes[kStepBytes * step + column % 16];
  byte = static_cast<std::uint8_t>(byte | (code & 15) << (column / 16 * 4));
  set_split_pair(codes, kStepBytes * step + kHighBits, column, code >> 4);
}

// The largest magnitude of 16 columns becomes 31 of their scale; ggml searches for scales with a smaller error.
void quantize_block(std::span<const float> weights, std::uint64_t place, HostWeights& out) {
  std::array<float, kRuns> units{};
  for (std::size_t i = 0; i < weights.size(); ++i)
    units[i / kRun] = std::max(units[i / kRun], std::fabs(weights[i]) / 31);
  out.set_half(PartName::kScales, place, half_from_float(*std::max_element(units.begin(), units.end()) / 127));
  const float scale = out.half(PartName::kScales, place);
  for (std::size_t i = 0; i < kBlock; ++i) {
    const int own = scale > 0 ? std::min(static_cast<int>(std::nearbyint(units[i / kRun] / scale)), 127) : 0;
    out.part(PartName::kSubscales)[place * kRuns + i / kRun] = static_cast<std::uint8_t>(own);
    const float unit = scale * static_cast<float>(own);
    const float weight = i < weights.size() ? weights[i] : 0.0F;
    const int code = unit > 0 ? std::clamp(static_cast<int>(std::nearbyint(weight / unit)), -32, 31) : 0;
    set_code(out.part(PartName::kCodes), place * (kBlock / kStep) + i / kStep, i % kStep, code + kOffset);
  }
}

void quantize_q6_k(const HalfBits& f16, HostWeights& out) { quantize_blocks(f16, kBlock, quantize_block, out); }

Element element_at(const HostWeights& w, std::uint64_t row, std::uint64_t column) {
  const std::uint64_t place = row * count_groups(w.shape.columns, kBlock) + column / kBlock;
  const std::uint64_t step = place * (kBlock / kStep) + column % kBlock / kStep;
  const std::uint64_t inside = column % kStep;
  const std::vector<std::uint8_t>& codes = w.part(PartName::kCodes);
  const int low = codes[kStepBytes * step + inside % 16] >> (inside / 16 * 4) & 15;
  const int code = low | split_pair(codes, kStepBytes * step + kHighBits, inside) << 4;
  const auto own = static_cast<std::int8_t>(w.part(PartName::kSubscales)[place * kRuns + column % kBlock / kRun]);
  const double scale = static_cast<double>(w.half(PartName::kScales, place)) * own;
  return {static_cast<double>(code), scale, -kOffset * scale};
}

}  // namespace

const FormatInfo kQ6_KRow{WeightFormat::kQ6_K, "q6_k",     "q6_k",         6, false, 0.038, 2.3, kParts,
                          quantize_q6_k,       element_at, "-DFORMAT_Q6_K"};

}  // namespace qtrap::format
