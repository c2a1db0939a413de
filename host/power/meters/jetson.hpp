// NVIDIA Jetson modules: the INA3221 monitors on the supply rails, through hwmon. The module's input rail
// where it is measured, else the sum of the rails that are.
#pragma once

#include <vector>

#include "core/clock.hpp"
#include "power/environment.hpp"

namespace qtrap::power {

/// At least one finding: where nothing is there, it says where was looked.
std::vector<Finding> find_jetson(const MeterEnvironment& environment, const Clock& clock);

}  // namespace qtrap::power
