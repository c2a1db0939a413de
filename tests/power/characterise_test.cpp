#include "power/sensor/characterise.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/emulated_protocol.hpp"

namespace qtrap::power {
namespace {

using test::BoardModel;
using test::EmulatedBench;
using test::NamedBoard;
using testing::HasSubstr;

// bench/emulated_boards runs 50 seeds.
constexpr std::uint64_t kSeeds = 4;

TEST(Characterise, FindsPeriodWithinTwoAndWindowWithinFifteenPercent) {
  for (const NamedBoard& board : test::list_emulated_boards()) {
    for (std::uint64_t seed = 101; seed <= 100 + kSeeds; ++seed) {
      EmulatedBench bench(board.model, seed);
      const auto found = characterise_sensor(bench.player(), MeterChannel::kPower, seed);
      ASSERT_TRUE(found.ok()) << board.name << ": " << found.error().message();
      const SensorTraits& sensor = found.value().sensor;
      EXPECT_NEAR(sensor.period / Seconds(board.model.period_s), 1, 0.02) << board.name;
      EXPECT_TRUE(sensor.characterised);
      EXPECT_EQ(found.value().confidence, Confidence::kHigh) << found.value().statement;
      if (board.model.window_s > 0) {
        EXPECT_EQ(sensor.shape, SensorShape::kBoxcar) << board.name;
        EXPECT_NEAR(sensor.window.value() / Seconds(board.model.window_s), 1, 0.15) << board.name;
      } else {
        EXPECT_EQ(sensor.shape, SensorShape::kExponential) << board.name;
        EXPECT_FALSE(sensor.window.has_value());
        EXPECT_NEAR(sensor.rise / Seconds(board.model.rise_s), 1, 0.15) << board.name;
      }
    }
  }
}

TEST(Characterise, FindsTheDelayAndTheLevels) {
  BoardModel model;
  model.delay_s = 0.021;
  EmulatedBench bench(model, 7);
  const auto found = characterise_sensor(bench.player(), MeterChannel::kPower, 7).value();
  EXPECT_NEAR(found.sensor.delay.value(), 0.021, 0.003);
  EXPECT_NEAR(found.idle.value(), 60, 1);
  EXPECT_NEAR(found.busy.value(), 300, 2);
  EXPECT_THAT(found.statement, HasSubstr("confidence high"));
}

TEST(Characterise, FindsThePeriodOfACounter) {
  BoardModel model;
  model.has_counter = true;
  model.counter_period_s = 0.06;
  EmulatedBench bench(model, 11);
  const auto found = characterise_sensor(bench.player(), MeterChannel::kCounter, 11);
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_NEAR(found.value().sensor.period.value(), 0.06, 0.0012);
  // The power between two updates is a mean over one period.
  EXPECT_NEAR(found.value().sensor.window.value().value(), 0.06, 0.009);
}

TEST(Characterise, RefusesAMeterThatDoesNotFollowTheLoad) {
  // Another board's meter: noise, but no load of ours.
  BoardModel model;
  EmulatedBench bench(model, 3, model.idle_w);
  const auto found = characterise_sensor(bench.player(), MeterChannel::kPower, 3);
  ASSERT_FALSE(found.ok());
  EXPECT_THAT(found.error().what, HasSubstr("does not follow the load"));
}

TEST(Characterise, RefusesAMeterThatHardlyMoves) {
  BoardModel model;
  model.noise = 0;
  EmulatedBench bench(model, 3, model.idle_w);
  const auto found = characterise_sensor(bench.player(), MeterChannel::kPower, 3);
  ASSERT_FALSE(found.ok());
  EXPECT_THAT(found.error().what, HasSubstr("hardly moves"));
}

TEST(Characterise, HandsOnTheFailureOfTheLoad) {
  const PlayLoad broken = [](std::span<const LoadStep>) -> Result<LoadRun> {
    return runtime_error("the device is lost", "gpu", "restart");
  };
  const auto found = characterise_sensor(broken, MeterChannel::kPower, 1);
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().what, "the device is lost");
}

TEST(Characterise, DistrustsANoisyBoard) {
  BoardModel model;
  model.window_s = 0.025;
  model.noise = 0.2;
  EmulatedBench bench(model, 5);
  const auto found = characterise_sensor(bench.player(), MeterChannel::kPower, 5);
  if (found.ok()) {
    EXPECT_NE(found.value().confidence, Confidence::kHigh) << found.value().statement;
  }
}

}  // namespace
}  // namespace qtrap::power
