// Intel boards: the energy counter of the i915 or xe hwmon, else of Level Zero Sysman (libze_loader.so.1).
#pragma once

#include <vector>

#include "core/clock.hpp"
#include "power/environment.hpp"

namespace qtrap::power {

/// One finding per board, or one per place looked at in vain. Integrated graphics have no counter of their
/// own: their energy is part of the package's (rapl).
std::vector<Finding> find_intel(const MeterEnvironment& environment, const Clock& clock);

}  // namespace qtrap::power
