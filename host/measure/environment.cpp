#include "measure/environment.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <fstream>

namespace qtrap::measure {
namespace {

std::optional<std::string> first_line(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::string line;
  if (!std::getline(in, line)) return std::nullopt;
  return line;
}

/// Text after "KEY<spaces>:" in a /proc file.
std::optional<std::string> value_of(const std::filesystem::path& path, std::string_view key) {
  std::ifstream in(path);
  std::string line;
  while (std::getline(in, line)) {
    const auto colon = line.find(':');
    if (!line.starts_with(key) || colon == std::string::npos) continue;
    const auto start = line.find_first_not_of(" \t", colon + 1);
    return start == std::string::npos ? std::string() : line.substr(start);
  }
  return std::nullopt;
}

constexpr double kBusyShare = 0.25;

}  // namespace

result::HostInfo read_host(const std::filesystem::path& root) {
  result::HostInfo host;
  host.cpu = value_of(root / "proc/cpuinfo", "model name");
  utsname names{};
  if (uname(&names) == 0) host.kernel = fmt::format("{} {}", names.sysname, names.release);
  if (const auto total = value_of(root / "proc/meminfo", "MemTotal")) {
    std::int64_t kibibytes = 0;
    const auto parsed = std::from_chars(total->data(), total->data() + total->size(), kibibytes);
    if (parsed.ec == std::errc()) host.memory_bytes = kibibytes * 1024;
  }
  host.governor = first_line(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  return host;
}

std::map<std::string, std::string> read_environment() {
  std::map<std::string, std::string> found;
  for (const char* name :
       {"POCL_AFFINITY", "POCL_DEVICES", "POCL_MEMORY_LIMIT", "POCL_WORK_GROUP_METHOD", "POCL_MAX_PTHREAD_COUNT",
        "OCL_ICD_VENDORS", "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "OMP_NUM_THREADS"}) {
    if (const char* value = std::getenv(name)) found.emplace(name, value);
  }
  return found;
}

std::vector<std::string> find_hazards(const result::HostInfo& host, const std::filesystem::path& root) {
  std::vector<std::string> hazards;
  if (!host.governor) {
    hazards.emplace_back("governor unknown");
  } else if (*host.governor != "performance") {
    hazards.push_back(fmt::format("governor is {}, not performance", *host.governor));
  }
  if (const auto load = first_line(root / "proc/loadavg")) {
    double average = 0;
    const auto parsed = std::from_chars(load->data(), load->data() + load->size(), average);
    const auto processors = static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN));
    if (parsed.ec == std::errc() && average > kBusyShare * processors) {
      hazards.push_back(fmt::format("load average {:.2f} on {:.0f} processors at the start", average, processors));
    }
  }
  return hazards;
}

}  // namespace qtrap::measure
