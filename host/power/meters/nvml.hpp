// NVIDIA boards through libnvidia-ml.so.1: energy counter (Volta and later), instant power where the driver
// has it, else the 1 s mean, and the board's state.
#pragma once

#include <vector>

#include "core/clock.hpp"
#include "power/environment.hpp"

namespace qtrap::power {

/// One finding per board, or one that says why there is none. Boards in MIG mode are denied: each instance
/// would report the whole board. Costs some 100 ms: the library starts the driver.
std::vector<Finding> find_nvml(const MeterEnvironment& environment, const Clock& clock);

}  // namespace qtrap::power
