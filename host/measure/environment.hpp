// The machine a session runs on, and what could disturb its measurements.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/machine_limits.hpp"
#include "result/records.hpp"

namespace qtrap::measure {

/// CPU model, kernel release, memory and frequency governor, read from /proc, /sys and uname, and what the process may
/// use; absent where not readable. `root` is "/" outside tests.
result::HostInfo read_host(const MachineLimits& limits, const std::filesystem::path& root = "/");

/// Variables that change how an OpenCL implementation runs (POCL_AFFINITY, CUDA_VISIBLE_DEVICES, …), as set in this
/// process.
std::map<std::string, std::string> read_environment();

/// Hazards known before measuring: governor, processor quota, load average against processors.
std::vector<std::string> find_hazards(const result::HostInfo& host, const MachineLimits& limits,
                                      const std::filesystem::path& root = "/");

/// "processors 0-1, quota of 0.40 processors, 600 MiB of memory": what the process may use.
std::string describe_limits(const MachineLimits& limits);

}  // namespace qtrap::measure
