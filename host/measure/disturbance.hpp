// What else ran while a trial was measured: foreign load on the host's processors, other processes on the board, and
// throttling. Contention does not show in a trial's spread, so it is looked for, flagged and counted.
#pragma once

#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "power/meter.hpp"

namespace qtrap::measure {

/// Words of a trial's `flags`.
inline constexpr const char* kForeignLoad = "foreign_load";
inline constexpr const char* kForeignProcess = "foreign_process";
inline constexpr const char* kThrottled = "throttled";

/// Processor time since boot, summed over processors [s].
struct LoadSnapshot {
  Seconds at;     ///< monotonic
  double busy_s;  ///< of all processes, interrupts and other machines' (steal), from /proc/stat
  double own_s;   ///< of this process and all its threads
};

/// Absent where /proc/stat cannot be read. `root` is "/" outside tests.
std::optional<LoadSnapshot> read_load(const Clock& clock, const std::filesystem::path& root = "/");

/// Processors that were busy with something else between two snapshots, on average.
double compute_foreign_processors(const LoadSnapshot& from, const LoadSnapshot& to);

/// Judges windows by processor time. /proc/stat counts in ticks of 10 ms, so a short window is judged over the last
/// half second, whatever it held.
class LoadMonitor {
 public:
  explicit LoadMonitor(const Clock& clock, std::filesystem::path root = "/");
  /// To be called as a window begins.
  void begin();
  /// To be called as it ends: whether more than a quarter of a processor was busy with something else since begin(),
  /// or over the last half second if that is longer. False where it cannot be known.
  bool saw_foreign_load();

 private:
  const Clock* clock_;
  std::filesystem::path root_;
  std::deque<LoadSnapshot> marks_;  ///< in order of time
};

/// Flags from the state of the board around a trial: throttle reasons, and processes beside ours. `own_pid` may be
/// missing in the driver's list (containers number processes anew): then one process is taken for ours.
std::vector<std::string> judge_board(const power::BoardState& state, std::uint32_t own_pid);

}  // namespace qtrap::measure
