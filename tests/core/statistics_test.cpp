#include "core/statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/error.hpp"
#include "core/philox.hpp"

namespace qtrap {
namespace {

TEST(Statistics, MedianIsTheMeanOfTheMiddleTwo) {
  EXPECT_EQ(compute_median(std::array{3.0, 1.0, 2.0}), 2.0);
  EXPECT_EQ(compute_median(std::array{4.0, 1.0, 3.0, 2.0}), 2.5);
}

TEST(Statistics, QuantileInterpolatesLinearly) {
  // Type 7 on {0, 10}: position p * 1.
  EXPECT_DOUBLE_EQ(compute_quantile(std::array{10.0, 0.0}, 0.25), 2.5);
}

TEST(Statistics, AMedianOfNothingIsADefectNotAZero) { EXPECT_THROW(compute_median({}), Failure); }

TEST(StudentT, MatchesTheClosedFormsOfOneAndTwoDegreesOfFreedom) {
  // One degree: t = tan(pi (p - 1/2)). Two degrees: t = (2p - 1) / sqrt(2 p (1 - p)).
  for (const double p : {0.6, 0.9, 0.975, 0.995}) {
    EXPECT_NEAR(student_t_quantile(p, 1), std::tan(M_PI * (p - 0.5)), 1e-8 * std::tan(M_PI * (p - 0.5)));
    EXPECT_NEAR(student_t_quantile(p, 2), (2 * p - 1) / std::sqrt(2 * p * (1 - p)), 1e-8);
    EXPECT_DOUBLE_EQ(student_t_quantile(1 - p, 2), -student_t_quantile(p, 2));
  }
}

TEST(StudentT, ApproachesTheNormalDistribution) { EXPECT_NEAR(student_t_quantile(0.975, 1e6), 1.959966, 1e-5); }

TEST(StudentT, PowerIsThatOfTheNonCentralDistribution) {
  // scipy.stats.nct, both tails.
  struct Case {
    double shift, degrees, power;
  };
  for (const Case& one :
       {Case{2, 2, 0.21830707484678252}, Case{5.6, 2, 0.7940441172193949}, Case{3, 4, 0.6192614594023306},
        Case{2.8, 30, 0.7732048539232571}, Case{0, 5, 0.05}, Case{0, 1, 0.05}}) {
    EXPECT_NEAR(compute_t_power(one.shift, one.degrees), one.power, 2e-6) << one.shift << " " << one.degrees;
  }
}

TEST(StudentT, DetectableShiftIsWhereThePowerIs) {
  for (const double degrees : {1.0, 2.0, 4.5, 40.0}) {
    EXPECT_NEAR(compute_t_power(compute_detectable_shift(0.8, degrees), degrees), 0.8, 1e-9);
  }
}

TEST(Trigamma, IsInverted) {
  EXPECT_NEAR(trigamma(0.5), M_PI * M_PI / 2, 1e-9);  // closed form
  for (const double x : {0.05, 0.5, 3.0, 200.0}) EXPECT_NEAR(invert_trigamma(trigamma(x)) / x, 1, 1e-9);
}

TEST(Digamma, MatchesItsClosedForm) { EXPECT_NEAR(digamma(0.5), -0.57721566490153286 - 2 * std::log(2.0), 1e-12); }

TEST(FalseDiscoveries, StepsUpFromTheLargestThatHolds) {
  // Limits of five at 5 %: 0.01, 0.02, 0.03, 0.04, 0.05. 0.035 exceeds its own limit of 0.03, but 0.039 holds.
  const auto found = control_false_discoveries(std::array{0.039, 0.5, 0.005, 0.035, 0.015}, 0.05);
  EXPECT_EQ(found, (std::vector{true, false, true, true, true}));
  EXPECT_EQ(control_false_discoveries(std::array{0.03, 0.2}, 0.05), (std::vector{false, false}));
  EXPECT_TRUE(control_false_discoveries({}, 0.05).empty());
}

TEST(TInterval, OneValueHasNoInterval) { EXPECT_FALSE(compute_t_interval(std::array{1.0}).has_value()); }

TEST(TInterval, CoversTheMeanOfThreeSessionsInNinetyFivePercent) {
  // 4,000 draws of three near-normal values (sum of twelve uniforms): the share covering 0 is 0.95 +- 4 standard
  // errors.
  PhiloxStream random(7);
  int covered = 0;
  constexpr int kDraws = 4000;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::array<double, 3> values{};
    for (double& value : values) {
      for (int i = 0; i < 12; ++i) value += random.uniform() - 0.5;
    }
    const auto interval = compute_t_interval(values).value();
    covered += interval.low <= 0 && 0 <= interval.high;
  }
  EXPECT_NEAR(static_cast<double>(covered) / kDraws, 0.95, 4 * std::sqrt(0.95 * 0.05 / kDraws));
}

TEST(Philox, GivesThePublishedKnownAnswers) {
  // Random123's kat_vectors for philox4x32-10.
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, BelowStaysBelowAndReachesEveryValue) {
  PhiloxStream random(1, 2);
  std::array<int, 5> counts{};
  for (int i = 0; i < 1000; ++i) ++counts.at(random.below(5));
  for (const int count : counts) EXPECT_GT(count, 100);
}

}  // namespace
}  // namespace qtrap
