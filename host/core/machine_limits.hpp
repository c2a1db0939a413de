// What this process may use of the machine: processors (affinity mask, which holds the cpuset too; the processor quota
// of its control groups; Slurm's grant) and memory (limits of its control groups, version 1 and 2; Slurm's grant).
// Containers and batch systems give less than the machine has. Sources: proc(5), cgroups(7), the kernel's
// admin-guide/cgroup-v1 and cgroup-v2, sbatch(1).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qtrap {

/// Where limits are read; a test gives a folder and variables of its own.
struct MachineSources {
  std::filesystem::path root = "/";
  std::map<std::string, std::string> environment;  ///< Slurm's variables

  /// This machine and this process's environment.
  static MachineSources system();
};

struct MachineLimits {
  std::vector<int> processors;      ///< numbers of those in the mask that are online, ascending; empty: not readable
  std::optional<double> cpu_quota;  ///< processors' worth of time, the least of all control groups; absent: none
  std::optional<int> granted;       ///< processors of Slurm's grant
  std::optional<std::uint64_t> memory_limit_bytes;  ///< the least limit; absent: none below the machine's memory
  std::optional<std::uint64_t> memory_room_bytes;   ///< least of (limit less anonymous memory in use under it)
  std::vector<std::filesystem::path> quota_files;   ///< cpu.stat of each control group with a quota

  /// Threads that can run at once without being throttled, at least 1; absent: as many as there are processors.
  std::optional<int> usable_threads() const;
  /// Whether thread i may be put on processor i for all of `threads`: the mask begins at 0 and has no hole there.
  bool is_dense(int threads) const;
};

/// Reads all of it; what cannot be read is absent. A few ms.
MachineLimits read_machine_limits(const MachineSources& sources = MachineSources::system());

/// Periods in which the quota stopped this process's control groups so far (nr_throttled), summed.
std::uint64_t read_throttled_periods(const std::vector<std::filesystem::path>& quota_files);

/// "0-3,8" as numbers; absent for anything else.
std::optional<std::vector<int>> parse_processor_list(std::string_view text);
/// Ascending numbers as "0-3,8".
std::string format_processor_list(const std::vector<int>& processors);

/// Folders of the process's own control group and those above it, innermost first, for a `controller` ("cpu",
/// "memory"): of version 1 where that is mounted, else of version 2. `mountinfo` and `cgroup` are texts of /proc/self.
/// Paths are those of the machine, without a root. Empty where there is none.
std::vector<std::filesystem::path> find_control_groups(std::string_view mountinfo, std::string_view cgroup,
                                                       std::string_view controller);

}  // namespace qtrap
