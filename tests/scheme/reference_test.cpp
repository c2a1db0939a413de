#include "scheme/verify/reference.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace qtrap::scheme {
namespace {

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
