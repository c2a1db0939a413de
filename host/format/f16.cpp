// f16: the weight itself. The anchor's format.
#include "format/rows.hpp"

namespace qtrap::format {
namespace {

constexpr std::array kParts{
    Part{PartName::kCodes, [](Shape s, std::uint64_t) { return 2 * s.rows * s.columns; }},
};

void quantize_f16(const HalfBits& f16, HostWeights& out) {
  for (std::uint64_t i = 0; i < f16.size(); ++i) out.set_half(PartName::kCodes, i, f16[i]);
}

Element element_at(const HostWeights& w, std::uint64_t row, std::uint64_t column) {
  return {static_cast<double>(w.half(PartName::kCodes, row * w.shape.columns + column))};
}

}  // namespace

const FormatInfo kF16Row{WeightFormat::kF16, "f16", "f16", 16, false, 0, 0, kParts, quantize_f16, element_at};

}  // namespace qtrap::format
