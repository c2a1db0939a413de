#include "power/sensor/nelder_mead.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace qtrap::power {
namespace {

TEST(NelderMead, FindsTheMinimumOfAQuadratic) {
  const auto bowl = [](const std::array<double, 3>& p) {
    return std::pow(p[0] - 1, 2) + 4 * std::pow(p[1] + 2, 2) + std::pow(p[2] - p[0], 2) + 7;
  };
  const auto found = minimise<3>(bowl, {5, 5, 5}, {1, 1, 1}, 1000);
  EXPECT_NEAR(found.at[0], 1, 1e-3);
  EXPECT_NEAR(found.at[1], -2, 1e-3);
  EXPECT_NEAR(found.at[2], 1, 1e-3);
  EXPECT_NEAR(found.value, 7, 1e-5);
}

TEST(NelderMead, FollowsABentValley) {
  // Rosenbrock in the first two parameters.
  const auto valley = [](const std::array<double, 3>& p) {
    return 100 * std::pow(p[1] - p[0] * p[0], 2) + std::pow(1 - p[0], 2) + p[2] * p[2];
  };
  const auto found = minimise<3>(valley, {-1.2, 1, 1}, {0.5, 0.5, 0.5}, 5000);
  EXPECT_NEAR(found.at[0], 1, 1e-2);
  EXPECT_NEAR(found.at[1], 1, 2e-2);
}

TEST(NelderMead, StopsWhenItsEvaluationsAreSpent) {
  int calls = 0;
  const auto counted = [&](const std::array<double, 3>& p) {
    ++calls;
    return p[0] + p[1] + p[2];  // no minimum
  };
  minimise<3>(counted, {0, 0, 0}, {1, 1, 1}, 50);
  EXPECT_LE(calls, 60);
}

}  // namespace
}  // namespace qtrap::power
