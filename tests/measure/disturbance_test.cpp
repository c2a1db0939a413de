#include "measure/disturbance.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/clock.hpp"
#include "support/temporary_folder.hpp"

namespace qtrap::measure {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A clock that is set by hand.
class HandClock final : public Clock {
 public:
  Seconds now() const override { return Seconds(at_s); }
  double at_s = 100;
};

class FakeProc : public ::testing::Test {
 protected:
  void SetUp() override { set_busy(1000); }

  /// Busy time in ticks of 10 ms, spread over the fields that count. Idle time passes with the clock.
  void set_busy(int ticks, int on_third = 0) {
    const int idle = static_cast<int>(100 * clock_.at_s);
    const auto line = [&](const std::string& name, int busy) {
      return name + std::to_string(busy - 60) + " 10 20 " + std::to_string(idle) + " 5000 10 10 10 0 0\n";
    };
    folder_.write("proc/stat", line("cpu  ", ticks) + line("cpu0 ", ticks) + line("cpu1 ", 1000) +
                                   line("cpu3 ", 1000 + on_third) + "intr 1\n");
  }

  void pass(double seconds, int busy_ticks, int on_third = 0) {
    clock_.at_s += seconds;
    set_busy(busy_ticks, on_third);
  }

  LoadScope scope() const {
    LoadScope scope;
    scope.root = root_;
    return scope;
  }

  const test::TemporaryFolder folder_;
  const std::filesystem::path& root_ = folder_.path();
  HandClock clock_;
};

TEST_F(FakeProc, CountsStealAndInterruptsAsBusyAndIdleAndWaitingNot) {
  EXPECT_DOUBLE_EQ(read_load(clock_, scope())->busy_s, 10);
}

TEST_F(FakeProc, CountsOnlyTheProcessorsThatWeMayUse) {
  LoadScope mine = scope();
  mine.processors = {1, 3};
  EXPECT_DOUBLE_EQ(read_load(clock_, mine)->busy_s, 20);
  LoadMonitor monitor(clock_, mine);
  pass(1, 1100);  // processor 0 is busy, and none of ours
  EXPECT_THAT(monitor.judge(), IsEmpty());
  monitor.begin();
  pass(1, 1100, 100);
  EXPECT_THAT(monitor.judge(), ElementsAre(kForeignLoad));
}

TEST_F(FakeProc, OfAGpuRunOnlyTheProcessorsItRanOnCount) {
  LoadScope used = scope();
  used.used_only = true;
  const auto ran = [&](int ticks, int processor) {
    std::string fields;
    for (int i = 3; i <= 40; ++i)
      fields += " " + std::string(i == 3    ? "R"
                                  : i == 14 ? std::to_string(ticks)
                                  : i == 39 ? std::to_string(processor)
                                            : "0");
    folder_.write("proc/self/task/7/stat", "7 (a (b) c)" + fields + "\n");
  };
  ran(10, 3);
  LoadMonitor monitor(clock_, used);
  ran(11, 3);
  pass(1, 1100);  // processor 0 is busy; we ran on 3
  EXPECT_THAT(monitor.judge(), IsEmpty());
  monitor.begin();
  ran(12, 3);
  pass(1, 1200, 100);
  EXPECT_THAT(monitor.judge(), ElementsAre(kForeignLoad));
  monitor.begin();
  pass(1, 1300, 200);  // we did not run at all
  EXPECT_THAT(monitor.judge(), IsEmpty());
}

TEST_F(FakeProc, AMissingOrFrozenSourceOfLoadIsFlagged) {
  LoadMonitor monitor(clock_, scope());
  clock_.at_s += 0.1;
  EXPECT_THAT(monitor.judge(), IsEmpty()) << "too soon to tell";
  clock_.at_s += 1;
  EXPECT_THAT(monitor.judge(), ElementsAre(kLoadUnknown)) << "not even idle time moves";
  LoadScope nowhere;
  nowhere.root = root_ / "nowhere";
  EXPECT_FALSE(read_load(clock_, nowhere).has_value());
  LoadMonitor blind(clock_, nowhere);
  blind.begin();
  EXPECT_THAT(blind.judge(), ElementsAre(kLoadUnknown));
}

TEST_F(FakeProc, AQuotaThatStoppedUsIsFlagged) {
  LoadScope limited = scope();
  limited.quota_files = {root_ / "cpu.stat"};
  folder_.write("cpu.stat", "nr_periods 10\nnr_throttled 4\n");
  LoadMonitor monitor(clock_, limited);
  clock_.at_s += 0.02;
  EXPECT_THAT(monitor.judge(), IsEmpty());
  monitor.begin();
  folder_.write("cpu.stat", "nr_periods 11\nnr_throttled 5\n");
  clock_.at_s += 0.02;
  EXPECT_THAT(monitor.judge(), ElementsAre(kQuotaThrottled));
  monitor.begin();
  clock_.at_s += 0.02;
  EXPECT_THAT(monitor.judge(), IsEmpty());
}

TEST_F(FakeProc, FlagsAWindowBesideABusyProcessAndNotTheNextOne) {
  LoadMonitor monitor(clock_, scope());
  pass(1, 1000);
  monitor.begin();
  pass(1, 1100);  // one processor for a second; this process used next to nothing
  EXPECT_THAT(monitor.judge(), ElementsAre(kForeignLoad));
  monitor.begin();
  pass(1, 1100);
  EXPECT_THAT(monitor.judge(), IsEmpty());
}

TEST_F(FakeProc, JudgesAShortWindowOverHalfASecondBecauseTicksAreCoarse) {
  LoadMonitor monitor(clock_, scope());
  pass(10, 1000);
  monitor.begin();
  pass(0.48, 1000);
  monitor.begin();
  pass(0.02, 1002);  // two ticks in 20 ms would be a whole processor; in half a second they are 4 %
  EXPECT_THAT(monitor.judge(), IsEmpty());
}

TEST(Foreign, IsWhatIsBusyBesidesOurselves) {
  EXPECT_DOUBLE_EQ(compute_foreign_processors({Seconds(1), 10, 4}, {Seconds(3), 14, 5}), 1.5);
  EXPECT_DOUBLE_EQ(compute_foreign_processors({Seconds(1), 10, 4}, {Seconds(3), 11, 6}), 0) << "ticks lag our own time";
}

TEST(JudgeBoard, FlagsThrottlingAndOtherProcesses) {
  power::BoardState state;
  EXPECT_THAT(judge_board(state, 7), IsEmpty());
  state.process_ids = {7};
  EXPECT_THAT(judge_board(state, 7), IsEmpty());
  state.process_ids = {7, 8};
  EXPECT_THAT(judge_board(state, 7), ElementsAre(kForeignProcess));
  state.process_ids = {4001};  // a container's driver names us by another number
  EXPECT_THAT(judge_board(state, 7), IsEmpty());
  state.process_ids = {4001, 4002};
  state.throttle_reasons = {"hw_thermal"};
  EXPECT_THAT(judge_board(state, 7), ElementsAre(kThrottled, kForeignProcess));
}

}  // namespace
}  // namespace qtrap::measure
