#include "format/blocks.hpp"

#include <algorithm>
#include <cmath>

#include "core/half.hpp"
#include "format/rounding.hpp"

namespace qtrap::format {
namespace {

constexpr std::uint64_t kGroupStep = 32;  // columns

}  // namespace

void quantize_blocks(const HalfBits& f16, std::uint64_t block,
                     void (*quantize)(std::span<const float> weights, std::uint64_t place, HostWeights& out),
                     HostWeights& out) {
  for_each_row(out.shape, [&, columns = out.shape.columns](std::uint64_t row) {
    std::vector<float> weights;
    std::uint64_t place = row * count_groups(columns, block);
    for (std::uint64_t begin = 0; begin < columns; begin += block, ++place) {
      weights.clear();
      for (std::uint64_t k = begin; k < std::min(begin + block, columns); ++k)
        weights.push_back(float_from_half(f16[row * columns + k]));
      quantize(weights, place, out);
    }
  });
}

std::uint64_t group_halves(Shape s, std::uint64_t group) { return 2 * s.rows * count_groups(s.columns, group); }

int split_nibble(const std::vector<std::uint8_t>& codes, std::uint64_t step, std::uint64_t column) {
  return codes[16 * step + column % 16] >> (column / 16 * 4) & 15;
}

void set_split_nibble(std::vector<std::uint8_t>& codes, std::uint64_t step, std::uint64_t column, int code) {
  std::uint8_t& byte = codes[16 * step + column % 16];
  byte = static_cast<std::uint8_t>(byte | code << (column / 16 * 4));
}

int split_pair(const std::vector<std::uint8_t>& codes, std::uint64_t at, std::uint64_t column) {
  return codes[at + column % 8] >> (column / 8 * 2) & 3;
}

void set_split_pair(std::vector<std::uint8_t>& codes, std::uint64_t at, std::uint64_t column, int code) {
  std::uint8_t& byte = codes[at + column % 8];
  byte = static_cast<std::uint8_t>(byte | code << (column / 8 * 2));
}

float largest_magnitude(std::span<const float> weights) {
  float most = 0;
  for (const float weight : weights) most = std::max(most, std::fabs(weight));
  return most;
}

GroupCodes quantize_group(std::span<const float> weights, int top) {
  float low = 0;
  float high = 0;
  for (const float weight : weights) {
    low = std::min(low, weight);
    high = std::max(high, weight);
  }
  GroupCodes group{scale_bits((high - low) / static_cast<float>(top)), 0, {}};
  const float inverse = 1.0F / float_from_half(group.scale_bits);
  group.zero = std::clamp(round_product(-low, inverse), 0, top);
  for (const float weight : weights)
    group.codes.push_back(std::clamp(round_product(weight, inverse) + group.zero, 0, top));
  return group;
}

std::uint64_t GroupLayout::bytes(Shape s, std::uint64_t group) const {
  return s.rows * count_groups(s.columns, group) * (group / kGroupStep) * step_bytes;
}

void GroupLayout::quantize(std::span<const float> weights, std::uint64_t place, HostWeights& out) const {
  const GroupCodes group = quantize_group(weights, top);
  out.set_half(PartName::kScales, place, group.scale_bits);
  out.set_half(PartName::kZeros, place, half_from_float(static_cast<float>(group.zero)));
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::uint64_t at = (place * (out.group / kGroupStep) + i / kGroupStep) * step_bytes;
    set_code(out.part(PartName::kCodes), at, i % kGroupStep, group.codes[i]);
  }
}

Element GroupLayout::element(const HostWeights& w, std::uint64_t row, std::uint64_t column) const {
  const std::uint64_t place = row * w.groups() + column / w.group;
  const std::uint64_t at = (place * (w.group / kGroupStep) + column % w.group / kGroupStep) * step_bytes;
  const auto scale = static_cast<double>(w.half(PartName::kScales, place));
  return {static_cast<double>(code(w.part(PartName::kCodes), at, column % kGroupStep)), scale,
          -scale * static_cast<double>(w.half(PartName::kZeros, place))};
}

}  // namespace qtrap::format
