// Measures and looks up the last-level cache of a device: cache_knee decides.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "device/device.hpp"
#include "measure/ceilings/cache_knee.hpp"

namespace qtrap::measure {

/// Rates of reading sets from 0.5 MiB up, two to an octave, to well beyond what system and driver say: the best of four
/// rounds each, so that a disturbance of one round does not show. Below a second on a GPU, one to three on a CPU.
/// kRuntime errors: the kernel does not build, out of memory. Throws DeviceError.
Result<std::vector<ReadRate>> measure_read_rates(device::Device& device, const Clock& clock,
                                                 std::optional<std::uint64_t> expected_bytes);

/// The last-level cache by sysfs under `root`: of a CPU, the caches of the highest level of `processors` (ascending, as
/// MachineLimits has them; empty: of all) together; of an AMD GPU with a PCI address, that of its node in the topology
/// of kfd. None where it is not told.
std::optional<std::uint64_t> read_system_cache(const device::DeviceInfo& info, const std::vector<int>& processors,
                                               const std::filesystem::path& root = "/");

/// Sweep, sysfs (of the processors that this process may use) and driver together; what fails in the sweep is said in
/// the status.
CacheFindings find_cache(device::Device& device, const Clock& clock);

}  // namespace qtrap::measure
