// Whether this process stood still inside a window: stopped (SIGSTOP, Ctrl-Z, a frozen container), a virtual machine
// paused, the machine suspended. Clocks go on meanwhile, so the window would be taken for slow. A heartbeat tells: a
// thread that wakes twenty times a second. Where it woke late, or the clock that counts suspension ran ahead of the one
// that does not, everything stood still. A pause of less than kLongestBeat that is no suspension is not seen.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "core/clock.hpp"

namespace qtrap::measure {

/// Word of a trial's `flags`.
inline constexpr const char* kPaused = "paused";
/// Longest time between two beats of a process that runs: wake-ups come up to 100 ms late beside many busy processes.
inline constexpr Seconds kLongestBeat(0.25);
/// What the two clocks may differ by between two beats: they are not read at once.
inline constexpr Seconds kClockSlack(0.02);

/// CLOCK_BOOTTIME: goes on while the machine is suspended, where the monotonic clock stands.
Seconds read_boot_time();

/// The beats. Plain numbers; not for several threads.
class PauseLog {
 public:
  /// A moment at which the process ran, by the monotonic clock and by the one that counts suspension.
  void beat(Seconds now, Seconds boot);
  /// Whether the process stood still between `begin` and the last beat.
  bool stood_still_since(Seconds begin) const { return pause_end_ && *pause_end_ > begin; }

 private:
  struct Beat {
    Seconds now, boot;
  };
  std::optional<Beat> last_;
  std::optional<Seconds> pause_end_;  ///< of the latest pause
};

/// The heartbeat of this process.
class PauseWatch {
 public:
  explicit PauseWatch(const Clock& clock);
  ~PauseWatch();
  PauseWatch(const PauseWatch&) = delete;
  PauseWatch& operator=(const PauseWatch&) = delete;
  /// Whether the process stood still between `begin`, by the clock, and now.
  bool stood_still_since(Seconds begin);

 private:
  void run();

  const Clock* clock_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  PauseLog log_;
  std::thread thread_;
};

}  // namespace qtrap::measure
