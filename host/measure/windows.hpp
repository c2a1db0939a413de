// The windows of a session: each measured with or without a meter, written as a trial, kept in the log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "chain/resident_model.hpp"
#include "measure/cell_chains.hpp"
#include "measure/energy.hpp"
#include "measure/load_loop.hpp"
#include "measure/pace.hpp"
#include "measure/trial_log.hpp"
#include "profile/cell.hpp"
#include "result/records.hpp"

namespace qtrap::measure {

/// Where a window belongs in its session.
struct WindowPlace {
  std::int64_t block = 0;
  std::int64_t order = 0;
};

class WindowRecorder {
 public:
  /// All must outlive this; `energy` is null without a meter.
  WindowRecorder(const SessionPlan& plan, const Timing& timing, EnergyRecorder* energy, TrialLog& log)
      : plan_(&plan), timing_(&timing), energy_(energy), log_(&log) {}

  /// An idle window, kept as a cell of its own; its power.
  std::optional<Watts> measure_idle(const std::string& phase, const std::string& cell_id);
  /// Power at rest that later windows' idle energies are reckoned with.
  void set_idle(std::optional<Watts> power) { idle_ = power; }

  /// What the check of a scheme found, as a trial of mode `check` with its keys already set.
  void note_check(result::TrialRecord trial, const std::optional<SchemeCheck>& check,
                  const std::optional<std::string>& failure);

  /// A window of `loop`: as long as the meter needs, or 50 ms without one. `trial` brings mode, place and keys.
  void measure_loop(const LoadLoop& loop, result::TrialRecord trial);
  const result::TrialRecord& measure_bare(const profile::Cell& cell, Runner& runner, result::TrialRecord trial);
  const result::TrialRecord& measure_profiled(const profile::Cell& cell, Runner& runner, result::TrialRecord trial);

  /// A trial of no cell, and one of a scheme in a cell.
  result::TrialRecord make_trial(result::TrialMode mode, WindowPlace place) const;
  result::TrialRecord make_trial(result::TrialMode mode, WindowPlace place, const profile::Cell& cell,
                                 const std::string& scheme, const chain::ResidentModel& resident) const;

 private:
  const SessionPlan* plan_;
  const Timing* timing_;
  EnergyRecorder* energy_;
  TrialLog* log_;
  std::optional<Watts> idle_;
};

}  // namespace qtrap::measure
