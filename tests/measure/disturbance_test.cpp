#include "measure/disturbance.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

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
  void SetUp() override {
    std::filesystem::create_directories(root_ / "proc");
    set_busy(1000);
  }

  /// Busy time in ticks of 10 ms, spread over the fields that count.
  void set_busy(int ticks) {
    std::ofstream(root_ / "proc/stat") << "cpu  " << ticks - 60 << " 10 20 999999 5000 10 10 10 0 0\ncpu0 1 2 3\n";
  }

  const test::TemporaryFolder folder_;
  const std::filesystem::path& root_ = folder_.path();
  HandClock clock_;
};

TEST_F(FakeProc, CountsStealAndInterruptsAsBusyAndIdleAndWaitingNot) {
  EXPECT_DOUBLE_EQ(read_load(clock_, root_)->busy_s, 10);
}

TEST_F(FakeProc, IsAbsentWithoutProcStat) {
  EXPECT_FALSE(read_load(clock_, root_ / "nowhere").has_value());
  LoadMonitor monitor(clock_, root_ / "nowhere");
  monitor.begin();
  clock_.at_s += 5;
  EXPECT_FALSE(monitor.saw_foreign_load());
}

TEST_F(FakeProc, FlagsAWindowBesideABusyProcessAndNotTheNextOne) {
  LoadMonitor monitor(clock_, root_);
  clock_.at_s += 1;
  monitor.begin();
  clock_.at_s += 1;
  set_busy(1100);  // one processor for a second; this process used next to nothing
  EXPECT_TRUE(monitor.saw_foreign_load());
  monitor.begin();
  clock_.at_s += 1;
  EXPECT_FALSE(monitor.saw_foreign_load());
}

TEST_F(FakeProc, JudgesAShortWindowOverHalfASecondBecauseTicksAreCoarse) {
  LoadMonitor monitor(clock_, root_);
  clock_.at_s += 10;
  monitor.begin();
  clock_.at_s += 0.48;
  monitor.begin();
  clock_.at_s += 0.02;
  set_busy(1002);  // two ticks in 20 ms would be a whole processor; in half a second they are 4 %
  EXPECT_FALSE(monitor.saw_foreign_load());
}

TEST(Foreign, IsWhatIsBusyBesidesOurselves) {
  EXPECT_DOUBLE_EQ(compute_foreign_processors({Seconds(1), 10, 4}, {Seconds(3), 14, 5}), 1.5);
  EXPECT_DOUBLE_EQ(compute_foreign_processors({Seconds(1), 10, 4}, {Seconds(3), 11, 6}), 0) << "ticks lag our own time";
}

TEST(Foreign, ABusyProcessBesideUsIsSeen) {
  const MonotonicClock clock;
  LoadMonitor monitor(clock);
  if (!read_load(clock)) GTEST_SKIP() << "no /proc/stat";
  const pid_t child = fork();
  if (child == 0) {
    std::atomic<std::uint64_t> count = 0;
    while (true) ++count;
  }
  monitor.begin();
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const bool seen = monitor.saw_foreign_load();
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(seen);
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
