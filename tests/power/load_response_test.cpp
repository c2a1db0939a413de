#include "power/sensor/load_response.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace qtrap::power {
namespace {

const std::array kStep{LoadInterval{Seconds(1), Seconds(3), true}};

TEST(LoadResponse, AveragesAnUnrisenStepOverItsWindow) {
  const LoadResponse response(kStep, Seconds(0));
  EXPECT_DOUBLE_EQ(response.mean(Seconds(0.9), Seconds(0.5)), 0);
  // [0.7, 1.2] holds 0.2 s of load.
  EXPECT_NEAR(response.mean(Seconds(1.2), Seconds(0.5)), 0.4, 1e-12);
  EXPECT_DOUBLE_EQ(response.mean(Seconds(2), Seconds(0.5)), 1);
  // [2.9, 3.4]
  EXPECT_NEAR(response.mean(Seconds(3.4), Seconds(0.5)), 0.2, 1e-12);
}

TEST(LoadResponse, RisesExponentially) {
  const LoadResponse response(kStep, Seconds(0.5));
  EXPECT_NEAR(response.mean(Seconds(2), Seconds(0)), 1 - std::exp(-2), 1e-12);
  // Falls from its level at 3 s, 1 - exp(-4).
  EXPECT_NEAR(response.mean(Seconds(3.5), Seconds(0)), (1 - std::exp(-4)) * std::exp(-1), 1e-12);
  // Mean over [1, 2]: 1 - 0.5 (1 - exp(-2)) / 1.
  EXPECT_NEAR(response.mean(Seconds(2), Seconds(1)), 1 - 0.5 * (1 - std::exp(-2)), 1e-12);
}

TEST(LoadResponse, KeepsTheEnergyOfALoadThatHasDecayed) {
  const LoadResponse response(kStep, Seconds(0.3));
  EXPECT_NEAR(response.mean(Seconds(20), Seconds(20)) * 20, 2, 1e-9);
}

}  // namespace
}  // namespace qtrap::power
