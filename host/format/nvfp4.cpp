// nvfp4 of NVIDIA: w = (t s) e2m1, an e4m3 scale s per 16 columns and one f32 scale t of the matrix; t s is rounded to
// f32 once. Nibbles as q4_0's (others pack neighbours, ggml columns j and j + 8), a row filled up to whole steps of 32
// columns; scales t, subscales s [row][step][2]. 4.5 bits a weight.
#include <algorithm>
#include <cmath>

#include "core/half.hpp"
#include "format/blocks.hpp"
#include "format/minifloat.hpp"
#include "format/rows.hpp"

namespace qtrap::format {
namespace {

constexpr std::uint64_t kStep = 32;
constexpr std::uint64_t kRun = 16;  // columns of a scale
constexpr float kTopCode = 6;
constexpr float kTopScale = 448;

constexpr std::array kParts{
    Part{PartName::kCodes, [](Shape s, std::uint64_t) { return s.rows * count_groups(s.columns, kStep) * kStep / 2; }},
    Part{PartName::kScales, [](Shape, std::uint64_t) { return std::uint64_t{4}; }},
    Part{PartName::kSubscales,
         [](Shape s, std::uint64_t) { return s.rows * count_groups(s.columns, kStep) * (kStep / kRun); }},
};

/// Scale of 16 columns in f32, as kernels round it.
float scale_of(const HostWeights& w, std::uint64_t run) {
  return w.single(PartName::kScales, 0) * float_from_e4m3(w.part(PartName::kSubscales)[run]);
}

void quantize_step(std::span<const float> weights, std::uint64_t place, HostWeights& out) {
  const float tensor = out.single(PartName::kScales, 0);
  for (std::size_t begin = 0; begin < weights.size(); begin += kRun) {
    const auto run = weights.subspan(begin, std::min<std::size_t>(kRun, weights.size() - begin));
    const std::uint64_t number = place * (kStep / kRun) + begin / kRun;
    out.part(PartName::kSubscales)[number] = e4m3_from(tensor > 0 ? largest_magnitude(run) / kTopCode / tensor : 0.0F);
    const float scale = scale_of(out, number);
    for (std::size_t i = 0; i < run.size(); ++i) {
      set_split_nibble(out.part(PartName::kCodes), place, begin + i, scale > 0 ? e2m1_from(run[i] / scale) : 0);
    }
  }
}

// NVIDIA's recipe: the largest magnitude of the matrix becomes 6 x 448, that of 16 columns 6.
void quantize_nvfp4(const HalfBits& f16, HostWeights& out) {
  float most = 0;
  for (const std::uint16_t bits : f16) most = std::max(most, std::fabs(float_from_half(bits)));
  out.set_single(PartName::kScales, 0, most / (kTopCode * kTopScale));
  quantize_blocks(f16, kStep, quantize_step, out);
}

Element element_at(const HostWeights& w, std::uint64_t row, std::uint64_t column) {
  const std::uint64_t place = row * count_groups(w.shape.columns, kStep) + column / kStep;
  const int code = split_nibble(w.part(PartName::kCodes), place, column % kStep);
  return {static_cast<double>(float_from_e2m1(code)),
          static_cast<double>(scale_of(w, place * (kStep / kRun) + column % kStep / kRun))};
}

}  // namespace

const FormatInfo kNvfp4Row{WeightFormat::kNvfp4, "nvfp4",    "nvfp4",          4,   false, 0.19, 1.6, kParts,
                           quantize_nvfp4,       element_at, "-DFORMAT_NVFP4", true};

}  // namespace qtrap::format
