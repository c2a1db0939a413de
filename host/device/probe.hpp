// The programs behind Device::probe_capabilities() and check_event_timer(): one by one for a process that may die of
// one, all together for tools that compile every kernel source.
#pragma once

#include <span>
#include <string_view>

#include "device/device.hpp"

namespace qtrap::device {

struct ProbeProgram {
  std::string_view name;     ///< of the capability, or what else is checked
  std::string_view file;     ///< relative to kernels/
  std::string_view entry;    ///< kernel function
  std::string_view options;  ///< as Device::make_kernel takes them
};

/// Capabilities that are probed, in the order of DeviceInfo::capabilities.
std::size_t count_capabilities();
/// Number `index` as `info` declares it, not probed.
Capability declared_capability(const DeviceInfo& info, std::size_t index);
/// Number `index`: declared, built, run and compared. The driver's compiler may write to stderr or end the process.
Capability probe_capability(Device& device, std::size_t index);

/// Every probe program, each once.
std::span<const ProbeProgram> probe_programs();

}  // namespace qtrap::device
