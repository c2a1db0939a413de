// Plays the load of a characterisation on whatever keeps the device busy, with the sampler beside it.
#pragma once

#include <functional>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "power/sampler.hpp"
#include "power/sensor/characterise.hpp"

namespace qtrap::power {

/// Keeps the device busy for about the given time and returns when it is idle again; at most one short kernel
/// (under 1 ms) over. Errors: the device failed.
using KeepBusy = std::function<Status(Seconds)>;

/// A PlayLoad that samples `meter` every `poll`. The intervals it reports are those between the calls' true
/// ends, so a load that overruns is fitted as it was. `meter`, `clock` and what `pacing` waits on must outlive it.
/// Takes as long as the steps.
PlayLoad make_sampled_load(Meter& meter, const Clock& clock, Pacing pacing, KeepBusy keep_busy,
                           Seconds poll = Seconds(0.001));

}  // namespace qtrap::power
