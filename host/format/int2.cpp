// int2: w = s (q - z) with q in 0..3, an f16 scale s and an f16 (integer valued) zero point z per group. Codes are
// [row][step of 32 columns][8], byte j holds columns j, j + 8, j + 16, j + 24 from its lowest bits on; a row has whole
// groups.
#include "format/blocks.hpp"
#include "format/rows.hpp"

namespace qtrap::format {
namespace {

constexpr GroupLayout kLayout{8, 3, split_pair, set_split_pair};

constexpr std::array kParts{
    Part{PartName::kCodes, [](Shape s, std::uint64_t group) { return kLayout.bytes(s, group); }},
    Part{PartName::kScales, group_halves},
    Part{PartName::kZeros, group_halves},
};

void quantize_block(std::span<const float> weights, std::uint64_t place, HostWeights& out) {
  kLayout.quantize(weights, place, out);
}

void quantize_int2(const HalfBits& f16, HostWeights& out) { quantize_blocks(f16, out.group, quantize_block, out); }

Element element_at(const HostWeights& w, std::uint64_t row, std::uint64_t column) {
  return kLayout.element(w, row, column);
}

}  // namespace

const FormatInfo kInt2Row{WeightFormat::kInt2, "int2",     "i2",         2, true, 0.8, 1.5, kParts,
                          quantize_int2,       element_at, "-DFORMAT_I2"};

}  // namespace qtrap::format
