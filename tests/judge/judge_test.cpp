#include "judge/judge.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/philox.hpp"

namespace qtrap::judge {
namespace {

CellKey cell(double hops = 1, double batch = 1) {
  CellKey key;
  key.device = "d";
  key.model = "m";
  key.hops = hops;
  key.batch = batch;
  return key;
}

Observation observe(const CellKey& key, const char* scheme, int session, int block, double value,
                    bool flagged = false) {
  return {key, scheme, "s" + std::to_string(session), block, value, flagged};
}

/// `ratio` of `scheme` in every block of the sessions, times what each session adds to it.
void add(std::vector<Observation>& all, const CellKey& key, const char* scheme, double ratio,
         const std::vector<double>& by_session) {
  for (int session = 0; session < static_cast<int>(by_session.size()); ++session) {
    for (int block = 0; block < 3; ++block) {
      const double anchor = 1 + session + block;  // cancels
      all.push_back(observe(key, "f16", session, block, anchor));
      all.push_back(
          observe(key, scheme, session, block, anchor * ratio * by_session[static_cast<std::size_t>(session)]));
    }
  }
}

TEST(Judge, TheValueIsTheCentreOfItsInterval) {
  std::vector<Observation> all;
  add(all, cell(), "w8a8", 1.0, {1.2, 1.3, 2.0});
  const Judgement one = judge(all).at(0);
  EXPECT_NEAR(std::exp(one.log_ratio), std::cbrt(1.2 * 1.3 * 2.0), 1e-12);
  EXPECT_NEAR(one.interval->low + one.interval->high, 2 * one.log_ratio, 1e-12);
  EXPECT_EQ(one.basis, Basis::kSessions);
}

TEST(Judge, PrefillIsNoCellOfDecodeAndLeavesItsIntervalAlone) {
  std::vector<Observation> decode;
  for (const double batch : {2.0, 8.0}) add(decode, cell(1, batch), "w8a8", 1.1, {0.97, 1, 1.02});
  std::vector<Observation> both = decode;
  for (const double batch : {2.0, 8.0}) {
    CellKey key = cell(1, batch);
    key.phase = result::Phase::kPrefill;
    add(both, key, "w8a8", 0.7, {0.4, 1, 2.3});  // a spread that decode's variance must not be shrunk to
    add(both, key, "w4a8", 0.7, {0.4, 1, 2.3});  // nor its degrees of freedom be shared with
  }
  const auto alone = judge(decode);
  const auto mixed = judge(both);
  ASSERT_EQ(alone.size(), 2U);
  ASSERT_EQ(mixed.size(), 6U);
  for (const Judgement& one : alone) {
    const auto twin = std::find_if(mixed.begin(), mixed.end(), [&](const auto& m) { return m.cell == one.cell; });
    ASSERT_NE(twin, mixed.end());
    EXPECT_EQ(twin->log_ratio, one.log_ratio);
    EXPECT_EQ(twin->interval->low, one.interval->low);
    EXPECT_EQ(twin->degrees_of_freedom, one.degrees_of_freedom);
  }
}

TEST(Judge, CellsThatDifferInHopsAloneAreTwo) {
  std::vector<Observation> all;
  add(all, cell(1), "w8a8", 0.80, {0.999, 1, 1.001});
  add(all, cell(8), "w8a8", 1.25, {0.999, 1, 1.001});
  const auto found = judge(all);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].verdict, Verdict::kNoTrap);
  EXPECT_EQ(found[1].verdict, Verdict::kTrap);
}

TEST(Judge, OnePointAloneHasStudentsInterval) {
  std::vector<Observation> all;
  add(all, cell(), "w8a8", 1.3, {0.95, 1, 1.06});
  const Judgement one = judge(all).at(0);
  const auto student = compute_t_interval(one.session_logs).value();
  EXPECT_NEAR(one.interval->low, student.low, 1e-12);
  EXPECT_NEAR(one.interval->high, student.high, 1e-12);
  EXPECT_EQ(one.degrees_of_freedom, 2);
}

