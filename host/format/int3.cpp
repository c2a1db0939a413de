// int3: w = s (q - z) with q in 0..7, an f16 scale s and an f16 (integer valued) zero point z per group. Codes are
// [row][step of 32 columns][12]: 8 bytes with the low two bits as int2's, then bit i of byte b of 4 is the third bit of
// column 8 b + i; a row has whole groups.
#include "format/blocks.hpp"
#include "format/rows.hpp"

namespace qtrap::format {
namespace {

constexpr std::uint64_t kThirdBits = 8;  // where they begin in a step

int code_at(const std::vector<std::uint8_t>& codes, std::uint64_t at, std::uint64_t column) {
  const int third = codes[at + kThirdBits + column / 8] >> (column % 8) & 1;
  return split_pair(codes, at, column) | third << 2;
}

void set_code(std::vector<std::uint8_t>& codes, std::uint64_t at, std::uint64_t column, int code) {
  set_split_pair(codes, at, column, code & 3);
  std::uint8_t& third = codes[at + kThirdBits + column / 8];
  third = static_cast<std::uint8_t>(third | code >> 2 << (column % 8));
}

constexpr GroupLayout kLayout{12, 7, code_at, set_code};

constexpr std::array kParts{
    Part{PartName::kCodes, [](Shape s, std::uint64_t group) { return kLayout.bytes(s, group); }},
    Part{PartName::kScales, group_halves},
    Part{PartName::kZeros, group_halves},
};

void quantize_block(std::span<const float> weights, std::uint64_t place, HostWeights& out) {
  kLayout.quantize(weights, place, out);
}

void quantize_int3(const HalfBits& f16, HostWeights& out) { quantize_blocks(f16, out.group, quantize_block, out); }

Element element_at(const HostWeights& w, std::uint64_t row, std::uint64_t column) {
  return kLayout.element(w, row, column);
}

}  // namespace

const FormatInfo kInt3Row{WeightFormat::kInt3, "int3",     "i3",         3, true, 0.41, 2.5, kParts,
                          quantize_int3,       element_at, "-DFORMAT_I3"};

}  // namespace qtrap::format
