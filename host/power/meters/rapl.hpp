// CPU packages: powercap RAPL (Intel, AMD since Linux 5.8), else the amd_energy hwmon. One finding per
// package, DRAM zone and platform (psys) zone. Counters count uJ and wrap at max_energy_range_uj, after
// minutes under load.
#pragma once

#include <vector>

#include "core/clock.hpp"
#include "power/environment.hpp"

namespace qtrap::power {

/// At least one finding: where nothing is there, it says where was looked.
std::vector<Finding> find_rapl(const MeterEnvironment& environment, const Clock& clock);

}  // namespace qtrap::power
