// Components and forecasts against campaigns drawn with known ones.
#include "judge/planning.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/philox.hpp"

namespace qtrap::judge {
namespace {

double draw_normal(PhiloxStream& random) {
  return std::sqrt(-2 * std::log(random.uniform())) * std::cos(2 * 3.14159265358979 * random.uniform());
}

/// Observations of six schemes and f16 in `cells` cells; a scheme's log ratio sways by `session` between sessions.
std::vector<Observation> draw(const CampaignSize& size, double session, double block, std::uint64_t seed, int cells) {
  PhiloxStream random(seed);
  std::vector<Observation> all;
  for (int c = 0; c < cells; ++c) {
    CellKey cell;
    cell.device = "d";
    cell.batch = c + 1;
    for (int s = 0; s < static_cast<int>(size.sessions); ++s) {
      for (int k = 0; k <= static_cast<int>(size.schemes); ++k) {
        const double sway = session / std::sqrt(2.0) * draw_normal(random);
        for (int b = 0; b < static_cast<int>(size.blocks); ++b) {
          const double noise = block / std::sqrt(2.0) * draw_normal(random);
          all.push_back({cell, k == 0 ? "f16" : "k" + std::to_string(k), std::to_string(s), b, std::exp(sway + noise)});
        }
      }
    }
  }
  return all;
}

TEST(Planning, FindsTheComponentsThatWereDrawn) {
  const auto found = estimate_components(pair_with_anchor(draw({5, 6, 6}, 0.04, 0.02, 3, 40))).value();
  EXPECT_NEAR(found.session, 0.04, 0.004);
  EXPECT_NEAR(found.block, 0.02, 0.002);
  EXPECT_EQ(found.ratios, 240U);
  EXPECT_EQ(found.sessions, 5U);
  EXPECT_EQ(found.blocks, 6);
  const auto none = estimate_components(pair_with_anchor(draw({5, 6, 6}, 0, 0.02, 4, 40))).value();
  EXPECT_LT(none.session, 0.004);
}

TEST(Planning, SaysNothingOfSessionsFromOne) {
  EXPECT_FALSE(estimate_components(pair_with_anchor(draw({1, 6, 6}, 0.04, 0.02, 3, 4))));
  EXPECT_FALSE(estimate_components(pair_with_anchor(draw({3, 1, 6}, 0.04, 0.02, 3, 4)))) << "one block has no spread";
  EXPECT_FALSE(estimate_components({}));
}

TEST(Planning, ForecastsTheHalfWidthsThatTheJudgeThenPrints) {
  for (const CampaignSize size : {CampaignSize{2, 5, 6}, {3, 5, 6}, {3, 3, 2}, {8, 4, 6}}) {
    const std::vector<Judgement> judged = judge(draw(size, 0.03, 0.02, 9, 20));
    double squares = 0;
    for (const Judgement& one : judged) squares += std::pow(one.interval->high - one.log_ratio, 2);
    const double printed = std::sqrt(squares / static_cast<double>(judged.size()));
    const double told = forecast({0.03, 0.02, 1, 1, 1}, size, 0.8).half_width;
    // With two sessions the judge's shared variance is itself uncertain, and intervals come out narrower.
    const double factor = size.sessions == 2 ? 1.5 : 1.25;
    EXPECT_LT(std::abs(std::log(told / printed)), std::log(factor))
        << told << " " << printed << " of " << size.sessions;
  }
}

TEST(Planning, FindsTheFewestSessionsThatSee) {
  const SpreadComponents spread{0.04, 0.01, 1, 1, 1};
  const CampaignSize size{3, 5, 6};
  const std::int64_t needed = find_sessions(spread, size, std::log(1.05), 0.8, 100).value();
  CampaignSize just = size;
  just.sessions = static_cast<double>(needed);
  EXPECT_LE(forecast(spread, just, 0.8).detectable, std::log(1.05));
  just.sessions -= 1;
  EXPECT_GT(forecast(spread, just, 0.8).detectable, std::log(1.05));
  EXPECT_EQ(find_sessions(spread, size, std::log(1 / 1.05), 0.8, 100), needed) << "an effect below 1 as well";
  EXPECT_FALSE(find_sessions(spread, size, std::log(1.0001), 0.8, 100));
}

}  // namespace
}  // namespace qtrap::judge
