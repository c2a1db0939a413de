// Energies of a session: one meter, one device, windows long enough for the sensor. Without a meter every reading says
// `no_meter` and why.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/philox.hpp"
#include "power/match.hpp"
#include "power/meter.hpp"
#include "power/sampler.hpp"
#include "power/sensor/protocol.hpp"
#include "result/records.hpp"

namespace qtrap::measure {

/// The meter of a session and the constants of its sensors; `match.meter` is null where there is none.
struct EnergySource {
  power::Match match;
  power::MeterSensors sensors;
  Seconds fastest_poll = power::kFastestPoll;
  /// Clock and waits of a simulated meter; absent: the session's clock, in real time.
  struct Time {
    const Clock* clock;
    power::Pacing pacing;
  };
  std::optional<Time> time = std::nullopt;
  std::vector<std::string> hazards = {};  ///< e.g. a sensor store that could not be read

  Seconds poll() const { return power::choose_poll(sensors, fastest_poll); }
};

/// What the session record says of it.
result::MeterSummary describe_meter(const EnergySource& source);

/// One window.
struct EnergyReading {
  EnergyStatus status = EnergyStatus::kNoMeter;
  std::optional<Joules> energy;  ///< of the counted repetitions, or of the rest; present exactly when ok
  std::optional<EnergyMethod> method;
  std::vector<std::string> flags;
  std::string reason;             ///< why there is no energy
  std::int64_t repetitions = 0;   ///< counted: without lead and tail
  Seconds wall;                   ///< what the counted repetitions said they took
  Seconds busy;                   ///< from begin to end of each, summed: what the energy belongs to
  power::BoardState state;        ///< read while the load still ran; at rest: afterwards
  result::SamplesRecord samples;  ///< without its keys
};

/// Writes a reading into a trial: gross energy, idle energy at `idle` over the same time, status, method, flags.
void set_energy(const EnergyReading& reading, std::optional<Watts> idle, result::TrialRecord& trial);

/// Plays windows and reads the meter meanwhile.
class EnergyRecorder {
 public:
  /// `source.match.meter` must not be null. `least` is the shortest window. `pacing` waits on `clock`.
  EnergyRecorder(EnergySource source, const Clock& clock, power::Pacing pacing, Seconds least, std::uint64_t seed);

  /// Repeats `play` as the sensor needs it: lead, groups with gaps, tail. `play` runs one repetition of about
  /// `repetition` and returns what it took by its own reckoning. Takes `least` and a few sensor windows more.
  EnergyReading measure_load(const std::function<Seconds()>& play, Seconds repetition);
  /// The device at rest, from when the sensor has settled; about a second, or 12 sensor periods.
  EnergyReading measure_rest();

  /// Once `stop_requested` is true windows are cut short and what they read is not to be used. Null: never.
  void set_stop(const std::function<bool()>* stop_requested) { stop_requested_ = stop_requested; }

  /// Power of a device between launches, for the gaps inside windows. Zero until set.
  void set_active_idle(Watts power) { active_idle_ = power; }
  power::BoardState read_state() { return source_.match.meter->read_state(); }
  const EnergySource& source() const { return source_; }

 private:
  /// Runs `play` with the sampler beside it, from two readings before until the sensor has shown the time it returns.
  template <class Play>
  power::Recording sample_around(Play&& play);

  bool stopped() const { return stop_requested_ != nullptr && (*stop_requested_)(); }

  EnergySource source_;
  const Clock* clock_;
  power::Pacing pacing_;
  const std::function<bool()>* stop_requested_ = nullptr;
  Seconds least_;
  PhiloxStream random_;
  Watts active_idle_{0};
};

}  // namespace qtrap::measure
