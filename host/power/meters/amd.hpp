// AMD boards: the energy counter through libamd_smi.so, else librocm_smi64.so.1; power, temperature and clock
// from the amdgpu hwmon, which also serves alone. The power field is filtered in an undocumented way: the
// counter comes first.
#pragma once

#include <vector>

#include "core/clock.hpp"
#include "power/environment.hpp"

namespace qtrap::power {

/// One finding per board, or one per place looked at in vain.
std::vector<Finding> find_amd(const MeterEnvironment& environment, const Clock& clock);

}  // namespace qtrap::power
