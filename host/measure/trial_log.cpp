#include "measure/trial_log.hpp"

#include <unistd.h>

#include <cstdint>
#include <utility>

#include "core/clock.hpp"
#include "power/meter.hpp"
#include "result/records.hpp"
#include "scheme/scheme.hpp"

namespace qtrap::measure {

result::TrialRecord make_trial(std::int64_t session_index, result::TrialMode mode, std::int64_t block,
                               std::int64_t order) {
  result::TrialRecord trial;
  trial.session_index = session_index;
  trial.mode = mode;
  trial.time_basis = result::TimeBasis::kHost;
  trial.block = block;
  trial.order = order;
  return trial;
}

void set_counts(const scheme::Costs& costs, std::int64_t times, std::int64_t syncs, std::int64_t tokens,
                std::int64_t repetitions, result::TrialRecord& trial) {
  const auto total = [&](std::uint64_t once) { return static_cast<std::int64_t>(once) * times * repetitions; };
  trial.repetitions = repetitions;
  trial.tokens = tokens * repetitions;
  trial.syncs = syncs * repetitions;
  trial.launches = total(costs.launches);
  trial.bytes = total(costs.bytes);
  trial.cached_bytes = total(costs.cached_bytes);
  trial.macs = total(costs.macs);
  trial.dequantized_weights = total(costs.dequantized_weights);
  trial.cast_elements = total(costs.cast_elements);
  trial.quantized_elements = total(costs.quantized_elements);
  trial.weight_launches = total(costs.weight_launches);
}

TrialLog::TrialLog(const Clock& clock, const SessionSink& sink, EnergyRecorder* energy, LoadScope scope)
    : sink_(&sink), energy_(energy), clock_(&clock), monitor_(clock, std::move(scope)) {}

void TrialLog::begin_window() {
  monitor_.begin();
  window_begin_ = clock_->now();
}

const result::TrialRecord& TrialLog::keep(result::TrialRecord trial, std::optional<result::SamplesRecord> samples,
                                          std::optional<power::BoardState> under_load) {
  trial.session_id = session_id_;
  for (auto& flag : monitor_.judge()) trial.flags.push_back(std::move(flag));
  if (pauses_ != nullptr && pauses_->stood_still_since(window_begin_)) trial.flags.emplace_back(kPaused);
  if (energy_ != nullptr) {
    const power::BoardState state = under_load ? *under_load : energy_->read_state();
    if (state.core_clock) trial.clock_hz = state.core_clock->value();
    trial.temperature_c = state.temperature_c;
    for (auto& flag : judge_board(state, static_cast<std::uint32_t>(getpid()))) trial.flags.push_back(std::move(flag));
  }
  if (samples) {
    samples->block = trial.block;
    samples->order = trial.order;
    samples_.push_back(std::move(*samples));
  }
  trials_.push_back(std::move(trial));
  return trials_.back();
}

void TrialLog::note(result::TrialRecord trial) {
  trial.session_id = session_id_;
  trials_.push_back(std::move(trial));
}

void TrialLog::hand_over(const std::string& cell_id, std::optional<result::StopReason> stop_reason) {
  for (auto& trial : trials_) {
    trial.cell_id = cell_id;
    trial.cell_trials = static_cast<std::int64_t>(trials_.size());
    trial.stop_reason = stop_reason;
  }
  for (auto& samples : samples_) {
    samples.session_id = session_id_;
    samples.cell_id = cell_id;
  }
  if (!trials_.empty()) sink_->on_cell(trials_, samples_);
  drop();
}

void TrialLog::drop() {
  trials_.clear();
  samples_.clear();
}

}  // namespace qtrap::measure
