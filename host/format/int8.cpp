// int8: w = s q with |q| <= 127, one f16 scale s per row.
#include <algorithm>
#include <cmath>

#include "core/half.hpp"
#include "format/blocks.hpp"
#include "format/rounding.hpp"
#include "format/rows.hpp"

namespace qtrap::format {
namespace {

constexpr std::array kParts{
    Part{PartName::kCodes, [](Shape s, std::uint64_t) { return s.rows * s.columns; }},
    Part{PartName::kScales, [](Shape s, std::uint64_t) { return 2 * s.rows; }},
};

void quantize_int8(const HalfBits& f16, HostWeights& out) {
  for_each_row(out.shape, [&, columns = out.shape.columns](std::uint64_t r) {
    float top = 0;
    for (std::uint64_t k = 0; k < columns; ++k) top = std::max(top, std::fabs(float_from_half(f16[r * columns + k])));
    const std::uint16_t scale = scale_bits(top * kInverse127);
    out.set_half(PartName::kScales, r, scale);
    const float inverse = 1.0F / float_from_half(scale);
    for (std::uint64_t k = 0; k < columns; ++k) {
      const int code = std::clamp(round_product(float_from_half(f16[r * columns + k]), inverse), -127, 127);
      out.part(PartName::kCodes)[r * columns + k] = static_cast<std::uint8_t>(static_cast<std::int8_t>(code));
    }
  });
}

Element element_at(const HostWeights& w, std::uint64_t row, std::uint64_t column) {
  const auto code = static_cast<std::int8_t>(w.part(PartName::kCodes)[row * w.shape.columns + column]);
  return {static_cast<double>(code), static_cast<double>(w.half(PartName::kScales, row))};
}

}  // namespace

const FormatInfo kInt8Row{WeightFormat::kInt8, "int8", "i8", 8, false, 0.015, 0.4, kParts, quantize_int8, element_at};

}  // namespace qtrap::format
