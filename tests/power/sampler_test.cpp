#include "power/sampler.hpp"

#include <gtest/gtest.h>

#include "support/virtual_time.hpp"

namespace qtrap::power {
namespace {

using test::VirtualTime;

/// Reads 1 J/s and 100 W; each read takes `cost` of virtual time.
class SlowMeter final : public Meter {
 public:
  SlowMeter(VirtualTime& time, Seconds cost) : time_(time), cost_(cost) { info_.has_energy = info_.has_power = true; }
  const MeterInfo& info() const override { return info_; }
  Sample read() override {
    time_.advance(cost_);
    const Seconds now = time_.now();
    return {make_reading<Joules>(now, now.value()), make_reading<Watts>(now, 100)};
  }

 private:
  VirtualTime& time_;
  Seconds cost_;
  MeterInfo info_;
};

TEST(Recording, TicksOnAFixedGridWhateverAReadCosts) {
  VirtualTime time;
  SlowMeter meter(time, Seconds(0.002));
  const Recording recording = record_until(meter, time, time, Seconds(0.01), Seconds(1.0));
  // Ticks at 0, 0.01, ... 1.00; each stamped 2 ms later.
  ASSERT_EQ(recording.samples.size(), 101U);
  EXPECT_NEAR(recording.samples[50].energy.at.value(), 0.502, 1e-9);
  EXPECT_EQ(recording.cost.reads, 101U);
  EXPECT_EQ(recording.cost.late_ticks, 0U);
  EXPECT_NEAR(recording.cost.reading.value(), 0.202, 1e-9);
  EXPECT_NEAR(recording.cost.core_share(), 0.202 / 1.002, 1e-6);
}

TEST(Recording, SkipsAndCountsTicksItComesTooLateFor) {
  VirtualTime time;
  SlowMeter meter(time, Seconds(0.025));
  const Recording recording = record_until(meter, time, time, Seconds(0.01), Seconds(0.299));
  // A read from 0 to 25 ms misses the tick at 10 ms and comes late for the one at 20 ms, and so on.
  EXPECT_GT(recording.cost.late_ticks, 0U);
  EXPECT_EQ(recording.cost.reads, recording.samples.size());
  EXPECT_LE(recording.samples.size(), 13U);
  EXPECT_NEAR(recording.cost.longest.value(), 0.025, 1e-9);
}

TEST(Recording, EndsWhenStopped) {
  VirtualTime time;
  SlowMeter meter(time, Seconds(0.001));
  time.stop();
  EXPECT_TRUE(record_until(meter, time, time, Seconds(0.01), Seconds(1)).samples.empty());
}

/// A waiter for the sampler's thread that shares a virtual clock with the test.
class SharedWaiter final : public Waiter {
 public:
  explicit SharedWaiter(VirtualTime& time) : time_(time) {}
  bool wait_until(Seconds time) override { return time_.wait_until(time); }
  void stop() override { time_.stop(); }

 private:
  VirtualTime& time_;
};

TEST(Sampler, RunsInItsOwnThreadUntilFinished) {
  VirtualTime time;
  SlowMeter meter(time, Seconds(0.001));
  Sampler sampler(meter, time, std::make_unique<SharedWaiter>(time), Seconds(0.01));
  EXPECT_TRUE(sampler.wait_for_sample(Seconds(1.0), Seconds(20)));
  const auto late = sampler.samples_since(Seconds(0.5));
  ASSERT_FALSE(late.empty());
  EXPECT_GE(late.front().energy.at, Seconds(0.5));
  const Recording recording = sampler.finish();
  EXPECT_GE(recording.samples.size(), 100U);
  EXPECT_EQ(recording.cost.reads, recording.samples.size());
  EXPECT_TRUE(sampler.finish().samples.empty());
}

TEST(ThreadWaiter, WakesAtOnceWhenStopped) {
  const MonotonicClock clock;
  ThreadWaiter waiter(clock);
  std::thread stopper([&] { waiter.stop(); });
  EXPECT_FALSE(waiter.wait_until(clock.now() + Seconds(3600)));
  stopper.join();
  EXPECT_FALSE(waiter.wait_until(clock.now()));
}

TEST(ThreadWaiter, WaitsUntilItsTimeHasCome) {
  const MonotonicClock clock;
  ThreadWaiter waiter(clock);
  const Seconds until = clock.now() + Seconds(0.001);
  EXPECT_TRUE(waiter.wait_until(until));
  EXPECT_GE(clock.now(), until - Seconds(1e-5));
}

TEST(EncodedSamples, KeepValuesStampsAndReasons) {
  std::vector<Sample> samples;
  for (int i = 0; i < 4; ++i) {
    const Seconds now(10 + 0.02 * i);
    samples.push_back({make_reading<Joules>(now, 5000 + 1.5 * i), make_reading<Watts>(now, 250.125 - i)});
  }
  samples[2].energy = absent_reading<Joules>(samples[2].energy.at, ReadStatus::kVanished);
  samples[3].power = absent_reading<Watts>(samples[3].power.at, ReadStatus::kNotFinite);
  const EncodedSamples encoded = encode_samples(samples);
  EXPECT_EQ(encoded.at_us, (std::vector<std::int64_t>{10000000, 20000, 20000, 20000}));
  EXPECT_EQ(encoded.energy_mj, (std::vector<std::int64_t>{5000000, 1500, 0, 3000}));
  EXPECT_EQ(encoded.power_mw, (std::vector<std::int64_t>{250125, -1000, -1000, 0}));
  const auto decoded = decode_samples(encoded).value();
  ASSERT_EQ(decoded.size(), 4U);
  EXPECT_FALSE(decoded[2].energy.value.has_value());
  EXPECT_EQ(decoded[2].energy.status, ReadStatus::kVanished);
  EXPECT_EQ(decoded[3].power.status, ReadStatus::kNotFinite);
  EXPECT_NEAR(decoded[3].energy.value->value(), 5004.5, 5e-4);
  EXPECT_NEAR(decoded[3].energy.at.value(), 10.06, 5e-7);
}

TEST(EncodedSamples, RefuseColumnsOfUnequalLength) {
  EncodedSamples encoded;
  encoded.at_us = {1, 2};
  encoded.energy_mj = {1};
  EXPECT_FALSE(decode_samples(encoded).ok());
}

}  // namespace
}  // namespace qtrap::power
