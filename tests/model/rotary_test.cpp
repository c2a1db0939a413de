#include "model/rotary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/result.hpp"
#include "support/tiny_model.hpp"

namespace qtrap::model {
namespace {

constexpr double kRounding = 1e-6;

profile::ModelProfile shape() {
  profile::ModelProfile model = test::tiny_model({.head_dim = 4});
  model.rope_base = 10000;
  return model;
}

/// What pair `pair` is turned by at a position, out of (cos, sin).
double angle_at(const std::vector<float>& angles, std::size_t position, std::size_t pair) {
  const std::size_t at = 2 * (position * 2 + pair);
  return std::atan2(static_cast<double>(angles.at(at + 1)), static_cast<double>(angles.at(at)));
}

// Frequencies 1 and 10000^(-1/2) = 0.01.
TEST(Angles, AreThePositionTimesTheFrequency) {
  const auto angles = make_angles(shape(), 4);
  ASSERT_EQ(angles.size(), 4 * 2 * 2U);
  EXPECT_EQ(angles[0], 1.0F);
  EXPECT_EQ(angles[1], 0.0F);
  EXPECT_NEAR(angle_at(angles, 3, 0), 3, kRounding);
  EXPECT_NEAR(angle_at(angles, 3, 1), 0.03, kRounding);
}

TEST(Angles, AreDividedByTheDivisors) {
  const std::vector<float> divisors{2, 8};
  const auto angles = make_angles(shape(), 3, divisors);
  EXPECT_NEAR(angle_at(angles, 2, 0), 1, kRounding);
  EXPECT_NEAR(angle_at(angles, 2, 1), 0.0025, kRounding);
  EXPECT_THROW(make_angles(shape(), 3, std::vector<float>{1}), Failure);
}

// In 200 tokens the pairs turn 31.8 and 0.318 times. Below 0.2 turns slow, above 0.5 fast: 0.318 is 0.394 of the way.
TEST(Angles, AreStretchedWhereTheyTurnSlowly) {
  profile::ModelProfile model = shape();
  model.rope_scaling = {8, 0.2, 0.5, 200};
  const double kept = (200 * 0.01 / (2 * M_PI) - 0.2) / 0.3;
  EXPECT_NEAR(angle_at(make_angles(model, 2), 1, 0), 1, kRounding);
  EXPECT_NEAR(angle_at(make_angles(model, 2), 1, 1), (1 - kept) * 0.01 / 8 + kept * 0.01, kRounding);
  model.rope_scaling = {8, 1, 4, 200};
  EXPECT_NEAR(angle_at(make_angles(model, 2), 1, 1), 0.01 / 8, kRounding);
}

}  // namespace
}  // namespace qtrap::model