TEST(Judge, OneSessionGivesAnIntervalOverBlocksAndNoVerdict) {
  std::vector<Observation> all;
  for (int block = 0; block < 5; ++block) {
    all.push_back(observe(cell(), "f16", 0, block, 1));
    all.push_back(observe(cell(), "w8a8", 0, block, 2 + 0.01 * block));
  }
  const Judgement one = judge(all).at(0);
  EXPECT_EQ(one.basis, Basis::kBlocks);
  EXPECT_TRUE(one.interval.has_value());
  EXPECT_EQ(one.verdict, Verdict::kUndecided);
  EXPECT_FALSE(one.p_value.has_value());
}

TEST(Judge, AFlagOfEitherSideTakesABlockOut) {
  std::vector<Observation> all;
  for (int session = 0; session < 2; ++session) {
    for (int block = 0; block < 4; ++block) {
      all.push_back(observe(cell(), "f16", session, block, block == 0 ? 9 : 1, block == 0));
      all.push_back(observe(cell(), "w8a8", session, block, block == 1 ? 9 : 2 + 0.01 * session, block == 1));
    }
  }
  const Judgement one = judge(all).at(0);
  EXPECT_NEAR(std::exp(one.log_ratio), std::sqrt(2 * 2.01), 1e-12);
  EXPECT_FALSE(one.flagged);
}

TEST(Judge, FlaggedValuesAloneGiveARatioAndNoVerdict) {
  std::vector<Observation> all;
  for (int session = 0; session < 3; ++session) {
    all.push_back(observe(cell(), "f16", session, 0, 1));
    all.push_back(observe(cell(), "w8a8", session, 0, 2 + 0.001 * session, true));
  }
  const Judgement one = judge(all).at(0);
  EXPECT_TRUE(one.flagged);
  EXPECT_TRUE(one.interval.has_value());
  EXPECT_EQ(one.verdict, Verdict::kUndecided);
  EXPECT_FALSE(one.p_value.has_value());
}

TEST(Judge, ASessionWithoutTheAnchorIsCounted) {
  std::vector<Observation> all;
  add(all, cell(), "w8a8", 1.3, {1, 1.01});
  all.push_back(observe(cell(), "w8a8", 7, 0, 99));
  const Judgement one = judge(all).at(0);
  EXPECT_EQ(one.session_logs.size(), 2U);
  EXPECT_EQ(one.unpaired, 1);
}

TEST(Judge, ACellWithoutAnAnchorIsNamed) {
  std::vector<Observation> all;
  add(all, cell(1), "w8a8", 1.3, {1, 1.01});
  for (const char* scheme : {"w4a8", "w8a8"}) all.push_back(observe(cell(2), scheme, 0, 0, 1));
  EXPECT_EQ(judge(all).size(), 1U);
  const auto without = find_anchorless(all);
  ASSERT_EQ(without.size(), 1U);
  EXPECT_EQ(without[0].cell.hops, 2);
  EXPECT_EQ(without[0].schemes, 2);
}

TEST(Judge, NoEffectWithinTheMarginWhateverTheSign) {
  std::vector<Observation> all;
  add(all, cell(1), "w8a8", 1.001, {0.9998, 1, 1.0002});  // significantly above 1, and of no interest
  add(all, cell(2), "w8a8", 1.001, {0.90, 1, 1.11});
  const auto found = judge(all);
  EXPECT_EQ(found[0].verdict, Verdict::kNoEffect);
  EXPECT_GT(found[0].interval->low, 0);
  EXPECT_EQ(found[1].verdict, Verdict::kUndecided);
  Options strict;
  strict.no_effect_margin = 0.0005;
  EXPECT_EQ(judge(all, strict)[0].verdict, Verdict::kTrap);
}

