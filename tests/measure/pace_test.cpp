// Where a long stretch of launches waits, and that a stop is heard there.
#include "measure/pace.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "support/stepping_clock.hpp"

namespace qtrap::measure {
namespace {

TEST(Batch, TakesAQuarterOfASecondWithinLimits) {
  EXPECT_EQ(choose_batch(1000, Seconds(1)), 250U);
  EXPECT_EQ(choose_batch(10, Seconds(100)), 1U) << "a launch of ten seconds is waited for alone";
  EXPECT_EQ(choose_batch(1000000, Seconds(0.001)), kMostInBatch);
}

TEST(Pace, WaitsOnceABatchIsFull) {
  std::vector<std::uint64_t> left;
  const test::SteppingClock clock(kBatchTime);
  Timing timing;
  timing.clock = &clock;
  timing.batch = 90;
  Pace pace(timing, [&](std::uint64_t last) { left.push_back(last); });
  for (int layer = 0; layer < 30; ++layer) EXPECT_TRUE(pace(20));  // 600 launches
  EXPECT_EQ(left, (std::vector<std::uint64_t>{100, 100, 100, 100, 100, 100})) << "a batch ends with a layer";
}

TEST(Pace, DoublesABatchThatPassedInAFractionOfItsTime) {
  std::vector<std::uint64_t> left;
  const test::SteppingClock clock(kBatchTime / 10);
  Timing timing;
  timing.clock = &clock;
  Pace pace(timing, [&](std::uint64_t last) { left.push_back(last); });
  for (int launch = 0; launch < 15; ++launch) EXPECT_TRUE(pace(1));
  EXPECT_EQ(left, (std::vector<std::uint64_t>{1, 2, 4, 8}));
}

TEST(Pace, AsksForAStopInsideALongStretch) {
  bool stop = false;
  const std::function<bool()> stop_requested = [&] { return stop; };
  const test::SteppingClock clock(kBatchTime);
  Timing timing;
  timing.clock = &clock;
  timing.batch = 100;
  timing.stop_requested = &stop_requested;
  Pace pace(timing, [](std::uint64_t) {});
  EXPECT_TRUE(pace(100));
  stop = true;
  EXPECT_TRUE(pace(50));
  EXPECT_FALSE(pace(50)) << "at the end of the batch in which it was requested";
}

}  // namespace
}  // namespace qtrap::measure
