#include "measure/stop_rule.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace qtrap::measure {
namespace {

using Ratios = std::vector<std::vector<double>>;

constexpr StopLimits kLimits{0.01, 3, 6, 60};

TEST(StopRule, GoesOnUntilTheMinimumEvenWhenPrecise) {
  EXPECT_FALSE(StopRule(kLimits).decide(2, Ratios{{2.0, 2.0}}, 1).has_value());
}

TEST(StopRule, StopsOnPrecisionWhenEverySchemeIsPrecise) {
  EXPECT_EQ(StopRule(kLimits).decide(3, Ratios{{2.0, 2.0, 2.0}, {0.5, 0.5, 0.5}}, 1), StopReason::kPrecision);
}

TEST(StopRule, OneImpreciseSchemeKeepsTheCellGoing) {
  EXPECT_FALSE(StopRule(kLimits).decide(3, Ratios{{2.0, 2.0, 2.0}, {0.5, 0.6, 0.4}}, 1).has_value());
}

TEST(StopRule, StopsAtTheTrialLimit) {
  EXPECT_EQ(StopRule(kLimits).decide(6, Ratios{{1, 2, 3, 4, 5, 6}}, 1), StopReason::kTrials);
}

TEST(StopRule, StopsWhenTheBudgetIsSpentEvenBeforeTheMinimum) {
  EXPECT_EQ(StopRule(kLimits).decide(1, Ratios{{2.0}}, 61), StopReason::kBudget);
}

TEST(StopRule, TheAnchorAloneNeverClaimsPrecision) {
  EXPECT_EQ(StopRule(kLimits).decide(6, Ratios{}, 1), StopReason::kTrials);
}

TEST(RelativeHalfWidth, MatchesTheClosedFormForTwoValues) {
  // Mean 2, standard deviation sqrt(2)/10 * ... for {1.9, 2.1}: s = 0.2/sqrt(2); t(0.975, 1) = tan(0.475 pi); half = t
  // s / sqrt(2).
  const double expected = std::tan(0.475 * M_PI) * 0.1 / 2;
  EXPECT_NEAR(relative_half_width(std::vector<double>{1.9, 2.1}).value(), expected, 1e-9);
  EXPECT_FALSE(relative_half_width(std::vector<double>{1.9}).has_value());
}

}  // namespace
}  // namespace qtrap::measure
