#include "pool/look.hpp"

#include <gtest/gtest.h>

namespace qtrap::pool {
namespace {

using result::Verdict;

result::PointRecord point(Verdict verdict, std::optional<double> detectable = {}) {
  result::PointRecord one;
  one.scheme = "w8a8";
  one.verdict_time = verdict;
  one.time_ratio_detectable = detectable;
  return one;
}

TEST(Look, CountsWhatIsUndecidedAndWhatCouldHaveGoneUnseen) {
  std::vector<result::PointRecord> points{point(Verdict::kTrap, 1.3), point(Verdict::kNoEffect, 1.001),
                                          point(Verdict::kUndecided, 1.04), point(Verdict::kUndecided, 1.06),
                                          point(Verdict::kUndecided)};
  points.push_back(point(Verdict::kUndecided));
  points.back().status = result::PointStatus::kError;
  const LookCount count = count_undecided(points, 1.05);
  EXPECT_EQ(count.ratios, 5);
  EXPECT_EQ(count.undecided, 3);
  EXPECT_EQ(count.unseen, 2);
  EXPECT_EQ(count_undecided(points, 0.95).unseen, 2) << "1 / 0.95 is 1.053";
  EXPECT_EQ(count_undecided(points, 0.94).unseen, 1);
}

TEST(Look, EnergyCountsWhereASensorReadIt) {
  std::vector<result::PointRecord> points{point(Verdict::kTrap)};
  points[0].verdict_energy = Verdict::kNoMeter;
  EXPECT_EQ(count_undecided(points, 1.05).ratios, 1);
  points[0].verdict_energy = Verdict::kUndecided;
  EXPECT_EQ(count_undecided(points, 1.05).unseen, 1);
}

TEST(Look, StopsOnceAllIsDecidedOrSeenOrTheSessionsAreIn) {
  EXPECT_EQ(decide_look({5, 0, 0}, false), LookStop::kDecided);
  EXPECT_EQ(decide_look({5, 2, 0}, false), LookStop::kSeen);
  EXPECT_EQ(decide_look({5, 2, 1}, false), std::nullopt);
  EXPECT_EQ(decide_look({5, 2, 1}, true), LookStop::kSessions);
  EXPECT_EQ(to_string(LookStop::kSeen), "seen");
}

TEST(Look, SeesTheFirstSessionsOfEachCellAlone) {
  const profile::Cell a{"m", 1, 1, 1, 0};
  const profile::Cell b{"m", 8, 1, 1, 0};
  std::vector<result::TrialRecord> trials;
  const auto add = [&](const profile::Cell& cell, const char* session) {
    for (int block = 0; block < 2; ++block) {
      trials.emplace_back();
      trials.back().cell_id = cell.id();
      trials.back().session_id = session;
    }
  };
  add(a, "s0");
  add(a, "s1");
  add(b, "s1");  // s0 ran out of time before it
  add(b, "s2");
  add(b, "s3");
  const auto kept = keep_first_sessions(trials, std::vector<profile::Cell>{a, b}, 2);
  EXPECT_EQ(kept.size(), 8U);
  EXPECT_EQ(kept.back().session_id, "s2");
  EXPECT_EQ(keep_first_sessions(trials, std::vector<profile::Cell>{a}, 1).size(), 2U);
}

}  // namespace
}  // namespace qtrap::pool
