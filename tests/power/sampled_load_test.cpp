#include "power/sampled_load.hpp"

#include <gtest/gtest.h>

#include <array>

#include "power/estimate_meter.hpp"

namespace qtrap::power {
namespace {

const std::array<LoadStep, 3> kSteps{{{Seconds(0.002), true}, {Seconds(0.002), false}, {Seconds(0.002), true}}};

TEST(SampledLoad, ReportsTheLoadAsItWasPlayedAndSamplesMeanwhile) {
  const MonotonicClock clock;
  const auto meter = make_estimate_meter(Watts(100), clock);
  Seconds asked(0);
  // Overruns: takes half as long again as it was asked to.
  const PlayLoad play = make_sampled_load(*meter, clock, [&](Seconds duration) -> Status {
    asked += duration;
    const Seconds end = clock.now() + duration * 1.5;
    while (clock.now() < end) {
    }
    return Done{};
  });
  const LoadRun run = play(kSteps).value();
  ASSERT_EQ(run.played.size(), 3U);
  EXPECT_NEAR(asked.value(), 0.004, 1e-12);
  EXPECT_GE(run.played[0].end - run.played[0].begin, Seconds(0.003));
  EXPECT_FALSE(run.played[1].busy);
  EXPECT_GE(run.played[1].end - run.played[1].begin, Seconds(0.0019));
  EXPECT_GE(run.played[2].begin, run.played[1].end);
  ASSERT_FALSE(run.samples.empty());
  EXPECT_EQ(run.samples.front().power.value, Watts(100));
}

TEST(SampledLoad, HandsOnTheFailureOfTheDevice) {
  const MonotonicClock clock;
  const auto meter = make_estimate_meter(Watts(100), clock);
  const PlayLoad play = make_sampled_load(
      *meter, clock, [](Seconds) -> Status { return runtime_error("the device is lost", "gpu", "restart"); });
  EXPECT_FALSE(play(kSteps).ok());
}

}  // namespace
}  // namespace qtrap::power
