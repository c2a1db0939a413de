// int4: w = s (q - z) with q in 0..15, an f16 scale s and an f16 (integer valued) zero point z per group. Byte b of a
// row holds column 2b in its low and column 2b + 1 in its high nibble. Scales and zero points are [row][group].
#include <algorithm>

#include "core/half.hpp"
#include "format/blocks.hpp"
#include "format/rounding.hpp"
#include "format/rows.hpp"

namespace qtrap::format {
namespace {

std::uint64_t row_bytes(std::uint64_t columns) { return (columns + 1) / 2; }

constexpr std::array kParts{
    Part{PartName::kCodes, [](Shape s, std::uint64_t) { return s.rows * row_bytes(s.columns); }},
    Part{PartName::kScales, group_halves},
    Part{PartName::kZeros, group_halves},
};

void quantize_group(const HalfBits& f16, std::uint64_t row, std::uint64_t begin, HostWeights& out) {
  const std::uint64_t columns = out.shape.columns;
  const std::uint64_t end = std::min<std::uint64_t>(begin + out.group, columns);
  float low = 0;
  float high = 0;
  for (std::uint64_t k = begin; k < end; ++k) {
    low = std::min(low, float_from_half(f16[row * columns + k]));
    high = std::max(high, float_from_half(f16[row * columns + k]));
  }
  const std::uint64_t place = row * out.groups() + begin / out.group;
  const std::uint16_t scale = scale_bits((high - low) * kInverse15);
  out.set_half(PartName::kScales, place, scale);
  const float inverse = 1.0F / float_from_half(scale);
  const int zero = std::clamp(round_product(-low, inverse), 0, 15);
  out.set_half(PartName::kZeros, place, half_from_float(static_cast<float>(zero)));
  for (std::uint64_t k = begin; k < end; ++k) {
    const int code = std::clamp(round_product(float_from_half(f16[row * columns + k]), inverse) + zero, 0, 15);
    std::uint8_t& byte = out.part(PartName::kCodes)[row * row_bytes(columns) + k / 2];
    byte = static_cast<std::uint8_t>(byte | code << (k % 2 * 4));
  }
}

void quantize_int4(const HalfBits& f16, HostWeights& out) {
  for_each_row(out.shape, [&](std::uint64_t row) {
    for (std::uint64_t begin = 0; begin < out.shape.columns; begin += out.group) quantize_group(f16, row, begin, out);
  });
}

Element element_at(const HostWeights& w, std::uint64_t row, std::uint64_t column) {
  const std::uint8_t byte = w.part(PartName::kCodes)[row * row_bytes(w.shape.columns) + column / 2];
  const std::uint64_t place = row * w.groups() + column / w.group;
  const auto scale = static_cast<double>(w.half(PartName::kScales, place));
  const auto zero = static_cast<double>(w.half(PartName::kZeros, place));
  return {static_cast<double>(byte >> (column % 2 * 4) & 15), scale, -scale * zero};
}

}  // namespace

const FormatInfo kInt4Row{WeightFormat::kInt4, "int4", "i4", 4, true, 0.19, 1.1, kParts, quantize_int4, element_at};

}  // namespace qtrap::format
