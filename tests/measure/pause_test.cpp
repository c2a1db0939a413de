// Pauses of a process from its heartbeats, on clocks of plain numbers.
#include "measure/pause.hpp"

#include <gtest/gtest.h>

namespace qtrap::measure {
namespace {

/// Beats every 50 ms from `from` to `to`; the machine has been suspended for `suspended` before.
void run(PauseLog& log, double from, double to, double suspended = 0) {
  for (int beat = 0; from + 0.05 * beat <= to; ++beat) {
    const double now = from + 0.05 * beat;
    log.beat(Seconds(now), Seconds(now + suspended));
  }
}

TEST(Pause, IsNotSeenInAProcessThatRuns) {
  PauseLog log;
  run(log, 100, 110);
  log.beat(Seconds(110.15), Seconds(110.15));  // a wake-up 100 ms late
  EXPECT_FALSE(log.stood_still_since(Seconds(0)));
}

TEST(Pause, OfAStoppedProcessIsSeenInTheWindowsThatHoldIt) {
  PauseLog log;
  run(log, 100, 101);
  run(log, 104, 106);  // SIGSTOP at 101, SIGCONT at 104
  EXPECT_TRUE(log.stood_still_since(Seconds(100.5)));
  EXPECT_TRUE(log.stood_still_since(Seconds(103))) << "a window cannot begin in a pause, but may seem to";
  EXPECT_FALSE(log.stood_still_since(Seconds(104.5))) << "a window after it is sound";
}

TEST(Pause, OfASuspendedMachineIsSeenThoughTheMonotonicClockStoodStill) {
  PauseLog log;
  run(log, 100, 101);
  run(log, 101, 102, 3600);
  EXPECT_TRUE(log.stood_still_since(Seconds(100.5)));
  EXPECT_FALSE(log.stood_still_since(Seconds(101.5)));
}

TEST(Pause, OfTheLastMomentIsSeenByTheBeatOfWhoAsks) {
  PauseLog log;
  run(log, 100, 101);
  EXPECT_FALSE(log.stood_still_since(Seconds(100)));
  log.beat(Seconds(105), Seconds(105));
  EXPECT_TRUE(log.stood_still_since(Seconds(100)));
}

}  // namespace
}  // namespace qtrap::measure
