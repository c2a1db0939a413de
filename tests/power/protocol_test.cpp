#include "power/sensor/protocol.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/emulated_protocol.hpp"

namespace qtrap::power {
namespace {

using test::BoardModel;
using test::EmulatedBench;
using test::NamedBoard;
using test::Repetition;
using test::SeedOutcome;

SensorTraits make_sensor(double period_s, double window_s) {
  SensorTraits sensor;
  sensor.period = Seconds(period_s);
  sensor.window = Seconds(window_s);
  sensor.rise = Seconds(0.01);
  return sensor;
}

double mean_square(const std::vector<double>& errors) {
  double sum = 0;
  for (const double error : errors) sum += error * error;
  return sum / static_cast<double>(errors.size());
}

TEST(TrialPlan, LastsAtLeastFiveSecondsAndThirtyTwoRepetitions) {
  EXPECT_EQ(plan_trial(make_sensor(0.1, 0.1), Seconds(0.05)).repetitions, 100);
  EXPECT_EQ(plan_trial(make_sensor(0.1, 0.1), Seconds(2)).repetitions, 32);
}

TEST(TrialPlan, DiscardsTheLeadUntilTheSensorHasSettled) {
  const SensorTraits sensor = make_sensor(0.1, 1.0);
  const TrialPlan plan = plan_trial(sensor, Seconds(0.5));
  EXPECT_GE(0.5 * plan.lead, sensor.settling().value());
  EXPECT_GE(0.5 * plan.tail, 1.0);
  EXPECT_EQ(plan.groups, 1);
  EXPECT_EQ(plan.total_gap(), Seconds(0));
}

TEST(TrialPlan, ShiftsTheWorkAgainstABlindSensor) {
  const TrialPlan plan = plan_trial(make_sensor(0.1, 0.025), Seconds(0.1));
  EXPECT_EQ(plan.groups, 8);
  EXPECT_EQ(plan.repetitions % 8, 0);
  EXPECT_GT(plan.gap, Seconds(0));
  EXPECT_LE(plan.gap, Seconds(0.1));
}

TEST(TrialPlan, ChoosesAGapThatARepetitionSlidingByItselfDoesNotUndo) {
  // 98.8 ms against 100 ms slides 1.2 ms per reading: with a gap of one eighth of the period 62 % stayed
  // unseen.
  BoardModel model;
  model.window_s = 0.025;
  EmulatedBench bench(model, 5);
  SensorTraits sensor = make_sensor(0.1, 0.025);
  sensor.delay = Seconds(model.delay_s);
  sensor.rise = Seconds(model.rise_s);
  const Repetition load{{{0.0494, 350}, {0.0494, 120}}};
  const auto outcome = test::play_trial(bench, {sensor, sensor}, load, Watts(60));
  ASSERT_EQ(outcome.estimate.status, EnergyStatus::kOk) << outcome.estimate.detail;
  EXPECT_NEAR(outcome.estimate.energy->value() / load.energy_j(), 1, 0.01);
}

TEST(TrialGap, IsUniformOverOnePeriod) {
  PhiloxStream random(1);
  double sum = 0;
  for (int i = 0; i < 1000; ++i) {
    const double gap_s = draw_trial_gap(make_sensor(0.1, 0.1), random).value();
    EXPECT_GE(gap_s, 0);
    EXPECT_LT(gap_s, 0.1);
    sum += gap_s;
  }
  // Mean 0.05, standard error 0.1 / sqrt(12 x 1000) = 0.0009.
  EXPECT_NEAR(sum / 1000, 0.05, 0.004);
}

TEST(Folding, GivesAPhaseMetOftenNoMoreWeight) {
  // 300 W in the first half, 100 W in the second; nine readings of ten see the first half.
  SensorTraits sensor = make_sensor(0.1, 0.025);
  sensor.rise = Seconds(0);
  MeterInfo info;
  info.has_power = true;
  std::vector<LoadInterval> repetitions;
  repetitions.reserve(100);
  for (int i = 0; i < 100; ++i) repetitions.push_back({Seconds(i), Seconds(i + 1), true});
  std::vector<Sample> samples;
  for (int i = 1; i < 99; ++i) {
    const double phase = i % 10 == 0 ? 0.5 + 0.005 * i : 0.005 * (i % 100);
    if (phase >= 1) continue;
    const double at_s = i + phase + sensor.lag().value();
    samples.push_back({{}, make_reading<Watts>(Seconds(at_s), (phase < 0.5 ? 300 : 100) + 1e-6 * i)});
  }
  const EnergyEstimate estimate = fold_repetitions(samples, repetitions, info, sensor);
  ASSERT_EQ(estimate.status, EnergyStatus::kOk) << estimate.detail;
  // Plain mean of the readings: 280 J. Each of the two steps of 200 W is met by a trapezoid up to 0.05 wide:
  // 5 J.
  EXPECT_NEAR(estimate.energy->value(), 200, 10);
}

TEST(Folding, RefusesARepetitionOfWhichAQuarterWasNeverSeen) {
  SensorTraits sensor = make_sensor(0.1, 0.025);
  sensor.rise = Seconds(0);
  std::vector<LoadInterval> repetitions;
  std::vector<Sample> samples;
  for (int i = 0; i < 40; ++i) {
    repetitions.push_back({Seconds(i), Seconds(i + 1), true});
    samples.push_back({{}, make_reading<Watts>(Seconds(i + 0.3 + 0.01 * (i % 10)), 200 + 0.01 * i)});
  }
  const EnergyEstimate estimate = fold_repetitions(samples, repetitions, {}, sensor);
  EXPECT_EQ(estimate.status, EnergyStatus::kTooShort);
  EXPECT_FALSE(estimate.energy.has_value());
  EXPECT_THAT(estimate.detail, testing::HasSubstr("never seen"));
}

TEST(Protocol, GetsEnergiesWithinOneAndRatiosWithinHalfAPercent) {
  for (const NamedBoard& board : test::list_emulated_boards()) {
    std::vector<double> protocol, naive;
    for (std::uint64_t seed = 201; seed <= 203; ++seed) {
      const SeedOutcome outcome = test::play_seed(board, seed);
      ASSERT_TRUE(outcome.characterised) << board.name;
      for (const double error : outcome.window_errors) {
        EXPECT_LT(std::abs(error), 0.01) << board.name << ", seed " << seed;
        protocol.push_back(error);
      }
      naive.insert(naive.end(), outcome.naive_errors.begin(), outcome.naive_errors.end());
      EXPECT_LT(std::abs(outcome.ratio_error), 0.005) << board.name << ", seed " << seed;
    }
    EXPECT_GT(mean_square(naive), 4 * mean_square(protocol)) << board.name;
  }
}

class BlindBoard : public testing::Test {
 protected:
  BlindBoard() {
    model_.window_s = 0.025;
    model_.gain = 0.97;
    sensor_ = make_sensor(0.1, 0.025);
    sensor_.delay = Seconds(model_.delay_s);
    sensor_.rise = Seconds(model_.rise_s);
  }
  BoardModel model_;
  SensorTraits sensor_;
};

TEST_F(BlindBoard, CannotAttributeATwoMillisecondPhaseFromItsOwnWindow) {
  EmulatedBench bench(model_, 1);
  bench.draw(2, 60);
  bench.draw(0.002, 380);
  bench.draw(2, 60);
  const LoadWindow window{Seconds(2), Seconds(2.002), Seconds(2), Seconds(2.002)};
  const auto answer = estimate_window_energy(bench.sample_to_end(), window, bench.meter().info(), {sensor_, sensor_});
  EXPECT_EQ(answer.status, EnergyStatus::kUnattributable);
  EXPECT_FALSE(answer.energy.has_value());
}

TEST_F(BlindBoard, GetsThatPhaseFromItsLoopWithinThreePercent) {
  EmulatedBench bench(model_, 1);
  const Repetition phase{{{0.002, 380}}};
  const auto outcome = test::play_trial(bench, {sensor_, sensor_}, phase, Watts(60 * model_.gain));
  ASSERT_EQ(outcome.estimate.status, EnergyStatus::kOk) << outcome.estimate.detail;
  EXPECT_TRUE(outcome.estimate.folded);
  EXPECT_EQ(outcome.estimate.method, EnergyMethod::kSimulated);
  EXPECT_NEAR(outcome.estimate.energy->value() / model_.gain / phase.energy_j(), 1, 0.03);
}

TEST_F(BlindBoard, UsesItsCounterWhereItHasOne) {
  model_.has_counter = true;
  EmulatedBench bench(model_, 2);
  SensorTraits counter = make_sensor(model_.counter_period_s, model_.counter_period_s);
  counter.delay = Seconds(model_.delay_s);
  const Repetition load{{{0.06, 350}, {0.03, 150}}};
  const auto outcome = test::play_trial(bench, {counter, sensor_}, load, Watts(60 * model_.gain));
  ASSERT_EQ(outcome.estimate.status, EnergyStatus::kOk) << outcome.estimate.detail;
  EXPECT_FALSE(outcome.estimate.folded);
  EXPECT_EQ(outcome.estimate.window.counter.status, EnergyStatus::kOk);
  EXPECT_NEAR(outcome.estimate.energy->value() / model_.gain / load.energy_j(), 1, 0.005);
}

}  // namespace
}  // namespace qtrap::power
