#include "scheme/reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/half.hpp"

namespace qtrap::scheme {
namespace {

constexpr ProjectionShape kShape{40, 300};

HalfBits weights_of_deviation(float sigma) {
  HalfBits bits;
  for (std::uint64_t i = 0; i < kShape.rows * kShape.columns; ++i) {
    bits.push_back(half_from_float(reference_random(i, sigma, 42, 7)));
  }
  return bits;
}

double value_at(const HalfBits& bits, std::uint64_t r, std::uint64_t k) {
  return static_cast<double>(float_from_half(bits[r * kShape.columns + k]));
}

TEST(ReferenceRandom, HasTheMomentsOfASumOfFourBytes) {
  // Mean 0 and variance sigma^2 by construction; excess kurtosis of n = 4 discrete uniforms on m = 256 points is
  // -6 (m^2 + 1) / (5 (m^2 - 1)) / n = -0.30001.
  constexpr std::uint64_t kCount = 1 << 18;
  double m1 = 0, m2 = 0, m4 = 0;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    const double v = static_cast<double>(reference_random(i, 0.5F, 1, 2)) / 0.5;
    m1 += v / kCount;
    m2 += v * v / kCount;
    m4 += v * v * v * v / kCount;
  }
  EXPECT_NEAR(m1, 0, 5 / std::sqrt(static_cast<double>(kCount)));
  EXPECT_NEAR(m2, 1, 5 * std::sqrt(1.7 / kCount));  // var(v^2) = kurtosis - 1 = 1.7
  EXPECT_NEAR(m4 - 3, -0.30001, 0.06);
}

TEST(ReferenceRandom, DependsOnSeedTensorAndIndex) {
  std::set<float> values;
  for (const std::uint64_t seed : {1ULL, 1ULL << 40}) {
    for (const std::uint64_t tensor : {0ULL, 1ULL << 40}) {
      double key = 0;
      for (std::uint64_t i = 0; i < 64; ++i)
        key = key * 1.7 + static_cast<double>(reference_random(i, 1, seed, tensor));
      values.insert(static_cast<float>(key));
    }
  }
  EXPECT_EQ(values.size(), 4U);
}

TEST(ReferenceQuantize, Int8RoundTripErrsByHalfAStep) {
  const HalfBits f16 = weights_of_deviation(0.02F);
  const HostWeights q = reference_quantize(f16, WeightFormat::kInt8, kShape, 128);
  for (std::uint64_t r = 0; r < kShape.rows; ++r) {
    for (std::uint64_t k = 0; k < kShape.columns; ++k) {
      // Half a step, and where the f16 scale was rounded down by up to 2^-11 the largest code is clamped: 127 2^-11
      // steps.
      EXPECT_LE(std::fabs(q.value(r, k) - value_at(f16, r, k)), (0.5 + 127.0 / 2048) * q.scale(r, k));
    }
  }
}

TEST(ReferenceQuantize, Int4RoundTripErrsByAboutHalfAStep) {
  const HalfBits f16 = weights_of_deviation(0.02F);
  for (const std::uint32_t group : {32U, 64U, 128U}) {
    const HostWeights q = reference_quantize(f16, WeightFormat::kInt4, kShape, group);
    double worst = 0;
    for (std::uint64_t r = 0; r < kShape.rows; ++r) {
      for (std::uint64_t k = 0; k < kShape.columns; ++k) {
        worst = std::max(worst, std::fabs(q.value(r, k) - value_at(f16, r, k)) / q.scale(r, k));
      }
    }
    // Half a step; at the ends of the range the rounding of the zero point adds up to another half.
    EXPECT_LE(worst, 1.01);
    EXPECT_GE(worst, 0.45);
  }
}

TEST(ReferenceQuantize, ErrorShrinksWithTheFormatAndTheGroup) {
  const HalfBits f16 = weights_of_deviation(0.02F);
  const auto relative_error = [&](WeightFormat format, std::uint32_t group) {
    const HostWeights q = reference_quantize(f16, format, kShape, group);
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

TEST(ReferenceQuantize, ZeroRowsHaveScaleOneAndZeroCodes) {
  const HalfBits zero(kShape.rows * kShape.columns, 0);
  for (const WeightFormat format : {WeightFormat::kInt8, WeightFormat::kInt4}) {
    const HostWeights q = reference_quantize(zero, format, kShape, 128);
    EXPECT_EQ(q.scale(3, 5), 1);
    EXPECT_EQ(q.value(3, 5), 0);
  }
}

TEST(ReferenceLayouts, PanelsAndNibblesAreOneToOne) {
  std::set<std::uint64_t> places;
  for (std::uint64_t t = 0; t < 32; ++t) {
    for (std::uint64_t k = 0; k < 7; ++k) places.insert(panel_position(t, k, 7));
  }
  EXPECT_EQ(places.size(), 32U * 7);
  EXPECT_EQ(*places.rbegin(), 32U * 7 - 1);
  for (const std::uint64_t per_lane : {4U, 8U}) {
    places.clear();
    for (std::uint64_t k = 0; k < 256; ++k) places.insert(nibble_position(k, 8, per_lane));
    EXPECT_EQ(places.size(), 256U);
    EXPECT_EQ(*places.rbegin(), 255U);
  }
  EXPECT_EQ(nibble_position(64 + 9, 8, 8), 64U + 1 * 8 + 1);  // second block: column 9 is nibble 1 of lane 1
}

}  // namespace
}  // namespace qtrap::scheme
