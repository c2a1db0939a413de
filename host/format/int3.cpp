// int3: w = s (q - z) with q in 0..7, an f16 scale s and an f16 (integer valued) zero point z per group. Codes are
// [row][step of 32 columns][12]: 8 bytes with the low two bits as int2's, then bit i of byte b of 4 is the third bit of
// column 8 b + i; a row has whole groups.

#include "core/half.hpp"
#include "format/blocks.hpp"
#include "format/rows.hpp"

namespace qtrap::format {
namespace {

constexpr std::uint64_t kStep = 32;
constexpr std::uint64_t kStepBytes = 12;
constexpr int kTop = 7;

std::uint64_t group_bytes(Shape s, std::uint64_t group) { return 2 * s.rows * count_groups(s.columns, group); }

constexpr std::array kParts{
    Part{PartName::kCodes,
         [](Shape s, std::uint64_t group) {
           return s.rows * count_groups(s.columns, group) * (group / kStep) * kStepBytes;
         }},
    Part{PartName::kScales, group_bytes},
    Part{PartName::kZeros, group_bytes},
};

void quantize_block(std::span<const float> weights, std::uint64_t place, HostWeights& out) {
  const GroupCodes group = quantize_group(weights, kTop);
  out.set_half(PartName::kScales, place, group.scale_bits);
  out.set_half(PartName::kZeros, place, half_from_float(static_cast<float>(group.zero)));
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::uint64_t at = (place * (out.group / kStep) + i / kStep) * kStepBytes;
    std::vector<std::uint8_t>& codes = out.part(PartName::kCodes);
    set_split_pair(codes, at, i % kStep, group.codes[i] & 3);
    std::uint8_t& third = codes[at + 8 + i % kStep / 8];
    third = static_cast<std::uint8_t>(third | group.codes[i] >> 2 << (i % 8));
  }
}

void quantize_int3(const HalfBits& f16, HostWeights& out) { quantize_blocks(f16, out.group, quantize_block, out); }

Element element_at(const HostWeights& w, std::uint64_t row, std::uint64_t column) {
  const std::uint64_t place = row * w.groups() + column / w.group;
  const std::uint64_t at = (place * (w.group / kStep) + column % w.group / kStep) * kStepBytes;
  const std::vector<std::uint8_t>& codes = w.part(PartName::kCodes);
  const int third = codes[at + 8 + column % kStep / 8] >> (column % 8) & 1;
  const int code = split_pair(codes, at, column % kStep) | third << 2;
  const auto scale = static_cast<double>(w.half(PartName::kScales, place));
  return {static_cast<double>(code), scale, -scale * static_cast<double>(w.half(PartName::kZeros, place))};
}

}  // namespace

const FormatInfo kInt3Row{WeightFormat::kInt3, "int3",     "i3",         3, true, 0.41, kParts,
                          quantize_int3,       element_at, "-DFORMAT_I3"};

}  // namespace qtrap::format
