#include "format/format.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "core/half.hpp"

namespace qtrap::format {
namespace {

constexpr Shape kShape{40, 300};  // groups of 128: 128, 128, 44

/// Near normal: sums of four bytes of a generator that the standard defines.
HalfBits make_weights(float sigma, std::uint64_t count = kShape.rows * kShape.columns) {
  std::mt19937 words(42);
  HalfBits bits;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint32_t word = words();
    int sum = -510;
    for (unsigned shift = 0; shift < 32; shift += 8) sum += static_cast<int>(word >> shift & 255U);
    bits.push_back(half_from_float(sigma * static_cast<float>(sum) / 147.8F));
  }
  return bits;
}

HalfBits halves(const std::vector<float>& values) {
  HalfBits bits;
  for (const float value : values) bits.push_back(half_from_float(value));
  return bits;
}

double value_at(const HalfBits& bits, std::uint64_t r, std::uint64_t k) {
  return static_cast<double>(float_from_half(bits[r * kShape.columns + k]));
}

/// Largest error of a weight in the format, in steps: int8's of its row, int4's of its group.
double worst_error(const HalfBits& f16, const HostWeights& q) {
  double worst = 0;
  for (std::uint64_t r = 0; r < kShape.rows; ++r) {
    for (std::uint64_t k = 0; k < kShape.columns; ++k) {
      const std::uint64_t scale = info(q.format).grouped ? r * q.groups() + k / q.group : r;
      const auto step = static_cast<double>(q.half(PartName::kScales, scale));
      worst = std::max(worst, std::fabs(q.value(r, k) - value_at(f16, r, k)) / step);
    }
  }
  return worst;
}

/// Relative error of the weights in a format (L2).
double relative_error(const HalfBits& f16, const HostWeights& q) {
  double error = 0;
  double sum = 0;
  for (std::uint64_t r = 0; r < kShape.rows; ++r) {
    for (std::uint64_t k = 0; k < kShape.columns; ++k) {
      error += std::pow(q.value(r, k) - value_at(f16, r, k), 2);
      sum += std::pow(value_at(f16, r, k), 2);
    }
  }
  return std::sqrt(error / sum);
}

/// What a layer makes of it was 1.3 to 1.5 times that, and the figures of the table are 1.3 times what was seen: one
/// beside these bounds was not measured as the others.
TEST(Quantize, GivesEqualRowsTheSameBytesOnEveryProcessor) {
  const Shape few{5, 300};
  const HalfBits f16 = make_weights(0.7F, few.rows * few.columns);
  constexpr std::uint64_t kTimes = 200;
  HalfBits many;
  for (std::uint64_t i = 0; i < kTimes; ++i) many.insert(many.end(), f16.begin(), f16.end());
  for (const FormatInfo& format : all_formats()) {
    const HostWeights want = quantize(f16, format.format, few, 128);
    const HostWeights got = quantize(many, format.format, {kTimes * few.rows, few.columns}, 128);
    for (const Part& part : format.parts) {
      const auto& expected = want.part(part.name);
      const auto& bytes = got.part(part.name);
      ASSERT_EQ(bytes.size() % expected.size(), 0);
      for (std::size_t at = 0; at < bytes.size(); at += expected.size())
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at)))
            << format.name << ", byte " << at;
    }
  }
}

TEST(FormatTable, SaysOfAStepTwiceWhatRoundingMakesOfItsWeights) {
  const HalfBits f16 = make_weights(0.02F);
  for (const FormatInfo& format : all_formats()) {
    const double error = relative_error(f16, quantize(f16, format.format, kShape, 128));
    EXPECT_GE(format.step_error, 1.3 * error) << format.name;
    EXPECT_LE(format.step_error, 3 * error) << format.name;
  }
}

TEST(FormatTable, HoldsEveryFormatOnceInTheOrderOfItsEnumerators) {
  std::set<std::string_view> names;
  std::set<std::string_view> codes;
  for (std::size_t i = 0; i < all_formats().size(); ++i) {
    const FormatInfo& format = all_formats()[i];
    EXPECT_EQ(format.format, static_cast<WeightFormat>(i));
    EXPECT_EQ(&info(format.format), &format);
    EXPECT_TRUE(names.insert(format.name).second);
    EXPECT_TRUE(codes.insert(format.code).second);
    ASSERT_FALSE(format.parts.empty());
    EXPECT_EQ(format.parts.front().name, PartName::kCodes);
  }
}

