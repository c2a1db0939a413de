#include "quality/loss.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace qtrap::quality {
namespace {

using ::testing::DoubleNear;
using ::testing::HasSubstr;

constexpr double kExact = 1e-6;

/// Logits whose probabilities are these.
std::vector<float> logits_of(std::initializer_list<double> probabilities, float shift = 0) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)) + shift);
  return logits;
}

// Anchor (1/2, 1/4, 1/4), scheme (1/4, 1/4, 1/2): KL = 1/2 ln 2 + 0 - 1/4 ln 2 = ln 2 / 4. Next token 2.
TEST(AddTokens, SumsWhatIsCountedByHand) {
  WindowLoss loss;
  const auto anchor = logits_of({0.5, 0.25, 0.25}, 7);  // a shift of all logits changes nothing
  const auto scheme = logits_of({0.25, 0.25, 0.5}, -3);
  const std::vector<std::uint32_t> next{2};
  ASSERT_TRUE(add_tokens(anchor, scheme, next, loss).ok());
  EXPECT_EQ(loss.tokens, 1U);
  EXPECT_THAT(loss.divergence, DoubleNear(std::log(2) / 4, kExact));
  EXPECT_THAT(loss.log_loss, DoubleNear(std::log(2), kExact));
  EXPECT_THAT(loss.anchor_log_loss, DoubleNear(std::log(4), kExact));
  EXPECT_EQ(loss.agreed, 0U);
}

TEST(AddTokens, OfEqualLogitsDivergeByNothing) {
  WindowLoss loss;
  auto rows = logits_of({0.5, 0.25, 0.25});
  const auto second = logits_of({0.1, 0.2, 0.7});
  rows.insert(rows.end(), second.begin(), second.end());
  const std::vector<std::uint32_t> next{0, 1};
  ASSERT_TRUE(add_tokens(rows, rows, next, loss).ok());
  EXPECT_EQ(loss.tokens, 2U);
  EXPECT_EQ(loss.divergence, 0);
  EXPECT_EQ(loss.agreed, 2U);
  EXPECT_THAT(loss.log_loss, DoubleNear(std::log(2) + std::log(5), kExact));
}

TEST(AddTokens, RefusesWhatIsNotFinite) {
  const auto sound = logits_of({0.5, 0.5});
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    WindowLoss loss;
    const std::vector<float> broken{0, bad};
    const std::vector<std::uint32_t> next{0};
    EXPECT_THAT(add_tokens(broken, sound, next, loss).error().message(), HasSubstr("not finite (of the anchor)"));
    EXPECT_THAT(add_tokens(sound, broken, next, loss).error().message(), HasSubstr("not finite (of the scheme)"));
    EXPECT_EQ(loss.tokens, 0U);
  }
}

WindowLoss window(double log_loss, double divergence, std::uint64_t agreed) {
  return {10, log_loss, 5, divergence, agreed};
}

// Means per token 0.1, 0.2, 0.3: mean 0.2, s 0.1, t(0.975, 2) = 4.302653: half width 0.2484138.
TEST(Summarise, TakesWindowsAsTheUnit) {
  const std::vector<WindowLoss> windows{window(10, 1, 10), window(20, 2, 9), window(30, 3, 8)};
  const Loss loss = summarise(windows);
  EXPECT_EQ(loss.windows, 3U);
  EXPECT_EQ(loss.tokens, 30U);
  EXPECT_THAT(loss.divergence, DoubleNear(0.2, kExact));
  EXPECT_THAT(loss.divergence_interval->high, DoubleNear(0.2 + 0.2484138, kExact));
  EXPECT_EQ(loss.divergence_interval->low, 0) << "a divergence is not below 0";
  EXPECT_THAT(loss.perplexity, DoubleNear(std::exp(2.0), kExact));
  EXPECT_THAT(loss.perplexity_interval->high, DoubleNear(std::exp(2 + 2.484138), 1e-4));
  EXPECT_THAT(loss.anchor_perplexity, DoubleNear(std::exp(0.5), kExact));
  EXPECT_THAT(loss.agreement, DoubleNear(0.9, kExact));
  EXPECT_EQ(loss.agreement_interval->high, 1) << "a share is not above 1";
}

TEST(Summarise, OfOneWindowHasNoInterval) {
  const std::vector<WindowLoss> windows{window(10, 1, 10)};
  const Loss loss = summarise(windows);
  EXPECT_EQ(loss.divergence_interval, std::nullopt);
  EXPECT_EQ(loss.perplexity_interval, std::nullopt);
}

}  // namespace
}  // namespace qtrap::quality
