// The trials of a session on their way to its sink: made with their keys and counts, kept with the state of the machine
// at the end of their windows, handed over cell by cell.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "measure/disturbance.hpp"
#include "measure/energy.hpp"
#include "measure/pause.hpp"
#include "measure/session.hpp"
#include "power/meter.hpp"
#include "result/records.hpp"
#include "scheme/scheme.hpp"

namespace qtrap::measure {

/// Word of a profiled trial's `flags`: a launch of it has event stamps that cannot be, so it has no phases.
inline constexpr const char* kBadStamps = "bad_stamps";

/// Words of a check's `flags`.
inline constexpr const char* kWrongResult = "wrong_result";
inline constexpr const char* kUnchecked = "unchecked";

/// A trial of session `session_index`; its counts are set by set_counts(), its keys by TrialLog.
result::TrialRecord make_trial(std::int64_t session_index, result::TrialMode mode, std::int64_t block,
                               std::int64_t order);

/// Counts of `repetitions` repetitions of `times` x `costs`, with `syncs` and `tokens` in each repetition.
void set_counts(const scheme::Costs& costs, std::int64_t times, std::int64_t syncs, std::int64_t tokens,
                std::int64_t repetitions, result::TrialRecord& trial);

class TrialLog {
 public:
  /// `energy` is null without a meter. All but `scope` must outlive the log.
  TrialLog(const Clock& clock, const SessionSink& sink, EnergyRecorder* energy, LoadScope scope = {});

  /// Windows in which the process stood still are flagged from now on; `pauses` must outlive the log.
  void watch_pauses(PauseWatch* pauses) { pauses_ = pauses; }
  void set_session(std::string session_id) { session_id_ = std::move(session_id); }

  /// To be called as a window begins.
  void begin_window();
  /// Looks at the machine after a window and keeps the trial, with the samples behind its energy. `under_load` is the
  /// state of the board where it was read inside the window.
  const result::TrialRecord& keep(result::TrialRecord trial, std::optional<result::SamplesRecord> samples = {},
                                  std::optional<power::BoardState> under_load = {});
  /// Keeps a trial that is no window, as it is.
  void note(result::TrialRecord trial);
  /// Hands over what was kept, as one cell.
  void hand_over(const std::string& cell_id, std::optional<result::StopReason> stop_reason = {});
  void drop();

 private:
  const SessionSink* sink_;
  EnergyRecorder* energy_;
  PauseWatch* pauses_ = nullptr;
  const Clock* clock_;
  LoadMonitor monitor_;
  Seconds window_begin_;
  std::string session_id_;
  std::vector<result::TrialRecord> trials_;
  std::vector<result::SamplesRecord> samples_;
};

}  // namespace qtrap::measure