TEST(FormatTable, BytesAreThoseOfTheCodesScalesAndZeroPoints) {
  EXPECT_EQ(compute_weight_bytes(WeightFormat::kF16, {100, 300}, 128), 100U * 300 * 2);
  EXPECT_EQ(compute_weight_bytes(WeightFormat::kInt8, {100, 300}, 128), 100U * 300 + 100 * 2);
  EXPECT_EQ(compute_weight_bytes(WeightFormat::kInt4, {100, 300}, 128), 100U * 150 + 100 * 3 * 2 * 2);
  EXPECT_EQ(compute_weight_bytes(WeightFormat::kInt4, {1, 301}, 32), 151U + 10 * 4);  // odd: a half byte is padding
  EXPECT_EQ(compute_weight_bytes(WeightFormat::kQ8_0, {4, 256}, 128), 4U * 8 * 34);   // ggml's bytes of a block
  EXPECT_EQ(compute_weight_bytes(WeightFormat::kQ4_0, {4, 256}, 128), 4U * 8 * 18);
  EXPECT_EQ(compute_weight_bytes(WeightFormat::kQ4_0, {1, 33}, 128), 2U * 18);  // a row has whole blocks
}

TEST(FormatTable, EveryFormatFillsThePartsThatItCounts) {
  for (const FormatInfo& format : all_formats()) {
    for (const Shape shape : {Shape{3, 1}, Shape{2, 65}, kShape}) {
      const HostWeights q = quantize(make_weights(1.0F, shape.rows * shape.columns), format.format, shape, 32);
      std::uint64_t bytes = 0;
      for (const auto& part : q.parts) bytes += part.size();
      EXPECT_EQ(bytes, compute_weight_bytes(format.format, shape, 32)) << format.name;
      for (std::uint64_t r = 0; r < shape.rows; ++r) {
        for (std::uint64_t k = 0; k < shape.columns; ++k)
          EXPECT_GE(q.magnitude(r, k) * (1 + 1e-12), std::fabs(q.value(r, k))) << format.name;
      }
    }
  }
}

TEST(Int8, CodesAreTwosComplementWithAScalePerRow) {
  // The scale is the largest magnitude over 127, rounded to f16: 127 / 127 and 254 / 127.
  const HostWeights q = quantize(halves({127, -127, 1.4F, 0, -254, 100, 3, 1}), WeightFormat::kInt8, {2, 4}, 128);
  EXPECT_EQ(q.part(PartName::kCodes), (std::vector<std::uint8_t>{127, 129, 1, 0, 129, 50, 2, 0}));
  EXPECT_EQ(q.half(PartName::kScales, 0), 1.0F);
  EXPECT_EQ(q.half(PartName::kScales, 1), 2.0F);
  EXPECT_EQ(q.value(1, 0), -254);
  EXPECT_EQ(q.value(1, 3), 0);  // 0.5 to even
}

TEST(Int8, RoundTripErrsByHalfAStep) {
  const HalfBits f16 = make_weights(0.02F);
  // Half a step, and where the f16 scale was rounded down by up to 2^-11 the largest code is clamped: 127 2^-11 steps.
  EXPECT_LE(worst_error(f16, quantize(f16, WeightFormat::kInt8, kShape, 128)), 0.5 + 127.0 / 2048);
}

TEST(Int4, AByteHoldsTheEvenColumnInItsLowNibble) {
  // Groups of 4 in an odd width: the first spans -4..11 in steps of 1 with zero point 4, the second 0..15.
  const HostWeights q = quantize(halves({-4, 11, 0, 2, 15, 7, 1}), WeightFormat::kInt4, {1, 7}, 4);
  EXPECT_EQ(q.part(PartName::kCodes), (std::vector<std::uint8_t>{0xF0, 0x64, 0x7F, 0x01}));
  EXPECT_EQ(q.half(PartName::kScales, 0), 1.0F);
  EXPECT_EQ(q.half(PartName::kZeros, 0), 4.0F);
  EXPECT_EQ(q.half(PartName::kZeros, 1), 0.0F);
  EXPECT_EQ(q.value(0, 0), -4);
  EXPECT_EQ(q.value(0, 6), 1);
  EXPECT_EQ(q.magnitude(0, 1), 15 + 4);
}

