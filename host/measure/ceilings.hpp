// Ceilings of a device, measured in the session: bandwidth of reading and copying sets well beyond the last-level
// cache, rates of fp32, fp16 (where probed) and int8 multiply-adds, cost of an empty launch (chained) and of a host
// wait. Each is the median of several repetitions with the smallest and largest as its spread; the spread between
// processes is larger (power.md) and shows only across sessions.
#pragma once

#include "core/clock.hpp"
#include "core/result.hpp"
#include "device/device.hpp"
#include "result/records.hpp"

namespace qtrap::measure {

/// Takes about a second on a CPU; allocates two sets and frees them. kRuntime errors: kernel build, out of device
/// memory.
Result<result::Ceilings> measure_ceilings(device::Device& device, const Clock& clock);

}  // namespace qtrap::measure
