// How a sensor turns power into readings: load -> first-order rise -> boxcar mean over `window` -> published
// every `period`, `delay` after the window closed. window < period means the sensor is blind for part of the
// time. The gain is no part of it: it cannot be found without a second meter, and cancels in ratios. Source:
// Yang, Adamek, Armour, SC'24 (arXiv 2312.02741).
#pragma once

#include <optional>
#include <string>

#include "core/units.hpp"
#include "power/meter.hpp"

namespace qtrap::power {

/// kExponential: an RC filter (Kepler boards), whose lag is far longer than period and window.
enum class SensorShape { kBoxcar, kExponential };
constexpr Words<2> words_of(SensorShape) { return {"boxcar", "exponential"}; }

/// The constants of one sensor. Those of a counter describe the power between two of its updates: window =
/// period.
struct SensorTraits {
  Seconds period;                 ///< between two publications
  std::optional<Seconds> window;  ///< averaged by one reading; absent for kExponential, where it has no effect
  Seconds delay;                  ///< from the end of the window to the publication
  Seconds rise;                   ///< time constant of the first-order rise
  SensorShape shape = SensorShape::kBoxcar;
  bool characterised = false;  ///< measured on this board; otherwise assumed by assume_sensor()

  Seconds window_or_zero() const { return window.value_or(Seconds(0)); }
  /// From a step of the load until a window lies in the settled part, within 2 %: window + 4 rise.
  Seconds settling() const { return window_or_zero() + rise * 4; }
  /// Whether it misses part of each period: window shorter than the period by more than 10 %.
  bool is_blind() const { return window && *window < period * 0.9; }
  /// From the power to the stamp of the reading that shows it: delay + window / 2, and the rise of a boxcar
  /// sensor (an exponential one is corrected by its derivative instead).
  Seconds lag() const;
};

/// The sensors behind the two channels of one meter.
struct MeterSensors {
  SensorTraits counter;
  SensorTraits power;
};

/// Never more often than this. Each reading wakes a thread; where the processors are the device themselves that costs
/// the load about 45 us (bench/harness: 2 % at 2 ms), so there more seldom.
inline constexpr Seconds kFastestPoll(0.002);
inline constexpr Seconds kFastestPollOnHost(0.02);

/// How often to poll: a tenth of the shorter period, between `fastest` (one of the above) and 20 ms; 20 ms for a
/// constant.
Seconds choose_poll(const MeterSensors& sensors, Seconds fastest);

/// The widest constants published for a meter of this kind: 100 ms period, and a window of 100 ms (instant),
/// 1 s (average) or one period (counter). Wide is safe: it demands longer windows, and yields
/// `unattributable` sooner.
MeterSensors assume_sensors(const MeterInfo& info);

}  // namespace qtrap::power
