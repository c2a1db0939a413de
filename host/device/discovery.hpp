// What OpenCL offers on this machine. Loading the drivers happens here and nowhere else, and not before a command needs
// a device.
#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"
#include "device/device_info.hpp"
#include "device/system_view.hpp"

namespace qtrap::device {

/// All devices, and what is installed and gives none.
struct Discovery {
  std::vector<DeviceInfo> devices;
  std::vector<std::string> complaints;  ///< drivers that cannot be loaded, platforms without a device: one line each
};

/// As list_devices(), with the complaints. Without any device the error holds them.
Result<Discovery> discover(const SystemView& view);

/// Name and version of the OpenCL ICD loader this process uses, e.g. "ocl-icd 2.3.1"; "unknown" where it does not say.
/// Loads no driver, and keeps this process from loading one afterwards: for a process that does nothing else.
std::string loader_description();

}  // namespace qtrap::device
