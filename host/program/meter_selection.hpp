// The energy meter of a command's device.
#pragma once

#include <filesystem>
#include <string>

#include "device/device_info.hpp"
#include "measure/energy.hpp"

namespace qtrap::program {

/// The meter that `spec` (SPEC of the contract) gives for a device, with its sensors as characterised before or
/// assumed; throws Failure for a bad spec, an ambiguous device, or a meter asked for that cannot be used. Takes up to a
/// second.
measure::EnergySource open_meter(const std::string& spec, const device::DeviceInfo& device);

/// Where characterised sensors are kept: cache_folder()/sensors.tsv.
std::filesystem::path sensor_store();

}  // namespace qtrap::program
