// Clocks. Durations come from a monotonic clock only; wall-clock time is a label.
#pragma once

#include <string>

#include "core/units.hpp"

namespace qtrap {

/// A monotonic clock; passed in so that stop rules and samplers can be tested with plain numbers.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Time since an arbitrary origin that stays fixed within a process.
  virtual Seconds now() const = 0;
};

/// CLOCK_MONOTONIC_RAW: not slewed by NTP; the clock PoCL's event stamps are on. A read costs about 25 ns.
class MonotonicClock final : public Clock {
 public:
  Seconds now() const override;
};

/// "2026-11-22T09:41:07.123Z", in UTC whatever the zone and locale.
std::string utc_timestamp();

}  // namespace qtrap
