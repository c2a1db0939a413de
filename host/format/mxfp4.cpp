// mxfp4 of OCP's microscaling formats (MX 1.0): blocks of 32 columns, w = 2^(x - 127) e2m1, a byte x per block. Nibbles
// as q4_0's, as in ggml, whose table holds twice the numbers and whose scale half; scales x [row][block]. 4.25 bits a
// weight.
#include <cmath>

#include "format/blocks.hpp"
#include "format/minifloat.hpp"
#include "format/rows.hpp"

namespace qtrap::format {
namespace {

constexpr std::uint64_t kBlock = 32;
constexpr int kBias = 127;
constexpr int kTopExponent = 2;  // of e2m1: its largest number is 1.5 x 2^2

constexpr std::array kParts{
    Part{PartName::kCodes, block_nibbles<kBlock>},
    Part{PartName::kScales, [](Shape s, std::uint64_t) { return s.rows * count_groups(s.columns, kBlock); }},
};

/// All e2m1 by their codes.
std::span<const float> numbers() {
  static const std::array<float, 16> kNumbers = [] {
    std::array<float, 16> values{};
    for (std::size_t i = 0; i < values.size(); ++i) values.at(i) = float_from_e2m1(static_cast<int>(i));
    return values;
  }();
  return kNumbers;
}

// MX 1.0, section 6.3: the largest magnitude's power of two becomes that of e2m1's largest; what lies above it is cut
// off. As ggml's: of two numbers as near the first, where MX 1.0 has the even one.
void quantize_block(std::span<const float> weights, std::uint64_t place, HostWeights& out) {
  const float most = largest_magnitude(weights);
  const int exponent = most > 0 ? std::ilogb(most) - kTopExponent : -kBias;
  out.part(PartName::kScales)[place] = static_cast<std::uint8_t>(exponent + kBias);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    set_split_nibble(out.part(PartName::kCodes), place, i, nearest(numbers(), std::ldexp(weights[i], -exponent)));
  }
}

void quantize_mxfp4(const HalfBits& f16, HostWeights& out) { quantize_blocks(f16, kBlock, quantize_block, out); }

Element element_at(const HostWeights& w, std::uint64_t row, std::uint64_t column) {
  const std::uint64_t place = row * count_groups(w.shape.columns, kBlock) + column / kBlock;
  const int code = split_nibble(w.part(PartName::kCodes), place, column % kBlock);
  return {static_cast<double>(float_from_e2m1(code)), std::ldexp(1.0, w.part(PartName::kScales)[place] - kBias)};
}

}  // namespace

const FormatInfo kMxfp4Row{WeightFormat::kMxfp4, "mxfp4",    "mxfp4",          4,   false, 0.23, 1.3, kParts,
                           quantize_mxfp4,       element_at, "-DFORMAT_MXFP4", true};

}  // namespace qtrap::format
