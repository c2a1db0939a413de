#include "measure/windows.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <utility>

#include "chain/resident_model.hpp"
#include "measure/pace.hpp"
#include "profile/cell.hpp"
#include "result/records.hpp"

namespace qtrap::measure {
namespace {

/// A window of a loop without a meter.
constexpr double kLoopWindow = 0.05;

void set_counts_of(const profile::Cell& cell, const Runner& runner, std::int64_t repetitions,
                   result::TrialRecord& trial) {
  const scheme::Costs chain = runner.chain->compute_costs(static_cast<std::uint64_t>(cell.context_tokens),
                                                          static_cast<std::uint64_t>(cell.steps()));
  set_counts(chain, 1, cell.hops, cell.tokens(), repetitions, trial);
  const auto& head = runner.chain->head();
  if (!head) return;
  trial.head_macs = static_cast<std::int64_t>(runner.chain->head_macs()) * cell.steps() * repetitions;
  trial.head_mac_class = head->mac_class();
  trial.head_format = format::info(head->weights).name;
}

void set_phases(const Window& window, result::TrialRecord& trial) {
  std::optional<double> result::TrialRecord::*const kPhases[] = {
      &result::TrialRecord::phase_cast_s,       &result::TrialRecord::phase_quantize_s,
      &result::TrialRecord::phase_dequantize_s, &result::TrialRecord::phase_matmul_s,
      &result::TrialRecord::phase_attention_s,  &result::TrialRecord::phase_other_s,
      &result::TrialRecord::phase_outliers_s,   &result::TrialRecord::phase_head_s};
  static_assert(std::size(kPhases) == scheme::kRoleCount);
  for (std::size_t i = 0; i < scheme::kRoleCount; ++i) trial.*kPhases[i] = window.phases[i].value();
  trial.gap_s = window.gap.value();
}

}  // namespace

result::TrialRecord WindowRecorder::make_trial(result::TrialMode mode, WindowPlace place) const {
  return measure::make_trial(plan_->session_index, mode, place.block, place.order);
}

result::TrialRecord WindowRecorder::make_trial(result::TrialMode mode, WindowPlace place, const profile::Cell& cell,
                                               const std::string& scheme, const chain::ResidentModel& resident) const {
  result::TrialRecord trial = make_trial(mode, place);
  trial.point_id = profile::make_point_id(cell, scheme);
  trial.scheme = scheme;
  trial.model = cell.model;
  trial.layers = static_cast<std::int64_t>(resident.layers_to_run);
  trial.resident_layers = static_cast<std::int64_t>(resident.layers.size());
  return trial;
}

std::optional<Watts> WindowRecorder::measure_idle(const std::string& phase, const std::string& cell_id) {
  log_->begin_window();
  EnergyReading reading = energy_->measure_rest();
  result::TrialRecord trial = make_trial(result::TrialMode::kIdle, {});
  trial.phase = phase;
  trial.wall_s = reading.wall.value();
  set_energy(reading, std::nullopt, trial);
  const bool clean = log_->keep(std::move(trial), std::move(reading.samples), reading.state).flags.empty();
  log_->hand_over(cell_id);
  if (!reading.energy || !clean) return std::nullopt;  // no net energy is better than one against a disturbed idle
  return *reading.energy / reading.busy;
}

void WindowRecorder::note_check(result::TrialRecord trial, const std::optional<SchemeCheck>& check,
                                const std::optional<std::string>& failure) {
  if (check) {
    trial.kernels_used = check->kernels;
    trial.rows = check->sum.rows;
    trial.rows_checked = check->sum.rows_checked;
    trial.check_error = check->sum.worst;
    trial.wall_s = check->wall.value();
    trial.unchecked_reason = check->unchecked_reason;
    if (check->unchecked_reason && !failure) trial.flags.emplace_back(kUnchecked);
  }
  trial.failure = failure;
  if (failure) trial.flags.emplace_back(kWrongResult);
  log_->note(std::move(trial));
}

void WindowRecorder::measure_loop(const LoadLoop& loop, result::TrialRecord trial) {
  trial.phase = loop.name;
  trial.mac_class = loop.mac_class;
  const double once = std::max(loop.play().value(), 1e-7);  // also warms up
  log_->begin_window();
  if (energy_ != nullptr) {
    EnergyReading reading = energy_->measure_load(loop.play, Seconds(once));
    set_counts(loop.costs, 1, loop.syncs, loop.tokens, reading.repetitions, trial);
    trial.wall_s = reading.wall.value();
    set_energy(reading, idle_, trial);
    (void)log_->keep(std::move(trial), std::move(reading.samples), reading.state);
    return;
  }
  const auto repetitions =
      std::clamp(static_cast<std::int64_t>(std::ceil(kLoopWindow / once)), std::int64_t{1}, kMostRepetitions);
  for (std::int64_t i = 0; i < repetitions && !timing_->stopped(); ++i) trial.wall_s += loop.play().value();
  set_counts(loop.costs, 1, loop.syncs, loop.tokens, repetitions, trial);
  (void)log_->keep(std::move(trial));
}

const result::TrialRecord& WindowRecorder::measure_bare(const profile::Cell& cell, Runner& runner,
                                                        result::TrialRecord trial) {
  const Timing timing = runner.paced(*timing_);
  log_->begin_window();
  if (energy_ == nullptr) {
    set_counts_of(cell, runner, runner.repetitions, trial);
    trial.wall_s = run_bare(timing, *runner.chain, cell, runner.repetitions).wall.value();
    return log_->keep(std::move(trial));
  }
  EnergyReading reading =
      energy_->measure_load([&] { return run_restarted(timing, *runner.chain, cell); }, Seconds(runner.once_s));
  set_counts_of(cell, runner, reading.repetitions, trial);
  trial.wall_s = reading.wall.value();
  set_energy(reading, idle_, trial);
  return log_->keep(std::move(trial), std::move(reading.samples), reading.state);
}

const result::TrialRecord& WindowRecorder::measure_profiled(const profile::Cell& cell, Runner& runner,
                                                            result::TrialRecord trial) {
  log_->begin_window();
  const Window window = run_profiled(runner.paced(*timing_), *runner.chain, cell, runner.repetitions);
  set_counts_of(cell, runner, runner.repetitions, trial);
  trial.time_basis = timing_->events_trusted ? result::TimeBasis::kEvents : result::TimeBasis::kHost;
  trial.wall_s = window.wall.value();
  if (window.stamp_fault.empty()) {
    set_phases(window, trial);
  } else {
    trial.flags.emplace_back(kBadStamps);
  }
  trial.events = static_cast<std::int64_t>(window.events);
  trial.kernels_used = runner.kernels_used;
  trial.matrix_unit = runner.chain->matrix_unit();
  trial.output_error = runner.output_errors.by_hop;
  return log_->keep(std::move(trial));
}

}  // namespace qtrap::measure
