#include "measure/energy.hpp"

#include <gtest/gtest.h>

#include "support/lockstep_time.hpp"
#include "support/steady_meter.hpp"

namespace qtrap::measure {
namespace {

using test::SteadyMeter;

class Recording : public ::testing::Test {
 protected:
  EnergyRecorder make_recorder(double least_s = 0.2) {
    return EnergyRecorder({{meter_, "chosen", ""}, SteadyMeter::sensors()}, time_, time_.pacing(), Seconds(least_s), 1);
  }
  /// 5 ms of load.
  Seconds work() {
    meter_->set_busy(true);
    time_.pacing().load()->wait_until(time_.now() + Seconds(0.005));
    return Seconds(0.001);
  }

  test::LockstepTime time_;
  std::shared_ptr<SteadyMeter> meter_ = std::make_shared<SteadyMeter>(time_);
};

TEST_F(Recording, AWindowsEnergyIsItsPowerTimesItsTime) {
  auto recorder = make_recorder();
  const EnergyReading reading = recorder.measure_load([&] { return work(); }, Seconds(0.005));
  ASSERT_EQ(reading.status, power::EnergyStatus::kOk) << reading.reason;
  const double window_s = 1e-6 * static_cast<double>(reading.samples.window_end_us - reading.samples.window_begin_us);
  EXPECT_NEAR(reading.energy->value() / window_s / SteadyMeter::kBusyW, 1, 0.03);
  EXPECT_GE(reading.busy.value(), 0.199);
  EXPECT_EQ(reading.method, EnergyMethod::kSimulated);
  EXPECT_NEAR(reading.wall.value(), 0.001 * static_cast<double>(reading.repetitions), 1e-9)
      << "lead and tail not counted";
  EXPECT_GT(reading.samples.at_us.size(), 20U);
  EXPECT_LT(reading.samples.window_begin_us, reading.samples.window_end_us);
}

TEST_F(Recording, GoesOnUntilTheWindowIsLongEnoughWhateverTheGuess) {
  auto recorder = make_recorder();
  const EnergyReading reading = recorder.measure_load([&] { return work(); }, Seconds(10));  // a wrong guess
  EXPECT_GE(reading.busy.value(), 0.199);
}

TEST_F(Recording, RestIsMeasuredOnceTheSensorHasSettled) {
  auto recorder = make_recorder();
  const EnergyReading reading = recorder.measure_rest();
  ASSERT_EQ(reading.status, power::EnergyStatus::kOk) << reading.reason;
  EXPECT_NEAR(*reading.energy / reading.busy / Watts(SteadyMeter::kRestW), 1, 0.02);
}

TEST_F(Recording, AMeterThatVanishesLeavesNoEnergyAndItsReason) {
  auto recorder = make_recorder();
  meter_->set_broken(true);
  const EnergyReading reading = recorder.measure_load([&] { return work(); }, Seconds(0.005));
  EXPECT_EQ(reading.status, power::EnergyStatus::kNoMeter);
  EXPECT_FALSE(reading.energy.has_value());
  EXPECT_FALSE(reading.reason.empty());
  result::TrialRecord trial;
  set_energy(reading, Watts(100), trial);
  EXPECT_FALSE(trial.energy_gross_j.has_value());
  EXPECT_FALSE(trial.energy_idle_j.has_value());
  EXPECT_EQ(trial.energy_status, EnergyStatus::kNoMeter);
  EXPECT_EQ(trial.energy_reason, reading.reason);
  EXPECT_EQ(reading.samples.energy_absent.size(), reading.samples.at_us.size());
  EXPECT_EQ(reading.samples.energy_absent_reasons.front(), "vanished");
}

TEST(SetEnergy, IdleEnergyBelongsToTheTimeOfTheEnergy) {
  EnergyReading reading;
  reading.status = power::EnergyStatus::kOk;
  reading.energy = Joules(30);
  reading.busy = Seconds(0.1);
  result::TrialRecord trial;
  set_energy(reading, Watts(100), trial);
  EXPECT_DOUBLE_EQ(trial.energy_gross_j.value(), 30);
  EXPECT_DOUBLE_EQ(trial.energy_idle_j.value(), 10);
}

TEST(DescribeMeter, SaysWhyThereIsNone) {
  const auto summary = describe_meter({{nullptr, "", "nvml: not found"}, {}});
  EXPECT_EQ(summary.status, "no_meter");
  EXPECT_EQ(summary.reason, "nvml: not found");
  EXPECT_FALSE(summary.period_s.has_value());
}

}  // namespace
}  // namespace qtrap::measure
