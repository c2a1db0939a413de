#include "power/sensor/sampled_load.hpp"

#include <gtest/gtest.h>

#include <array>

#include "power/meters/estimate_meter.hpp"
#include "support/lockstep_time.hpp"

namespace qtrap::power {
namespace {

const std::array<LoadStep, 3> kSteps{{{Seconds(0.002), true}, {Seconds(0.002), false}, {Seconds(0.002), true}}};

TEST(SampledLoad, ReportsTheLoadAsItWasPlayedAndSamplesMeanwhile) {
  test::LockstepTime time;
  const auto meter = make_estimate_meter(Watts(100), time);
  Seconds asked(0);
  // Overruns: takes half as long again as it was asked to.
  const PlayLoad play = make_sampled_load(*meter, time, time.pacing(), [&](Seconds duration) -> Status {
    asked += duration;
    time.pacing().load()->wait_until(time.now() + duration * 1.5);
    return Done{};
  });
  const LoadRun run = play(kSteps).value();
  ASSERT_EQ(run.played.size(), 3U);
  EXPECT_NEAR(asked.value(), 0.004, 1e-12);
  // Each look at the clock costs 10 us there.
  EXPECT_NEAR((run.played[0].end - run.played[0].begin).value(), 0.003, 3e-5);
  EXPECT_FALSE(run.played[1].busy);
  EXPECT_NEAR((run.played[1].end - run.played[1].begin).value(), 0.002, 3e-5);
  EXPECT_GE(run.played[2].begin, run.played[1].end);
  EXPECT_EQ(run.samples.size(), 9U);  // one a millisecond over 8 ms
  EXPECT_EQ(run.samples.front().power.value, Watts(100));
}

TEST(SampledLoad, HandsOnTheFailureOfTheDevice) {
  test::LockstepTime time;
  const auto meter = make_estimate_meter(Watts(100), time);
  const PlayLoad play = make_sampled_load(*meter, time, time.pacing(), [](Seconds) -> Status {
    return runtime_error("the device is lost", "gpu", "restart");
  });
  EXPECT_FALSE(play(kSteps).ok());
}

}  // namespace
}  // namespace qtrap::power
