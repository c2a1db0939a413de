// The last-level cache of a run's device: measured once, in a process of its own, and handed to every session, so that
// all of them build the same kernels and judge by the same size.
#pragma once

#include <optional>

#include "measure/ceilings/cache_knee.hpp"
#include "program/devices.hpp"
#include "result/records.hpp"

namespace qtrap::program {

/// What a sweep in a process of its own found on the device `info`, which `options` name; where that process failed,
/// what system and driver say, and why. Takes one to three seconds.
measure::CacheFindings find_cache_apart(const DeviceOptions& options, const device::DeviceInfo& info);

/// The process of find_cache_apart(): sends the findings to `output_descriptor`.
int run_cache_sweep(const DeviceOptions& options, int output_descriptor);

/// What the sweep of a session's run had found; none where the session does not say.
std::optional<measure::CacheFindings> recall_cache(const result::SessionRecord& session);

}  // namespace qtrap::program
