// What else ran while a trial was measured: foreign load on the host's processors, other processes on the board, and
// throttling. Contention does not show in a trial's spread, so it is looked for, flagged and counted.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/machine_limits.hpp"
#include "power/meter.hpp"

namespace qtrap::measure {

/// Words of a trial's `flags`.
inline constexpr const char* kForeignLoad = "foreign_load";
inline constexpr const char* kForeignProcess = "foreign_process";
inline constexpr const char* kThrottled = "throttled";
inline constexpr const char* kQuotaThrottled = "quota_throttled";  ///< a control group's processor quota ran out
inline constexpr const char* kLoadUnknown = "load_unknown";        ///< no /proc/stat, or one that stands still

/// Where load counts as foreign.
struct LoadScope {
  std::filesystem::path root = "/";                ///< another one in tests
  std::vector<int> processors;                     ///< those this process may use; empty: all
  bool used_only = false;                          ///< of these, those that its threads ran on meanwhile: for a GPU
  std::vector<std::filesystem::path> quota_files;  ///< MachineLimits::quota_files
};

/// The scope of a session on a device of this type: a CPU device's threads share caches and memory with whatever runs
/// on the processors they may use; a GPU needs no more of the host than what launches and waits.
LoadScope make_load_scope(const MachineLimits& limits, bool on_cpu);

/// A thread's processor time so far, in ticks, and where it ran last.
struct Task {
  std::uint64_t ticks = 0;
  int processor = 0;
};

/// Processor time since boot [s].
struct LoadSnapshot {
  Seconds at;     ///< monotonic
  double busy_s;  ///< of all processes, interrupts and other machines' (steal), on the scope's processors together
  double own_s;   ///< of this process and all its threads
  double counted_s = 0;                     ///< busy, idle and waiting: stands still where the source is frozen
  std::map<int, double> by_processor = {};  ///< busy, where the scope has used_only
  std::map<int, Task> tasks = {};           ///< this process's threads, likewise
  std::uint64_t throttled_periods = 0;      ///< of the quota
};

/// Absent where /proc/stat cannot be read.
std::optional<LoadSnapshot> read_load(const Clock& clock, const LoadScope& scope = {});

/// Processors that were busy with something else between two snapshots, on average.
double compute_foreign_processors(const LoadSnapshot& from, const LoadSnapshot& to);

/// Judges windows by processor time. /proc/stat counts in ticks of 10 ms, so a short window is judged over the last
/// half second, whatever it held.
class LoadMonitor {
 public:
  explicit LoadMonitor(const Clock& clock, LoadScope scope = {});
  /// To be called as a window begins.
  void begin();
  /// To be called as it ends: kForeignLoad where more than a quarter of a processor was busy with something else since
  /// begin(), or over the last half second if that is longer; kQuotaThrottled where the quota stopped this process
  /// since begin(); kLoadUnknown where the load cannot be known.
  std::vector<std::string> judge();

 private:
  const Clock* clock_;
  LoadScope scope_;
  std::deque<LoadSnapshot> marks_;  ///< in order of time
};

/// Flags from the state of the board around a trial: throttle reasons, and processes beside ours. `own_pid` may be
/// missing in the driver's list (containers number processes anew): then one process is taken for ours.
std::vector<std::string> judge_board(const power::BoardState& state, std::uint32_t own_pid);

}  // namespace qtrap::measure
