// The programs behind Device::probe_capabilities() and check_event_timer(), for tools that compile every kernel source.
#pragma once

#include <span>
#include <string_view>

namespace qtrap::device {

struct ProbeProgram {
  std::string_view name;     ///< of the capability, or what else is checked
  std::string_view file;     ///< relative to kernels/
  std::string_view entry;    ///< kernel function
  std::string_view options;  ///< as Device::make_kernel takes them
};

/// Every probe program, each once.
std::span<const ProbeProgram> probe_programs();

}  // namespace qtrap::device
