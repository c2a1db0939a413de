#include "measure/trial_log.hpp"

#include <gtest/gtest.h>

namespace qtrap::measure {
namespace {

class Log : public ::testing::Test {
 protected:
  MonotonicClock clock_;
  std::vector<std::vector<result::TrialRecord>> cells_;
  std::vector<result::SamplesRecord> samples_;
  SessionSink sink_{{},
                    [this](const auto& trials, const auto& samples) {
                      cells_.push_back(trials);
                      samples_ = samples;
                    },
                    {},
                    {}};
  TrialLog log_{clock_, sink_, nullptr};
};

TEST_F(Log, HandsOverEachCellOnceWithItsKeys) {
  log_.set_session("s7");
  log_.begin_window();
  (void)log_.keep(make_trial(2, result::TrialMode::kBare, 3, 4));
  log_.begin_window();
  (void)log_.keep(make_trial(2, result::TrialMode::kProfiled, 3, 5), result::SamplesRecord{});
  log_.hand_over("cell", result::StopReason::kPrecision);
  log_.hand_over("empty");
  ASSERT_EQ(cells_.size(), 1U);
  ASSERT_EQ(cells_[0].size(), 2U);
  for (const auto& trial : cells_[0]) {
    EXPECT_EQ(trial.session_id, "s7");
    EXPECT_EQ(trial.session_index, 2);
    EXPECT_EQ(trial.cell_id, "cell");
    EXPECT_EQ(trial.cell_trials, 2);
    EXPECT_EQ(trial.stop_reason, result::StopReason::kPrecision);
    EXPECT_EQ(trial.time_basis, result::TimeBasis::kHost);
  }
  ASSERT_EQ(samples_.size(), 1U);
  EXPECT_EQ(samples_[0].session_id, "s7");
  EXPECT_EQ(samples_[0].cell_id, "cell");
  EXPECT_EQ(samples_[0].block, 3);
  EXPECT_EQ(samples_[0].order, 5);
}

TEST_F(Log, ForgetsWhatIsDropped) {
  log_.begin_window();
  (void)log_.keep(make_trial(0, result::TrialMode::kBare, 0, 0));
  log_.drop();
  log_.hand_over("cell");
  EXPECT_TRUE(cells_.empty());
}

TEST(TrialCounts, AreThoseOfAllRepetitions) {
  scheme::Costs costs;
  costs.bytes = 10;
  costs.launches = 3;
  costs.macs = 7;
  result::TrialRecord trial;
  set_counts(costs, 4, 2, 5, 6, trial);
  EXPECT_EQ(trial.repetitions, 6);
  EXPECT_EQ(trial.bytes, 10 * 4 * 6);
  EXPECT_EQ(trial.launches, 3 * 4 * 6);
  EXPECT_EQ(trial.macs, 7 * 4 * 6);
  EXPECT_EQ(trial.syncs, 2 * 6);
  EXPECT_EQ(trial.tokens, 5 * 6);
}

}  // namespace
}  // namespace qtrap::measure
