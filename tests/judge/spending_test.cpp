// Boundaries against published ones, and whole campaigns that are looked at after every session.
#include "judge/spending.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/philox.hpp"
#include "judge/judge.hpp"

namespace qtrap::judge {
namespace {

std::vector<double> spend(const std::vector<double>& fractions, double error) {
  std::vector<double> spent;
  spent.reserve(fractions.size());
  for (const double fraction : fractions) spent.push_back(spend_error(fraction, error));
  return spent;
}

// O'Brien-Fleming-type spending of two-sided 5 % over equal information, as tables and programs for group-sequential
// designs give it.
TEST(Spending, BoundariesAreThePublishedOnes) {
  const std::vector<double> five{0.2, 0.4, 0.6, 0.8, 1};
  const std::vector<double> published{4.877, 3.357, 2.680, 2.290, 2.031};
  const auto found = find_boundaries(five, spend(five, 0.05));
  ASSERT_EQ(found.size(), published.size());
  for (std::size_t k = 0; k < found.size(); ++k) EXPECT_NEAR(found[k], published[k], 6e-4) << k;
  const std::vector<double> two{0.5, 1};
  EXPECT_NEAR(find_boundaries(two, spend(two, 0.05))[0], 2.963, 6e-4);
  EXPECT_NEAR(find_boundaries(two, spend(two, 0.05))[1], 1.969, 6e-4);
}

TEST(Spending, OneLookIsTheFixedTest) {
  const std::vector<double> one{1};
  EXPECT_NEAR(find_boundaries(one, spend(one, 0.05))[0], 1.959964, 1e-6);
}

TEST(Spending, IsAllSpentAtTheEndAndGrows) {
  EXPECT_NEAR(spend_error(1, 0.05), 0.05, 1e-12);
  EXPECT_NEAR(spend_error(0.2, 0.05), 1.08e-6, 1e-8);  // 4 (1 - Phi(2.241403 / sqrt(0.2)))
  for (int k = 1; k < 10; ++k) EXPECT_LT(spend_error(0.1 * k, 0.05), spend_error(0.1 * k + 0.1, 0.05));
}

TEST(Spending, APlanLooksFromTheSecondSessionOnWhereItCouldDecide) {
  const auto looks = plan_looks({6, 12, 6, 0.05});
  ASSERT_FALSE(looks.empty());
  EXPECT_EQ(looks.back().sessions, 6);
  EXPECT_NEAR(looks.back().spent, 0.05 / 12 / 1.2, 1e-12);  // the rest is Student's
  for (std::size_t k = 1; k < looks.size(); ++k) {
    EXPECT_GT(looks[k].sessions, looks[k - 1].sessions);
    EXPECT_GT(looks[k].spent, looks[k - 1].spent);
    EXPECT_LT(looks[k].boundary, looks[k - 1].boundary);
    EXPECT_NEAR(looks[k].level, std::erfc(looks[k].boundary / std::sqrt(2.0)), 1e-12);
  }
  // Two of twenty sessions may spend 1e-12: no t of so few degrees of freedom gets there.
  EXPECT_GT(plan_looks({20, 1, 1, 0.05}).front().sessions, 2);
  EXPECT_EQ(plan_looks({2, 1, 1, 0.05}).size(), 1U);
  // Where one look is left, it spends all of it.
  const auto only = plan_looks({3, 2, 1, 0.05});
  ASSERT_EQ(only.size(), 1U);
  EXPECT_NEAR(only.front().spent, 0.025, 1e-12);
}

/// A campaign of `schemes` in `cells` with a truth of its own, looked at as planned until every ratio is decided.
class Campaign {
 public:
  Campaign(int schemes, int cells, int sessions, std::uint64_t seed)
      : schemes_(schemes),
        cells_(cells),
        looks_(plan_looks({sessions, static_cast<double>(schemes * cells), static_cast<double>(schemes), 0.05})),
        random_(seed) {}