TEST(Judge, TheDetectableEffectIsFoundInFourOfFive) {
  // 4,000 campaigns of one point whose truth is what the first says could be seen.
  PhiloxStream random(11);
  const auto normal = [&] {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += random.uniform();
    return sum;
  };
  constexpr double kSpread = 0.04;
  const double truth = compute_detectable_shift(0.8, 2) * kSpread / std::sqrt(3);
  int found = 0;
  constexpr int kCampaigns = 4000;
  for (int i = 0; i < kCampaigns; ++i) {
    std::vector<Observation> all;
    add(all, cell(), "w8a8", std::exp(truth),
        {std::exp(kSpread * normal()), std::exp(kSpread * normal()), std::exp(kSpread * normal())});
    found += judge(all).at(0).verdict == Verdict::kTrap ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(found) / kCampaigns, 0.8, 4 * std::sqrt(0.8 * 0.2 / kCampaigns));
}

TEST(Judge, NoTwoSessionsShareAPointIsSilentNotWrong) {
  std::vector<Observation> all{observe(cell(), "f16", 0, 0, 1), observe(cell(), "w8a8", 0, 1, 2)};
  EXPECT_TRUE(judge(all).empty());
}

/// Schemes in four cells, three sessions. A session's effect on a scheme, and on f16, is the same in all cells, or each
/// cell has its own.
struct Study {
  double covered = 0, half_ratio = 0;
};
Study simulate(double heterogeneity, bool by_cell, int campaigns, int schemes = 6) {
  PhiloxStream random(23);
  const auto normal = [&] {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += random.uniform();
    return sum;
  };
  Study study;
  double own_half = 0;
  double half = 0;
  int points = 0;
  const double student = student_t_quantile(0.975, 2);
  for (int campaign = 0; campaign < campaigns; ++campaign) {
    std::vector<Observation> all;
    for (int s = 0; s <= schemes; ++s) {
      const std::string scheme = s == 0 ? "f16" : "s" + std::to_string(s);
      const double sd = 0.03 * std::exp(heterogeneity * normal());
      std::array<double, 3> effects{};
      for (int batch = 1; batch <= 4; ++batch) {
        for (int session = 0; session < 3; ++session) {
          double& effect = effects.at(static_cast<std::size_t>(session));
          if (batch == 1 || by_cell) effect = sd * normal();
          all.push_back(observe(cell(1, batch), scheme.c_str(), session, 0, std::exp(effect)));
        }
      }
    }
    for (const Judgement& one : judge(all)) {
      ++points;
      study.covered += one.interval->low <= 0 && one.interval->high >= 0 ? 1 : 0;
      half += one.interval->high - one.log_ratio;
      own_half += student * compute_standard_deviation(one.session_logs) / std::sqrt(3);
    }
  }
  study.covered /= points;
  study.half_ratio = half / own_half;
  return study;
}

TEST(Moderation, ThreeSessionsCoverWithTwoThirdsOfStudentsWidth) {
  for (const bool by_cell : {false, true}) {
    const Study alike = simulate(0, by_cell, 400);
    EXPECT_GE(alike.covered, 0.93) << by_cell;
    EXPECT_LE(alike.covered, 0.975) << by_cell;
    EXPECT_LE(alike.half_ratio, 0.65) << by_cell;
  }
}

TEST(Moderation, TwoSchemesKeepTheirCoverage) {
  for (const bool by_cell : {false, true}) {
    const Study two = simulate(0, by_cell, 1000, 2);
    EXPECT_GE(two.covered, 0.93) << by_cell;
    EXPECT_LE(two.covered, 0.975) << by_cell;
  }
}

TEST(Moderation, OneSchemeWhoseCellsErrAlikeIsNoWiderThanStudents) {
  // Equal variances say nothing of how they spread: taking their logs for independent widened these 1.33 times.
  EXPECT_NEAR(simulate(0, false, 100, 1).half_ratio, 1, 1e-9);
}

