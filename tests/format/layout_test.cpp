// Where each format keeps its bits, byte by byte from the layouts in host/format, with weights that it holds exactly;
// its bytes per weight; last blocks cut off; and how well it holds weights that are near normal.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "core/half.hpp"
#include "format/format.hpp"
#include "format/minifloat.hpp"

namespace qtrap::format {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// A row of zeros but for these columns.
struct Entry {
  std::size_t column;
  float weight;
};
HalfBits row_of(std::size_t columns, const std::vector<Entry>& entries) {
  HalfBits row(columns, 0);
  for (const Entry& entry : entries) row.at(entry.column) = half_from_float(entry.weight);
  return row;
}

HostWeights quantize_row(WeightFormat format, std::size_t columns, const std::vector<Entry>& entries) {
  return quantize(row_of(columns, entries), format, {1, columns}, 32);
}

void expect_kept(const HostWeights& weights, const std::vector<Entry>& entries) {
  const HalfBits row = row_of(weights.shape.columns, entries);
  for (std::size_t k = 0; k < row.size(); ++k)
    EXPECT_EQ(weights.value(0, k), static_cast<double>(float_from_half(row[k]))) << "column " << k;
}

TEST(Q4_1, AWeightIsScaleTimesNibblePlusMinimum) {
  const std::vector<Entry> entries{{0, -3}, {16, 12}, {18, 1}, {32, 5}};  // the second block has one weight
  const HostWeights q = quantize_row(WeightFormat::kQ4_1, 33, entries);
  Bytes codes(16, 0x33);
  codes[0] = 0xF0;
  codes[2] = 0x43;
  codes.resize(32, 0);
  EXPECT_EQ(q.part(PartName::kCodes), codes);
  EXPECT_EQ(q.half(PartName::kScales, 0), 1.0F);
  EXPECT_EQ(q.half(PartName::kZeros, 0), -3.0F);
  EXPECT_EQ(q.half(PartName::kZeros, 1), 5.0F);
  expect_kept(q, entries);
}

TEST(Q4_K, SixBitScalesAndMinimaArePackedAsGgmlDoes) {
  // Steps 0, 1 and 5 span 15 times 63, 3 and 45 from -63, -7 and -50 on: d = e = 1.
  const std::vector<Entry> entries{{0, -63}, {31, 882}, {32, -7}, {63, 38}, {160, -50}, {176, 625}};
  HostWeights q = quantize_row(WeightFormat::kQ4_K, 256, entries);
  EXPECT_EQ(q.half(PartName::kScales, 0), 1.0F);
  EXPECT_EQ(q.half(PartName::kZeros, 0), 1.0F);
  // 3 and, above it, the high bits 2 of 45 = 2 16 + 13; 7 and the 3 of 50 = 3 16 + 2; then 13 and 2 side by side.
  EXPECT_EQ(q.part(PartName::kSubscales), (Bytes{63, 0x83, 0, 0, 63, 0xC7, 0, 0, 0, 0x2D, 0, 0}));
  EXPECT_EQ(q.part(PartName::kCodes)[80], 0xF0);  // step 5: columns 160 and 176
  for (const Entry& entry : entries) EXPECT_EQ(q.value(0, entry.column), static_cast<double>(entry.weight));
  q.part(PartName::kSubscales) = {0, 0, 0, 0x3F, 0, 0, 0, 0xBF, 0, 0, 0, 0xE7};
  q.part(PartName::kCodes).assign(128, 0x9A);
  EXPECT_EQ(q.value(0, 96), 63 * 10 - 63);
  EXPECT_EQ(q.value(0, 255), 7 * 9 - (2 * 16 + 14));
}

TEST(Q6_K, HighBitsOfFourColumnsShareAByte) {
  HostWeights q = make_host_weights(WeightFormat::kQ6_K, {1, 256}, 128);
  q.set_half(PartName::kScales, 0, half_from_float(0.5F));
  q.part(PartName::kSubscales)[1] = 0xFD;  // -3, columns 16 to 31
  q.part(PartName::kSubscales)[15] = 127;
  q.part(PartName::kCodes)[2] = 0xA0;  // column 18: 10 + 2 16
  q.part(PartName::kCodes)[18] = 0x20;
  q.part(PartName::kCodes)[24 * 7 + 15] = 0xF0;  // column 255: 15 + 3 16
  q.part(PartName::kCodes)[24 * 7 + 23] = 0xC0;
  EXPECT_EQ(q.value(0, 18), 0.5 * -3 * (42 - 32));
  EXPECT_EQ(q.value(0, 19), 0.5 * -3 * -32);
  EXPECT_EQ(q.value(0, 255), 0.5 * 127 * 31);
  EXPECT_EQ(q.value(0, 0), 0);
}

TEST(Q6_K, LargestOf16Becomes31OfTheirScale) {
  const HostWeights q = quantize_row(WeightFormat::kQ6_K, 256, {{0, 1}, {16, -0.5F}});
  EXPECT_EQ(q.half(PartName::kScales, 0), float_from_half(half_from_float(1.0F / (31 * 127))));
  EXPECT_EQ(q.part(PartName::kSubscales)[0], 127);
  EXPECT_EQ(q.part(PartName::kSubscales)[1], 64);
  EXPECT_EQ(q.part(PartName::kCodes)[0], 0x1F);   // 63 and 1, from 32 - 31
  EXPECT_EQ(q.part(PartName::kCodes)[16], 0x8B);  // 3, 2, 0 and 2
  EXPECT_EQ(q.part(PartName::kCodes)[17], 0xAA);  // zeros are 32
  EXPECT_NEAR(q.value(0, 0), 1, std::ldexp(1, -11));
  EXPECT_NEAR(q.value(0, 16), -0.5, 0.5 * (std::ldexp(1, -11) + 0.5 / 63.5));  // the scale of 16 is an integer
}

TEST(Nf4, TheLargestOf64BecomesOne) {
  const HostWeights q = quantize_row(WeightFormat::kNf4, 65, {{0, -2}, {16, 2}, {33, 1}, {64, 3}});
  Bytes codes(64, 0x77);
  codes[0] = 0xF0;
  codes[17] = 0x7C;  // 1 / 2 is nearer to 0.4407 than to 0.5626
  codes[32] = 0x0F;  // the second block has one weight, what fills it up is 0
  std::fill(codes.begin() + 33, codes.end(), 0);
  EXPECT_EQ(q.part(PartName::kCodes), codes);
  EXPECT_EQ(q.single(PartName::kScales, 0), 2.0F);
  EXPECT_EQ(q.single(PartName::kScales, 1), 3.0F);
  EXPECT_EQ(q.value(0, 33), 2 * static_cast<double>(0.44070982933044434F));
  EXPECT_EQ(q.value(0, 64), 3);
  EXPECT_EQ(q.value(0, 5), 0);
}

TEST(Mxfp4, ScalesArePowersOfTwo) {
  const std::vector<Entry> entries{{0, 6}, {16, -6}, {1, 0.5F}, {17, 1.5F}, {32, 16}};
  const HostWeights q = quantize_row(WeightFormat::kMxfp4, 33, entries);
  Bytes codes(32, 0);
  codes[0] = 0xF7;
  codes[1] = 0x31;
  codes[16] = 0x06;  // 16 is 4 times 4
  EXPECT_EQ(q.part(PartName::kCodes), codes);
  EXPECT_EQ(q.part(PartName::kScales), (Bytes{127, 129}));
  expect_kept(q, entries);
}

TEST(Mxfp4, TiesGoToTheFirstCodeAndWhatLiesAboveIsCutOff) {
  const HostWeights q = quantize_row(WeightFormat::kMxfp4, 32, {{0, 7.5F}, {1, 0.75F}, {2, -0.75F}, {3, 2.5F}, {4, 5}});
  EXPECT_EQ(q.value(0, 0), 6);
  EXPECT_EQ(q.value(0, 1), 0.5);
  EXPECT_EQ(q.value(0, 2), -0.5);
  EXPECT_EQ(q.value(0, 3), 2);
  EXPECT_EQ(q.value(0, 4), 4);
}

TEST(Nvfp4, SixteenColumnsShareAScaleAndTheMatrixAnother) {
  const std::vector<Entry> entries{{0, 2688}, {16, -6}, {17, 1.5F}, {32, 3}};  // 2688 = 6 448: t = 1
  const HostWeights q = quantize_row(WeightFormat::kNvfp4, 33, entries);
  Bytes codes(32, 0);
  codes[0] = 0xF7;
  codes[1] = 0x30;
  codes[16] = 0x07;
  EXPECT_EQ(q.part(PartName::kCodes), codes);
  EXPECT_EQ(q.single(PartName::kScales, 0), 1.0F);
  EXPECT_EQ(q.part(PartName::kSubscales), (Bytes{0x7E, 0x38, 0x30, 0}));  // 448, 1, 0.5
  expect_kept(q, entries);
}

TEST(Nvfp4, CodesAreThoseOfTheRoundedScale) {
  // t = 1; the second scale, 102 / 6 = 17, is rounded to 16: 42 / 16 = 2.625 is nearest 3, 42 / 17 = 2.47 would be 2.
  const HostWeights q = quantize_row(WeightFormat::kNvfp4, 32, {{0, 2688}, {16, 102}, {17, 42}});
  EXPECT_EQ(q.part(PartName::kSubscales), (Bytes{0x7E, 0x58}));
  EXPECT_EQ(q.value(0, 17), 48);
  EXPECT_EQ(q.value(0, 16), 96);
}

TEST(Fp8, RowsHaveAScaleEachAndWholeSteps) {
  const HostWeights q = quantize(HalfBits{half_from_float(448), half_from_float(-1), half_from_float(1.0625F),
                                          half_from_float(-0.5F), half_from_float(224), half_from_float(0.0625F)},
                                 WeightFormat::kFp8, {2, 3}, 32);
  Bytes codes(64, 0);
  std::copy_n(Bytes{0x7E, 0xB8, 0x38}.begin(), 3, codes.begin());  // 1.0625 lies between 1 and 1.125: to even
  std::copy_n(Bytes{0xB8, 0x7E, 0x20}.begin(), 3, codes.begin() + 32);
  EXPECT_EQ(q.part(PartName::kCodes), codes);
  EXPECT_EQ(q.single(PartName::kScales, 0), 1.0F);
  EXPECT_EQ(q.single(PartName::kScales, 1), 0.5F);
  EXPECT_EQ(q.value(1, 0), -0.5);
  EXPECT_EQ(q.value(1, 2), 0.0625);
}

/// Kernels multiply alone, and their results are compared bit for bit.
TEST(Fp8, ZerosKeepTheirSign) {
  const HostWeights q = quantize_row(WeightFormat::kFp8, 3, {{0, 448}, {1, -1e-4F}, {2, 1e-4F}});
  EXPECT_EQ(half_from_float(static_cast<float>(q.value(0, 1))), 0x8000);
  EXPECT_EQ(half_from_float(static_cast<float>(q.value(0, 2))), 0);
  EXPECT_EQ(e4m3_from(-0.0F), 0x80);
}

TEST(Int3, ThirdBitsLieBehindThePairs) {
  const std::vector<Entry> entries{{0, -3}, {9, 4}, {31, 1}, {32, 7}};
  const HostWeights q = quantize_row(WeightFormat::kInt3, 33, entries);
  Bytes codes(24, 0);
  std::fill_n(codes.begin(), 8, 0xFF);  // zeros are 3
  codes[0] = 0xFC;
  codes[7] = 0x3F;
  codes[9] = 0x02;   // column 9: 4 + 3
  codes[11] = 0x80;  // column 31: 4 + 0
  codes[12] = 0x03;  // the second group has one weight: 7
  codes[20] = 0x01;
  EXPECT_EQ(q.part(PartName::kCodes), codes);
  EXPECT_EQ(q.half(PartName::kZeros, 0), 3.0F);
  EXPECT_EQ(q.half(PartName::kScales, 1), 1.0F);
  expect_kept(q, entries);
}

TEST(Int2, FourColumnsShareAByte) {
  const std::vector<Entry> entries{{0, -1}, {9, 2}, {31, 1}, {32, 6}};
  const HostWeights q = quantize_row(WeightFormat::kInt2, 33, entries);
  Bytes codes(16, 0);
  std::fill_n(codes.begin(), 8, 0x55);  // zeros are 1
  codes[0] = 0x54;
  codes[1] = 0x5D;
  codes[7] = 0x95;
  codes[8] = 0x03;  // the second group has one weight: 3 times 2
  EXPECT_EQ(q.part(PartName::kCodes), codes);
  EXPECT_EQ(q.half(PartName::kZeros, 0), 1.0F);
  EXPECT_EQ(q.half(PartName::kScales, 1), 2.0F);
  expect_kept(q, entries);
}

/// `bits_per_weight` of whole blocks; `more`: bytes of a matrix of 4 rows that do not grow with its columns. `cut`:
/// bytes of 2 rows of 33 columns in groups of 64. `error`: what rounding makes of near normal weights in 300 columns.
struct Expected {
  WeightFormat format;
  double bits_per_weight;
  std::uint64_t more, cut;
  double error;
};

// Errors: a uniform one of step s has deviation s / sqrt(12). Of this generator, in its deviations, the root mean
// square of the largest of 16, 32, 64 and 128 is 2.06, 2.27, 2.45 and 2.61, of the range of 32 and 128 4.06 and 4.88,
// of the groups of 128, 128 and 44 in 300 together 4.79. Then s is
//   int8 2.76 / 127, int4 4.79 / 15, int3 4.79 / 7, int2 4.79 / 3, q8_0 2.27 / 127, q4_0 2.27 / 8, q6_k 2.06 / 31,
//   q4_1 and q4_k 4.06 / 15, where two of 32 err by nothing: times sqrt(30 / 32).
// e2m1 has steps of 0.5, 1 and 2 units below 2, 4 and 6: the square is the sum over these of share s^2 / 12. nvfp4: the
// unit is 2.06 / 6 = 0.343, shares 0.49, 0.33 and, without the largest of 16, 0.12: 0.0763 0.343^2. mxfp4: the largest
// of 32, 0.045, mostly lies in 2^-5 to 2^-4, the unit is 2^-7 = 0.39 deviations: 0.079 0.39^2. nf4: the sum of the same
// kind over its 15 intervals with a = 2.45. e4m3: eight steps to a power of two, uniform in the logarithm:
// (1/8)^2 / 12 over 1.5 / log(2), the mean square of 1 to 2.
constexpr std::array kExpected{
    Expected{WeightFormat::kF16, 16, 0, 132, 0},        Expected{WeightFormat::kInt8, 8, 8, 70, 0.0063},
    Expected{WeightFormat::kInt4, 4.25, 0, 42, 0.0922}, Expected{WeightFormat::kQ8_0, 8.5, 0, 136, 0.0052},
    Expected{WeightFormat::kQ4_0, 4.5, 0, 72, 0.0819},  Expected{WeightFormat::kQ4_1, 5, 0, 80, 0.0757},
    Expected{WeightFormat::kQ4_K, 4.5, 0, 288, 0.0757}, Expected{WeightFormat::kQ6_K, 6.5625, 0, 420, 0.0192},
    Expected{WeightFormat::kNf4, 4.5, 0, 72, 0.0926},   Expected{WeightFormat::kMxfp4, 4.25, 0, 68, 0.110},
    Expected{WeightFormat::kNvfp4, 4.5, 4, 76, 0.0947}, Expected{WeightFormat::kFp8, 8, 16, 136, 0.0245},
    Expected{WeightFormat::kInt3, 3.25, 0, 56, 0.198},  Expected{WeightFormat::kInt2, 2.25, 0, 40, 0.461},
};

TEST(Layouts, BytesPerWeight) {
  ASSERT_EQ(kExpected.size(), all_formats().size());
  for (const Expected& e : kExpected) {
    const auto whole = static_cast<std::uint64_t>(4 * 512 * e.bits_per_weight / 8);
    EXPECT_EQ(compute_weight_bytes(e.format, {4, 512}, 128), whole + e.more) << info(e.format).name;
    EXPECT_EQ(compute_weight_bytes(e.format, {2, 33}, 64), e.cut) << info(e.format).name;
  }
}

TEST(Layouts, ZerosStayZeros) {
  const Shape shape{3, 65};
  for (const FormatInfo& format : all_formats()) {
    for (const std::uint16_t zero : {std::uint16_t{0}, std::uint16_t{0x8000}}) {
      const HostWeights q = quantize(HalfBits(shape.rows * shape.columns, zero), format.format, shape, 32);
      for (std::uint64_t i = 0; i < shape.rows * shape.columns; ++i) {
        EXPECT_EQ(q.value(i / shape.columns, i % shape.columns), 0) << format.name;
        EXPECT_TRUE(std::isfinite(q.magnitude(i / shape.columns, i % shape.columns))) << format.name;
      }
    }
  }
}

/// Near normal, of deviation 0.02: sums of four bytes of a generator that the standard defines.
HalfBits make_weights(Shape shape) {
  std::mt19937 words(42);
  HalfBits bits;
  for (std::uint64_t i = 0; i < shape.rows * shape.columns; ++i) {
    const std::uint32_t word = words();
    int sum = -510;
    for (unsigned shift = 0; shift < 32; shift += 8) sum += static_cast<int>(word >> shift & 255U);
    bits.push_back(half_from_float(0.02F * static_cast<float>(sum) / 147.8F));
  }
  return bits;
}

/// Relative (L2), of the columns from `first` on.
double relative_error(WeightFormat format, Shape shape, std::uint64_t first) {
  const HalfBits f16 = make_weights(shape);
  const HostWeights q = quantize(f16, format, shape, 128);
  double error = 0, norm = 0;
  for (std::uint64_t r = 0; r < shape.rows; ++r) {
    for (std::uint64_t k = first; k < shape.columns; ++k) {
      const auto weight = static_cast<double>(float_from_half(f16[r * shape.columns + k]));
      error += std::pow(q.value(r, k) - weight, 2);
      norm += std::pow(weight, 2);
    }
  }
  return std::sqrt(error / norm);
}

/// Codes that are cut off instead of rounded would err twice as much, integers of a scale a fifth too large by a fifth
/// more.
TEST(Layouts, NearNormalWeightsErrAsTheStepsSay) {
  for (const Expected& e : kExpected)
    EXPECT_NEAR(relative_error(e.format, {40, 300}, 0), e.error, 0.1 * e.error) << info(e.format).name;
}

/// One to three weights in a block have no larger steps than a block full; from another row or place they would err by
/// sqrt(2).
TEST(Layouts, LastBlocksAreHeldAsWellAsWholeOnes) {
  for (const Expected& e : kExpected) {
    EXPECT_LE(relative_error(e.format, {200, 257}, 256), 1.3 * e.error) << info(e.format).name;
    EXPECT_LE(relative_error(e.format, {200, 35}, 32), 1.3 * e.error) << info(e.format).name;
  }
}

}  // namespace
}  // namespace qtrap::format