TEST(Int4, RoundTripErrsByAboutHalfAStep) {
  const HalfBits f16 = make_weights(0.02F);
  for (const std::uint32_t group : {32U, 64U, 128U}) {
    const double worst = worst_error(f16, quantize(f16, WeightFormat::kInt4, kShape, group));
    // Half a step; at the ends of the range the rounding of the zero point adds up to another half.
    EXPECT_LE(worst, 1.01);
    EXPECT_GE(worst, 0.45);
  }
}

TEST(Q8_0, BlocksOf32HaveAScaleOfTheirOwn) {
  // Block 0: largest magnitude 127; block 1 (columns 32 and 33, the others padding): 254.
  std::vector<float> row(34, 0);
  row[0] = -127;
  row[1] = 2.5F;  // half away from zero
  row[32] = 254;
  row[33] = -3;
  const HostWeights q = quantize(halves(row), WeightFormat::kQ8_0, {1, 34}, 128);
  EXPECT_EQ(q.part(PartName::kCodes).size(), 64U);
  EXPECT_EQ(q.half(PartName::kScales, 0), 1.0F);
  EXPECT_EQ(q.half(PartName::kScales, 1), 2.0F);
  EXPECT_EQ(q.value(0, 0), -127);
  EXPECT_EQ(q.value(0, 1), 3);
  EXPECT_EQ(q.value(0, 32), 254);
  EXPECT_EQ(q.value(0, 33), -4);
  EXPECT_EQ(q.part(PartName::kCodes)[34], 0);
}

TEST(Q4_0, AByteHoldsColumnsJAndJPlus16) {
  // The largest magnitude, -8, becomes code 0 with scale 1.
  std::vector<float> row(32, 0);
  row[3] = -8;
  row[19] = 7;
  row[4] = 1;
  const HostWeights q = quantize(halves(row), WeightFormat::kQ4_0, {1, 32}, 128);
  EXPECT_EQ(q.half(PartName::kScales, 0), 1.0F);
  EXPECT_EQ(q.part(PartName::kCodes)[3], 0xF0);
  EXPECT_EQ(q.part(PartName::kCodes)[4], 0x89);
  EXPECT_EQ(q.value(0, 3), -8);
  EXPECT_EQ(q.value(0, 19), 7);
  EXPECT_EQ(q.value(0, 4), 1);
  EXPECT_EQ(q.value(0, 0), 0);
  EXPECT_EQ(q.magnitude(0, 19), 15 + 8);
}

TEST(Quantize, ErrorShrinksWithTheFormatAndTheGroup) {
  const HalfBits f16 = make_weights(0.02F);
  const auto relative_error = [&](WeightFormat format, std::uint32_t group) {
    const HostWeights q = quantize(f16, format, kShape, group);
    double error = 0, norm = 0;
    for (std::uint64_t r = 0; r < kShape.rows; ++r) {
      for (std::uint64_t k = 0; k < kShape.columns; ++k) {
        error += std::pow(q.value(r, k) - value_at(f16, r, k), 2);
        norm += std::pow(value_at(f16, r, k), 2);
      }
    }
    return std::sqrt(error / norm);
  };
  const double int8 = relative_error(WeightFormat::kInt8, 128);
  // A uniform error of a step s has deviation s / sqrt(12); the largest of 300 values is near 2.9 deviations of this
  // generator: s = 2.9 / 127 -> 0.0066.
  EXPECT_NEAR(int8, 0.0066, 0.001);
  // int4: the range of 128 values is near 5.2 deviations, s = 5.2 / 15 -> 0.100.
  const double int4 = relative_error(WeightFormat::kInt4, 128);
  EXPECT_NEAR(int4, 0.100, 0.01);
  EXPECT_LT(relative_error(WeightFormat::kInt4, 32), int4);
  EXPECT_EQ(relative_error(WeightFormat::kF16, 128), 0);
}

TEST(Quantize, ZeroRowsHaveScaleOneAndZeroValues) {
  const HalfBits zero(kShape.rows * kShape.columns, 0);
  for (const WeightFormat format : {WeightFormat::kInt8, WeightFormat::kInt4}) {
    const HostWeights q = quantize(zero, format, kShape, 128);
    EXPECT_EQ(q.half(PartName::kScales, 3), 1);
    EXPECT_EQ(q.value(3, 5), 0);
  }
}

}  // namespace
}  // namespace qtrap::format
