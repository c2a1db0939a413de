// Finds a sensor's constants on the board itself, without a second meter: play a load whose edges are known,
// and fit the sensor model of sensor.hpp to what the meter shows of it.
//   1. an irregular fast load: every publication changes -> period (median spacing, refined by a line through
//   all)
//   2. one long step -> idle and busy level, first window, delay and rise
//   3. square waves of 1/2 2/3 3/4 4/5 6/5 5/4 4/3 of max(period, window): all phases of the blind time ->
//   joint fit
// Intervals are a jackknife over the runs. About 1 min for a 100 ms sensor, 2 min for one that averages over
// 1 s. Not covered: gain (needs a second meter), and a window that changes with the load. Source: Yang,
// Adamek, Armour, SC'24 (arXiv 2312.02741); the fit of the rise and the jackknife are ours.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "core/statistics.hpp"
#include "power/sensor/load_response.hpp"
#include "power/sensor/sensor.hpp"

namespace qtrap::power {

/// One stretch of the load to play.
struct LoadStep {
  Seconds duration;
  bool busy = false;
};

/// What happened: the load as it was played, and the samples taken meanwhile, at 1 ms or as fast as the meter
/// answers.
struct LoadRun {
  std::vector<LoadInterval> played;
  std::vector<Sample> samples;
};

/// Plays the steps on the device and samples the meter. Errors: the device or the meter failed.
using PlayLoad = std::function<Result<LoadRun>(std::span<const LoadStep>)>;

/// Which channel of the meter is characterised.
enum class MeterChannel { kPower, kCounter };

/// How far the constants can be relied on. kLow must not be used for a correction: take assume_sensors()
/// instead.
enum class Confidence { kHigh, kMedium, kLow };
constexpr Words<3> words_of(Confidence) { return {"high", "medium", "low"}; }

/// The constants with 95 % intervals.
struct Characterisation {
  SensorTraits sensor;
  Interval period_s;
  std::optional<Interval> window_s;  ///< absent where the sensor is exponential
  Interval delay_s;
  Interval rise_s;
  Watts idle;
  Watts busy;
  double explained = 0;          ///< share of the readings' variance the model explains, 0 to 1
  std::size_t publications = 0;  ///< readings in the joint fit
  Confidence confidence = Confidence::kLow;
  std::string statement;  ///< one line with all of the above, for people
};

/// Characterises one channel. `seed` draws the irregular load. kRuntime errors: the load could not be played,
/// the meter gives no readings, or the readings do not follow the load.
Result<Characterisation> characterise_sensor(const PlayLoad& play, MeterChannel channel, std::uint64_t seed);

}  // namespace qtrap::power