TEST(Judge, SessionsThatAgreeToTheLastDigitDecideNothing) {
  std::vector<Observation> all;
  add(all, cell(), "w8a8", 1.05, {1, 1});
  const Judgement one = judge(all).at(0);
  EXPECT_TRUE(one.interval.has_value());
  EXPECT_EQ(one.verdict, Verdict::kUndecided);
  EXPECT_FALSE(one.p_value.has_value());
}

TEST(Judge, ASessionWhoseAnchorIsFlaggedIsNotOneWithoutAnAnchor) {
  std::vector<Observation> all;
  add(all, cell(), "w8a8", 1.3, {1, 1.01});
  all.push_back(observe(cell(), "f16", 7, 0, 1, true));
  all.push_back(observe(cell(), "w8a8", 7, 0, 99));
  EXPECT_EQ(judge(all).at(0).session_logs.size(), 2U);
  EXPECT_EQ(judge(all).at(0).unpaired, 0);
}

TEST(Moderation, SpreadsThatDifferKeepTheirCoverage) {
  const Study unlike = simulate(0.5, true, 400);
  EXPECT_GE(unlike.covered, 0.93);
  EXPECT_LE(unlike.covered, 0.975);
}

TEST(Moderation, OneWildPointDoesNotWidenTheOthersByMuch) {
  std::vector<Observation> all;
  for (int batch = 1; batch <= 8; ++batch) add(all, cell(1, batch), "w8a8", 1.2, {0.99, 1, 1.01});
  const double before = judge(all)[0].standard_error;
  add(all, cell(2), "w8a8", 1.2, {0.5, 1, 2});
  const auto found = judge(all);
  EXPECT_LT(found[0].standard_error, 3 * before);
  const auto wild = std::find_if(found.begin(), found.end(), [](const Judgement& one) { return one.cell.hops == 2; });
  EXPECT_GT(wild->standard_error, 10 * before);
}

TEST(FormatRatio, TakesADigitMoreWhereRoundingHidesTheSide) {
  EXPECT_EQ(format_ratio(1.27, 1.004, 1.63), "1.27 [1.004, 1.63]");
  EXPECT_EQ(format_ratio(0.9, 0.8, 0.9996), "0.90 [0.80, 0.9996]");
  EXPECT_EQ(format_ratio(1.0, 1.0, 1.0), "1.00 [1.00, 1.00]");
  EXPECT_EQ(format_ratio(1.5, std::nullopt, std::nullopt), "1.50");
}

TEST(Judge, DrawsAnIntervalButNoVerdictFromThePublishedSpreadsOfOneSession) {
  const CellKey key{.device = "d", .model = "m", .params = 1};
  std::vector<Observation> all{{key, "f16", "0", 0, 1.0, false, PublishedSpread{0.03, 4}},
                               {key, "w8a8", "0", 0, 2.0, false, PublishedSpread{0.04, 9}}};
  const Judgement one = judge(all).at(0);
  EXPECT_EQ(one.basis, Basis::kImported);
  EXPECT_EQ(to_string(one.basis), "imported");
  EXPECT_DOUBLE_EQ(one.standard_error, 0.05);
  EXPECT_NEAR(one.degrees_of_freedom, 6.25e-6 / (8.1e-7 / 4 + 2.56e-6 / 9), 1e-9);
  EXPECT_GT(one.interval.value().low, 0);
  EXPECT_EQ(one.verdict, Verdict::kUndecided);
  EXPECT_FALSE(one.p_value);
  EXPECT_FALSE(find_detectable(one));
  // One of the two has none: nothing is known of the ratio's spread.
  all[0].spread.reset();
  EXPECT_FALSE(judge(all).at(0).interval);
  // Two sessions: what lies between them counts, not what either says of itself.
  all[0].spread = PublishedSpread{0.03, 4};
  all.push_back({key, "f16", "1", 0, 1.0, false, {}});
  all.push_back({key, "w8a8", "1", 0, 2.1, false, {}});
  EXPECT_EQ(judge(all).at(0).basis, Basis::kSessions);
}

}  // namespace
}  // namespace qtrap::judge
