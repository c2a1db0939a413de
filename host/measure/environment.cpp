#include "measure/environment.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>

#include "core/file.hpp"
#include "measure/ceilings/ceilings.hpp"

namespace qtrap::measure {
namespace {

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

result::HostInfo read_host(const MachineLimits& limits, const std::filesystem::path& root) {
  result::HostInfo host;
  if (!limits.processors.empty()) host.allowed_processors = format_processor_list(limits.processors);
  host.cpu_quota = limits.cpu_quota;
  if (limits.memory_limit_bytes) host.memory_limit_bytes = static_cast<std::int64_t>(*limits.memory_limit_bytes);
  host.cpu = value_of(root / "proc/cpuinfo", "model name");
  utsname names{};
  if (uname(&names) == 0) host.kernel = fmt::format("{} {}", names.sysname, names.release);
  if (const auto total = value_of(root / "proc/meminfo", "MemTotal")) {
    std::int64_t kibibytes = 0;
    const auto parsed = std::from_chars(total->data(), total->data() + total->size(), kibibytes);
    if (parsed.ec == std::errc()) host.memory_bytes = kibibytes * 1024;
  }
  host.governor = read_first_line(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  return host;
}

std::map<std::string, std::string> read_environment() {
  std::map<std::string, std::string> found;
  for (const char* name : {"POCL_AFFINITY", "POCL_CACHE_DIR", "POCL_DEVICES", "POCL_MEMORY_LIMIT",
                           "POCL_WORK_GROUP_METHOD", "POCL_MAX_PTHREAD_COUNT", "POCL_CPU_MAX_CU_COUNT", "SLURM_JOB_ID",
                           "SLURM_CPUS_ON_NODE", "SLURM_CPUS_PER_TASK", "SLURM_MEM_PER_NODE", "OCL_ICD_VENDORS",
                           "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "OMP_NUM_THREADS", kCeilingWindow}) {
    if (const char* value = std::getenv(name)) found.emplace(name, value);
  }
  return found;
}

std::vector<std::string> find_hazards(const result::HostInfo& host, const MachineLimits& limits,
                                      const std::filesystem::path& root) {
  std::vector<std::string> hazards;
  if (!host.governor) {
    hazards.emplace_back("governor unknown");
  } else if (*host.governor != "performance") {
    hazards.push_back(fmt::format("governor is {}, not performance", *host.governor));
  }
  const auto online = static_cast<std::size_t>(sysconf(_SC_NPROCESSORS_ONLN));
  const std::size_t allowed = limits.processors.empty() ? online : limits.processors.size();
  if (limits.cpu_quota && *limits.cpu_quota < static_cast<double>(allowed)) {
    hazards.push_back(
        fmt::format("a processor quota of {:.2f} of {} processors: where it throttles, trials are flagged",
                    *limits.cpu_quota, allowed));
  }
  // The average is the machine's: where a part of it is ours, it tells nothing of that part.
  if (const auto load = read_first_line(root / "proc/loadavg"); load && allowed >= online) {
    double average = 0;
    const auto parsed = std::from_chars(load->data(), load->data() + load->size(), average);
    if (parsed.ec == std::errc() && average > kBusyShare * static_cast<double>(online)) {
      hazards.push_back(fmt::format("load average {:.2f} on {} processors at the start", average, online));
    }
  }
  return hazards;
}

std::string describe_limits(const MachineLimits& limits) {
  const auto words = [](bool there, const std::string& text, const char* otherwise) {
    return there ? text : otherwise;
  };
  return fmt::format(
      "processors {}, {}, {}", words(!limits.processors.empty(), format_processor_list(limits.processors), "unknown"),
      words(limits.cpu_quota.has_value(), fmt::format("quota of {:.2f} processors", limits.cpu_quota.value_or(0)),
            "no quota"),
      words(limits.memory_limit_bytes.has_value(),
            fmt::format("{} MiB of memory", limits.memory_limit_bytes.value_or(0) >> 20), "no memory limit"));
}

}  // namespace qtrap::measure
