#include "power/sensor/energy_window.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace qtrap::power {
namespace {

using testing::Contains;
using testing::HasSubstr;

constexpr double kPoll_s = 0.002;

/// Samples of a sensor without noise, polled every 2 ms over [0, end): power and counter as functions of the
/// time of the publication they were last renewed at.
std::vector<Sample> make_samples(double end_s, double period_s, const std::function<double(double)>& power_w,
                                 const std::function<double(double)>& energy_j) {
  std::vector<Sample> samples;
  for (int i = 0; i * kPoll_s < end_s; ++i) {
    const double now_s = i * kPoll_s;
    const double published_s = std::floor(now_s / period_s + 1e-9) * period_s;
    samples.push_back({make_reading<Joules>(Seconds(now_s), energy_j(published_s)),
                       make_reading<Watts>(Seconds(now_s), power_w(published_s))});
  }
  return samples;
}

/// 200 W with a ripple, so that readings change; the counter starts at 1000 J.
std::vector<Sample> make_steady(double end_s) {
  return make_samples(
      end_s, 0.1, [](double s) { return 200 + 0.01 * std::fmod(s * 10, 7); }, [](double s) { return 1000 + 200 * s; });
}

MeterInfo make_info(bool energy, bool power) {
  MeterInfo info;
  info.name = "nvml";
  info.has_energy = energy;
  info.has_power = power;
  return info;
}

SensorTraits make_sensor(double period_s, double window_s) {
  SensorTraits sensor;
  sensor.period = Seconds(period_s);
  sensor.window = Seconds(window_s);
  return sensor;
}

const MeterSensors kSensors{make_sensor(0.1, 0.1), make_sensor(0.1, 0.1)};

LoadWindow make_window(double begin_s, double end_s, double lead_s, double tail_s) {
  return {Seconds(begin_s), Seconds(end_s), Seconds(begin_s - lead_s), Seconds(end_s + tail_s)};
}

TEST(WindowEnergy, ComesFromTheCounterAndIsCheckedAgainstThePower) {
  const auto answer =
      estimate_window_energy(make_steady(8), make_window(1, 6, 0.5, 0.5), make_info(true, true), kSensors);
  ASSERT_EQ(answer.status, EnergyStatus::kOk) << answer.detail;
  // 200 W x 5 s
  EXPECT_NEAR(answer.energy->value(), 1000, 0.5);
  EXPECT_EQ(answer.method, EnergyMethod::kCounter);
  EXPECT_NEAR(answer.integrated.energy->value(), 1000, 1);
  EXPECT_LT(std::abs(answer.disagreement.value()), 0.002);
  EXPECT_TRUE(answer.flags.empty());
  EXPECT_NEAR(answer.counter.covered, 1, 1e-9);
}

TEST(WindowEnergy, IsLabelledByHowItWasObtained) {
  const auto samples = make_steady(8);
  const LoadWindow window = make_window(1, 6, 0.5, 0.5);
  EXPECT_EQ(estimate_window_energy(samples, window, make_info(false, true), kSensors).method,
            EnergyMethod::kIntegrated);
  MeterInfo info = make_info(true, true);
  info.simulated = true;
  EXPECT_EQ(estimate_window_energy(samples, window, info, kSensors).method, EnergyMethod::kSimulated);
  info = make_info(false, true);
  info.estimated = true;
  EXPECT_EQ(estimate_window_energy(samples, window, info, assume_sensors(info)).method, EnergyMethod::kEstimated);
}

TEST(WindowEnergy, MultipliesAnEstimateByTheTime) {
  std::vector<Sample> samples;
  for (int i = 0; i <= 100; ++i) {
    samples.push_back({absent_reading<Joules>(Seconds(i * 0.01), ReadStatus::kUnsupported),
                       make_reading<Watts>(Seconds(i * 0.01), 350)});
  }
  MeterInfo info = make_info(false, true);
  info.estimated = true;
  const auto answer = estimate_window_energy(samples, make_window(0.2, 0.7, 0, 0), info, assume_sensors(info));
  EXPECT_NEAR(answer.energy.value().value(), 175, 1e-6);
  // However short the window.
  const auto brief = estimate_window_energy(samples, make_window(0.2, 0.202, 0, 0), info, assume_sensors(info));
  EXPECT_NEAR(brief.energy.value().value(), 0.7, 1e-9);
}

TEST(WindowEnergy, FlagsMethodsThatDisagree) {
  auto samples = make_steady(8);
  for (Sample& sample : samples) sample.power.value = *sample.power.value * 1.08;
  const auto answer = estimate_window_energy(samples, make_window(1, 6, 0.5, 0.5), make_info(true, true), kSensors);
  EXPECT_NEAR(answer.disagreement.value(), 0.08, 0.002);
  EXPECT_THAT(answer.flags, Contains("methods_disagree"));
}

TEST(WindowEnergy, AllowsForAWrapInsideTheWindowAndFlagsIt) {
  auto samples = make_steady(8);
  MeterInfo info = make_info(true, false);
  info.limits.range = Joules(1700);
  for (Sample& sample : samples) sample.energy.value = Joules(std::fmod(sample.energy.value->value(), 1700));
  const auto answer = estimate_window_energy(samples, make_window(1, 6, 0.5, 0.5), info, kSensors);
  ASSERT_EQ(answer.status, EnergyStatus::kOk) << answer.detail;
  EXPECT_NEAR(answer.energy->value(), 1000, 0.5);
  EXPECT_THAT(answer.flags, Contains("counter_wrapped"));
}

TEST(WindowEnergy, ReportsAResetAndTakesThePowerInstead) {
  auto samples = make_steady(8);
  for (Sample& sample : samples) {
    if (sample.energy.at > Seconds(3)) sample.energy.value = *sample.energy.value - Joules(1500);
  }
  const auto alone = estimate_window_energy(samples, make_window(1, 6, 0.5, 0.5), make_info(true, false), kSensors);
  EXPECT_EQ(alone.status, EnergyStatus::kReset);
  EXPECT_FALSE(alone.energy.has_value());
  EXPECT_FALSE(alone.method.has_value());
  const auto both = estimate_window_energy(samples, make_window(1, 6, 0.5, 0.5), make_info(true, true), kSensors);
  EXPECT_EQ(both.method, EnergyMethod::kIntegrated);
  EXPECT_THAT(both.flags, Contains("counter_reset"));
}

TEST(WindowEnergy, DoesNotMindABreakOutsideTheWindow) {
  for (const double break_s : {0.3, 7.5}) {
    auto samples = make_steady(8);
    for (Sample& sample : samples) {
      if (sample.energy.at > Seconds(break_s)) sample.energy.value = *sample.energy.value - Joules(900);
    }
    const auto answer = estimate_window_energy(samples, make_window(1, 6, 0.5, 0.5), make_info(true, false), kSensors);
    ASSERT_EQ(answer.status, EnergyStatus::kOk) << break_s;
    EXPECT_NEAR(answer.energy->value(), 1000, 0.5);
  }
}

TEST(WindowEnergy, CallsAJumpAndAStandstillImplausible) {
  auto jumped = make_steady(8);
  for (Sample& sample : jumped) {
    if (sample.energy.at > Seconds(3)) sample.energy.value = *sample.energy.value + Joules(1e6);
  }
  auto stuck = make_steady(8);
  for (Sample& sample : stuck) sample.energy.value = Joules(1000);
  for (const auto& samples : {jumped, stuck}) {
    const auto answer =
        estimate_window_energy(samples, make_window(1, 6.5, 0.5, 0.5), make_info(true, false), kSensors);
    EXPECT_EQ(answer.status, EnergyStatus::kImplausible);
    EXPECT_FALSE(answer.energy.has_value());
  }
}

// The shortest window a trial makes is 12 periods: a counter that froze in one was once called too short.
TEST(WindowEnergy, CallsACounterWithoutAnUpdateInTwelvePeriodsImplausible) {
  const auto frozen = make_samples(
      3, 0.1, [](double) { return 200.0; }, [](double) { return 1000.0; });
  const auto answer = estimate_window_energy(frozen, make_window(0.5, 1.7, 0.2, 0.2), make_info(true, false), kSensors);
  EXPECT_EQ(answer.status, EnergyStatus::kImplausible);
  EXPECT_THAT(answer.detail, HasSubstr("stands still"));
}

TEST(WindowEnergy, DoesNotSpreadWhatACounterSawBeforeItFrozeOverTheWindow) {
  const auto freezing = make_samples(
      8, 0.1, [](double) { return 200.0; }, [](double s) { return 1000 + 200 * std::min(s, 4.0); });
  const auto answer = estimate_window_energy(freezing, make_window(1, 6.5, 0.5, 0.5), make_info(true, false), kSensors);
  EXPECT_EQ(answer.status, EnergyStatus::kImplausible);
  // A counter that is slower than was assumed is no standstill: one update a second, 20 s, 200 W.
  const auto slow = make_samples(
      24, 1.0, [](double) { return 200.0; }, [](double s) { return 1000 + 200 * s; });
  const auto seen = estimate_window_energy(slow, make_window(1.5, 21.5, 0.5, 0.5), make_info(true, false), kSensors);
  ASSERT_EQ(seen.status, EnergyStatus::kOk) << seen.detail;
  EXPECT_NEAR(seen.energy.value().value(), 4000, 4000 * 0.01);
}

TEST(WindowEnergy, CallsAPowerThatSticksOrLeapsImplausible) {
  auto stuck = make_steady(8);
  for (Sample& sample : stuck) sample.power.value = Watts(200);
  auto leaped = make_steady(8);
  leaped[1500].power.value = Watts(1e6);
  for (const auto& samples : {stuck, leaped}) {
    const auto answer =
        estimate_window_energy(samples, make_window(1, 6.5, 0.5, 0.5), make_info(false, true), kSensors);
    EXPECT_EQ(answer.status, EnergyStatus::kImplausible);
    EXPECT_FALSE(answer.energy.has_value());
  }
}

TEST(WindowEnergy, LeavesOutWhatACounterCountedWhileTheBoardRose) {
  // 100 W until 2 s, 300 W after; the load began at 1 s and took until 2.2 s to settle (rise 0.3 s).
  const auto counted = [](double s) { return 1000 + 100 * s + 200 * std::max(0.0, s - 2); };
  const auto samples = make_samples(
      8, 0.1, [](double) { return 0.0; }, counted);
  MeterSensors sensors = kSensors;
  sensors.counter.rise = Seconds(0.3);
  const auto answer = estimate_window_energy(samples, make_window(1, 6, 0, 0.5), make_info(true, false), sensors);
  // The settled part stands for the whole: 300 W x 5 s, where the bare difference is 1300 J.
  EXPECT_NEAR(answer.energy.value().value(), 1500, 1);
  EXPECT_NEAR(answer.counter.covered, 0.76, 0.03);
}

TEST(WindowEnergy, SaysWhyThereAreNoReadings) {
  auto samples = make_steady(8);
  for (Sample& sample : samples) {
    sample.energy = absent_reading<Joules>(sample.energy.at, ReadStatus::kDenied);
    sample.power = absent_reading<Watts>(sample.power.at, ReadStatus::kZero);
  }
  const auto answer = estimate_window_energy(samples, make_window(1, 6, 0.5, 0.5), make_info(true, true), kSensors);
  EXPECT_EQ(answer.status, EnergyStatus::kNoMeter);
  EXPECT_FALSE(answer.energy.has_value());
  EXPECT_THAT(answer.detail, HasSubstr("4000 denied"));
  EXPECT_THAT(answer.integrated.detail, HasSubstr("4000 zero"));
}

TEST(WindowEnergy, DoesNotBridgeAMeterThatVanishes) {
  auto samples = make_steady(8);
  for (Sample& sample : samples) {
    if (sample.energy.at < Seconds(4)) continue;
    sample.energy = absent_reading<Joules>(sample.energy.at, ReadStatus::kVanished);
    sample.power = absent_reading<Watts>(sample.power.at, ReadStatus::kVanished);
  }
  const auto answer = estimate_window_energy(samples, make_window(1, 6, 0.5, 0.5), make_info(true, true), kSensors);
  EXPECT_EQ(answer.status, EnergyStatus::kNoMeter);
  EXPECT_THAT(answer.detail, HasSubstr("no counter reading for"));
}

TEST(WindowEnergy, BridgesASingleLostReading) {
  auto samples = make_steady(8);
  for (std::size_t i = 1500; i < 1520; ++i) {
    samples[i].energy = absent_reading<Joules>(samples[i].energy.at, ReadStatus::kNotFinite);
    samples[i].power = absent_reading<Watts>(samples[i].power.at, ReadStatus::kZero);
  }
  const auto answer = estimate_window_energy(samples, make_window(1, 6, 0.5, 0.5), make_info(true, true), kSensors);
  ASSERT_EQ(answer.status, EnergyStatus::kOk);
  EXPECT_NEAR(answer.energy->value(), 1000, 1);
}

TEST(WindowEnergy, RefusesAWindowWithTooFewUpdates) {
  const auto answer =
      estimate_window_energy(make_steady(8), make_window(1, 1.5, 0.5, 0.5), make_info(true, true), kSensors);
  EXPECT_EQ(answer.status, EnergyStatus::kTooShort);
  EXPECT_FALSE(answer.energy.has_value());
}

TEST(WindowEnergy, CallsAPhaseShorterThanTheSensorUnattributable) {
  for (const bool counter : {false, true}) {
    const auto answer =
        estimate_window_energy(make_steady(8), make_window(1, 1.002, 0, 0), make_info(counter, !counter), kSensors);
    EXPECT_EQ(answer.status, EnergyStatus::kUnattributable);
    EXPECT_FALSE(answer.energy.has_value());
  }
}

TEST(WindowEnergy, MovesThePowerBackByTheSensorsLag) {
  // 100 W before 2 s, 300 W after; a reading shows the mean of the 0.1 s that ended 0.05 s before it.
  const auto mean = [](double published_s) {
    const double closed_s = published_s - 0.05;
    const double share = std::clamp((closed_s - 2) / 0.1, 0.0, 1.0);
    return 100 + 200 * share + 0.001 * std::fmod(published_s * 10, 7);
  };
  const auto samples = make_samples(8, 0.1, mean, [](double) { return 0.0; });
  MeterSensors sensors = kSensors;
  sensors.power.delay = Seconds(0.05);
  // The whole trace is declared one load, so that the step stays in the window: 1 s at 100 W and 3 s at 300
  // W.
  const auto answer = estimate_window_energy(samples, make_window(1, 5, 0.9, 1), make_info(false, true), sensors);
  EXPECT_NEAR(answer.energy.value().value(), 1000, 5);
}

TEST(WindowEnergy, UndoesAnExponentialSensor) {
  // P' = (300 - P) / 0.84 from 100 W at 0: P = 300 - 200 exp(-t / 0.84). True power is 300 W throughout.
  const auto samples = make_samples(
      8, 0.02, [](double s) { return 300 - 200 * std::exp(-s / 0.84); }, [](double) { return 0.0; });
  MeterSensors sensors;
  sensors.power.period = Seconds(0.02);
  sensors.power.rise = Seconds(0.84);
  sensors.power.shape = SensorShape::kExponential;
  LoadWindow window = make_window(0.5, 5.5, 0.4, 0.5);
  window.load_begin = Seconds(-4);  // the readings before the load settles count as well
  const auto answer = estimate_window_energy(samples, window, make_info(false, true), sensors);
  EXPECT_NEAR(answer.energy.value().value(), 1500, 3);
}

TEST(Publications, AreTheChangesAndTheRepeatsBetween) {
  std::vector<Sample> samples;
  for (int i = 0; i < 50; ++i) {
    const double now_s = i * 0.01;
    samples.push_back({{}, make_reading<Watts>(Seconds(now_s), now_s < 0.095 ? 100 : 200)});
  }
  const auto published = find_publications(samples, Seconds(0.1));
  // 100 W from the first poll; 200 W seen at 0.10, stamped half a poll before; repeated every 0.1 s after it.
  ASSERT_GE(published.size(), 4U);
  EXPECT_NEAR(published[1].at.value(), 0.095, 1e-9);
  EXPECT_NEAR(published[2].at.value(), 0.195, 1e-9);
  EXPECT_EQ(published[2].value, Watts(200));
}

TEST(Poll, IsATenthOfThePeriodWithinReason) {
  MeterSensors sensors = kSensors;
  EXPECT_NEAR(choose_poll(sensors, kFastestPoll).value(), 0.01, 1e-12);
  sensors.counter.period = Seconds(0.001);
  EXPECT_EQ(choose_poll(sensors, kFastestPoll), kFastestPoll);
  EXPECT_EQ(choose_poll(sensors, kFastestPollOnHost), kFastestPollOnHost);
  EXPECT_EQ(choose_poll({}, kFastestPoll), Seconds(0.02));
}

TEST(AssumedSensors, AreTheWidestPublishedOnes) {
  MeterInfo info = make_info(true, true);
  info.power_field = "instant";
  EXPECT_EQ(assume_sensors(info).power.window, Seconds(0.1));
  info.power_field = "average";
  EXPECT_EQ(assume_sensors(info).power.window, Seconds(1));
  EXPECT_FALSE(assume_sensors(info).power.characterised);
}

}  // namespace
}  // namespace qtrap::power
