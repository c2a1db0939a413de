// A meter of known power on the real clock: 300 W while busy, 100 W at rest, by counter and by power. Simulated.
#pragma once

#include <atomic>

#include "core/clock.hpp"
#include "power/meter.hpp"
#include "power/sensor/sensor.hpp"

namespace qtrap::test {

class SteadyMeter final : public power::Meter {
 public:
  static constexpr double kBusyW = 300;
  static constexpr double kRestW = 100;

  explicit SteadyMeter(const Clock& clock, bool constant = false) : clock_(clock), constant_(constant) {
    info_.name = "replay";
    info_.board = "a board that exists in this test";
    info_.has_energy = true;
    info_.simulated = true;
    last_ = clock.now();
  }

  const power::MeterInfo& info() const override { return info_; }
  power::Sample read() override {
    const Seconds now = clock_.now();
    const double watts = busy_ || constant_ ? kBusyW : kRestW;
    joules_ += watts * (now - last_).value();
    last_ = now;
    if (broken_) return {power::absent_reading<Joules>(now, power::ReadStatus::kVanished), {}};
    return {power::make_reading<Joules>(now, joules_),
            power::absent_reading<Watts>(now, power::ReadStatus::kUnsupported)};
  }

  void set_busy(bool busy) { busy_ = busy; }
  void set_broken(bool broken) { broken_ = broken; }

  /// Sensors that publish every 5 ms what was drawn since the last time.
  static power::MeterSensors sensors() {
    power::SensorTraits traits;
    traits.period = traits.window.emplace(0.005);
    traits.characterised = true;
    return {traits, traits};
  }

 private:
  const Clock& clock_;
  bool constant_;
  power::MeterInfo info_;
  std::atomic<bool> busy_ = false;
  std::atomic<bool> broken_ = false;
  double joules_ = 1000;
  Seconds last_;
};

}  // namespace qtrap::test