  struct Outcome {
    std::int64_t sessions = 0;
    bool differs = false;    ///< some ratio differs from 1 by its verdict, at the stop
    bool differed = false;   ///< at any look
    bool no_effect = false;  ///< some ratio has none by its verdict, at the stop
  };
  /// `adjusted`: at the levels of the looks; else each look at 95 %, as if it were the only one.
  Outcome run(double truth, bool adjusted) {
    std::vector<Observation> all;
    Outcome outcome;
    std::int64_t sessions = 0;
    for (const Look& look : looks_) {
      while (sessions < look.sessions) add_session(sessions++, truth, all);
      Options options;
      if (adjusted) options.confidence = 1 - look.level;
      outcome = {sessions, false, outcome.differed, false};
      bool decided = true;
      for (const Judgement& one : judge(all, options)) {
        outcome.differs |= one.verdict == Verdict::kTrap || one.verdict == Verdict::kNoTrap;
        outcome.no_effect |= one.verdict == Verdict::kNoEffect;
        decided &= one.verdict != Verdict::kUndecided;
      }
      outcome.differed |= outcome.differs;
      if (decided) break;
    }
    return outcome;
  }

 private:
  double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += random_.uniform();
    return sum;
  }
  void add_session(std::int64_t session, double truth, std::vector<Observation>& all) {
    const std::string name = "s" + std::to_string(session);
    for (int cell = 1; cell <= cells_; ++cell) {
      CellKey key;
      key.device = "d";
      key.model = "m";
      key.batch = cell;
      for (int scheme = 0; scheme <= schemes_; ++scheme) {
        const double ratio = scheme == 0 ? 1 : truth;
        all.push_back(
            {key, scheme == 0 ? "f16" : "s" + std::to_string(scheme), name, 0, ratio * std::exp(0.03 * normal())});
      }
    }
  }
  int schemes_, cells_;
  std::vector<Look> looks_;
  PhiloxStream random_;
};

struct Rates {
  double differs = 0, differed = 0, no_effect = 0, sessions = 0;
};
Rates repeat(Campaign campaign, double truth, bool adjusted, int times) {
  Rates rates;
  for (int i = 0; i < times; ++i) {
    const auto one = campaign.run(truth, adjusted);
    rates.differs += one.differs ? 1.0 / times : 0;
    rates.differed += one.differed ? 1.0 / times : 0;
    rates.no_effect += one.no_effect ? 1.0 / times : 0;
    rates.sessions += static_cast<double>(one.sessions) / times;
  }
  return rates;
}

// Any ratio, at any look: with six ratios and up to six sessions. Without the plan, looking is paid for.
TEST(Spending, ANullCampaignFindsADifferenceInFiveOfAHundredAtMost) {
  const Rates planned = repeat({3, 2, 6, 5}, 1, true, 1500);
  EXPECT_LE(planned.differed, 0.05);
  EXPECT_GT(planned.differed, 0.005) << "nothing is ever found";
  EXPECT_GT(repeat({3, 2, 6, 5}, 1, false, 300).differed, 0.25);
}

TEST(Spending, OneRatioLookedAtFourTimesKeepsItsError) {
  const Rates planned = repeat({1, 1, 5, 6}, 1, true, 4000);
  EXPECT_LE(planned.differed, 0.05);
  EXPECT_GT(planned.differed, 0.02);
}

TEST(Spending, ALargeEffectIsFoundEarly) {
  const Rates found = repeat({3, 2, 8, 7}, 1.5, true, 50);
  EXPECT_NEAR(found.differs, 1, 1e-9);
  EXPECT_LT(found.sessions, 5);
}

// The margin's edge, 2 %: `no_effect` would be wrong there.
TEST(Spending, NoEffectKeepsTheErrorToo) { EXPECT_LE(repeat({3, 2, 6, 8}, 1.02, true, 600).no_effect, 0.05); }

}  // namespace
}  // namespace qtrap::judge
