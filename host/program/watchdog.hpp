// When a process that says nothing is given up. The parent keeps the time, so that a worker that hangs in a driver is
// found too.
#pragma once

#include "core/units.hpp"

namespace qtrap::program {

/// Longest silence that is no hang, in seconds: ten times what was expected, and at least this.
inline constexpr double kWatchdogSeconds = 300;

class Watchdog {
 public:
  /// `least_s`: the least silence that counts; 0: none ever does.
  explicit Watchdog(double least_s) : least_s_(least_s) {}

  /// A sign of life at `now`; the next one is expected within `expected_s` (0: not known).
  void heard(Seconds now, double expected_s);
  /// Whether the silence has become too long. To be asked more than once a second: a pause of the caller itself (a
  /// suspended machine, a stopped job) counts as one second.
  bool expired(Seconds now);
  /// The silence that is allowed now.
  double allowed_s() const;

 private:
  double least_s_;
  double expected_s_ = 0;
  double silent_s_ = 0;
  Seconds asked_{0};
};

}  // namespace qtrap::program
