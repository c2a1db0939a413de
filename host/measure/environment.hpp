// The machine a session runs on, and what could disturb its measurements.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "result/records.hpp"

namespace qtrap::measure {

/// CPU model, kernel release, memory and frequency governor, read from /proc, /sys and uname; absent where not
/// readable. `root` is "/" outside tests.
result::HostInfo read_host(const std::filesystem::path& root = "/");

/// Variables that change how an OpenCL implementation runs (POCL_AFFINITY, CUDA_VISIBLE_DEVICES, …), as set in this
/// process.
std::map<std::string, std::string> read_environment();

/// Hazards known before measuring: governor, load average against processors.
std::vector<std::string> find_hazards(const result::HostInfo& host, const std::filesystem::path& root = "/");

}  // namespace qtrap::measure
