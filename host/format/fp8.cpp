// fp8 as Llama 3's (arXiv 2407.21783): w = s e4m3 with an f32 scale s per row, the largest magnitude becomes 448. Codes
// are [row][step of 32 columns][32], a row filled up with zeros; scales [row]. Llama 3 caps scales of activations at
// 1200, which matters to no weight. 8 bits a weight.
#include <algorithm>
#include <cmath>

#include "core/half.hpp"
#include "format/blocks.hpp"
#include "format/minifloat.hpp"
#include "format/rows.hpp"

namespace qtrap::format {
namespace {

constexpr std::uint64_t kStep = 32;
constexpr float kTopCode = 448;

constexpr std::array kParts{
    Part{PartName::kCodes, [](Shape s, std::uint64_t) { return s.rows * count_groups(s.columns, kStep) * kStep; }},
    Part{PartName::kScales, [](Shape s, std::uint64_t) { return 4 * s.rows; }},
};

std::uint64_t place_of(const HostWeights& w, std::uint64_t row, std::uint64_t column) {
  return row * count_groups(w.shape.columns, kStep) * kStep + column;
}

void quantize_fp8(const HalfBits& f16, HostWeights& out) {
  for_each_row(out.shape, [&, columns = out.shape.columns](std::uint64_t r) {
    float most = 0;
    for (std::uint64_t k = 0; k < columns; ++k) most = std::max(most, std::fabs(float_from_half(f16[r * columns + k])));
    const float scale = most / kTopCode;
    out.set_single(PartName::kScales, r, scale);
    for (std::uint64_t k = 0; k < columns; ++k) {
      const float weight = float_from_half(f16[r * columns + k]);
      out.part(PartName::kCodes)[place_of(out, r, k)] = e4m3_from(scale > 0 ? weight / scale : 0.0F);
    }
  });
}

Element element_at(const HostWeights& w, std::uint64_t row, std::uint64_t column) {
  return {static_cast<double>(float_from_e4m3(w.part(PartName::kCodes)[place_of(w, row, column)])),
          static_cast<double>(w.single(PartName::kScales, row))};
}

}  // namespace

const FormatInfo kFp8Row{WeightFormat::kFp8, "fp8",      "fp8",         8, false, 0.054, 0.9, kParts,
                         quantize_fp8,       element_at, "-DFORMAT_FP8"};

}  // namespace qtrap::format
