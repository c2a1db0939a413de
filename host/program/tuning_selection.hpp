// The tuning file of a command's device.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "device/device_info.hpp"
#include "scheme/catalogue/tuning.hpp"

namespace qtrap::program {

/// Where `tune` keeps the tunables of a device: cache_folder()/tuning/DEVICE-DRIVER.json.
std::filesystem::path tuning_store(const device::DeviceInfo& device);

/// What replaces the default tunables of a run.
struct TunedDevice {
  scheme::TuningChoices choices;
  std::optional<std::string> path;    ///< of the file; none: the defaults
  std::optional<std::string> sha256;  ///< of its text
  std::string hazard;                 ///< why a file that was found is not used; empty: it is, or there is none
};

/// The tuning that `spec` (auto, none or a path) gives: with auto tuning_store(), else the file in profiles/devices/ of
/// this device, driver and kernels. A stored file for other kernels is left out with auto; throws Failure where it was
/// named.
TunedDevice open_tuning(const std::string& spec, const device::DeviceInfo& device, const std::string& kernels_sha256);

}  // namespace qtrap::program
