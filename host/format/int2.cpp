// int2: w = s (q - z) with q in 0..3, an f16 scale s and an f16 (integer valued) zero point z per group. Codes are
// [row][step of 32 columns][8], byte j holds columns j, j + 8, j + 16, j + 24 from its lowest bits on; a row has whole
// groups.

#include "core/half.hpp"
#include "format/blocks.hpp"
#include "format/rows.hpp"

namespace qtrap::format {
namespace {

constexpr std::uint64_t kStep = 32;
constexpr std::uint64_t kStepBytes = 8;
constexpr int kTop = 3;

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
    set_split_pair(out.part(PartName::kCodes), at, i % kStep, group.codes[i]);
  }
}

void quantize_int2(const HalfBits& f16, HostWeights& out) { quantize_blocks(f16, out.group, quantize_block, out); }

Element element_at(const HostWeights& w, std::uint64_t row, std::uint64_t column) {
  const std::uint64_t place = row * w.groups() + column / w.group;
  const std::uint64_t at = (place * (w.group / kStep) + column % w.group / kStep) * kStepBytes;
  const int code = split_pair(w.part(PartName::kCodes), at, column % kStep);
  const auto scale = static_cast<double>(w.half(PartName::kScales, place));
  return {static_cast<double>(code), scale, -scale * static_cast<double>(w.half(PartName::kZeros, place))};
}

}  // namespace

const FormatInfo kInt2Row{WeightFormat::kInt2, "int2",     "i2",         2, true, 0.8, kParts,
                          quantize_int2,       element_at, "-DFORMAT_I2"};

}  // namespace qtrap::format
