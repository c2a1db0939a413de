// Whether a device's event stamps can be trusted, from one kernel that both clocks have timed. Plain numbers: the
// launches are made by Device::check_event_timer().
#pragma once

#include <optional>
#include <span>

#include "device/device.hpp"

namespace qtrap::device {

/// Shortest kernel, by its events, that is judged.
inline constexpr Seconds kShortestTrustedKernel(100e-6);

/// Judges a launch that took `wall` by the host's clock from its enqueueing to its finish, where one that does nothing
/// takes `empty`. Trusted: 0 <= start <= end, and end - start between 0.8 (wall - empty) and 1.02 wall, so that stamps
/// in another unit than nanoseconds are found whichever way they are off.
EventTimerCheck judge_event_timer(Seconds wall, Seconds empty, const std::optional<EventTime>& stamps);

/// Of several launches of a kernel: load on the host stretches a wall, so one that agrees is enough, but no load makes
/// events longer than their wall, so one that cannot be refutes all. The last one's where none agrees. Not empty.
EventTimerCheck combine_timer_checks(std::span<const EventTimerCheck> checks);

}  // namespace qtrap::device
