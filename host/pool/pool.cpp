#include "pool/pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>

#include "chain/layout.hpp"
#include "core/anchor.hpp"
#include "core/contract.hpp"
#include "measure/ceilings/ceilings.hpp"
#include "model/step.hpp"
#include "pool/pool_blocks.hpp"
#include "pool/pool_energy.hpp"
#include "pool/pool_ratios.hpp"
#include "result/closure.hpp"
#include "scheme/catalogue/kernel_table.hpp"
#include "scheme/scheme.hpp"

namespace qtrap::pool {
namespace {

using result::PointRecord;
using result::StopReason;
using result::TrialRecord;

struct PhaseMember {
  std::optional<double> TrialRecord::*trial;
  std::optional<double> PointRecord::*point;
};

constexpr PhaseMember kPhases[] = {{&TrialRecord::phase_cast_s, &PointRecord::phase_cast_s},
                                   {&TrialRecord::phase_quantize_s, &PointRecord::phase_quantize_s},
                                   {&TrialRecord::phase_dequantize_s, &PointRecord::phase_dequantize_s},
                                   {&TrialRecord::phase_matmul_s, &PointRecord::phase_matmul_s},
                                   {&TrialRecord::phase_attention_s, &PointRecord::phase_attention_s},
                                   {&TrialRecord::phase_other_s, &PointRecord::phase_other_s},
                                   {&TrialRecord::phase_outliers_s, &PointRecord::phase_outliers_s},
                                   {&TrialRecord::phase_head_s, &PointRecord::phase_head_s}};

/// None where the trial's stamps could not be believed.
std::optional<double> closure_of(const TrialRecord& trial) {
  if (!trial.gap_s) return std::nullopt;
  double sum = trial.gap_s.value_or(0);
  for (const auto& phase : kPhases) sum += (trial.*phase.trial).value_or(0);
  return sum / trial.wall_s - 1;
}

PointRecord describe(const PoolInput& input, const std::string& scheme) {
  const auto info = scheme::find_scheme(scheme).value();
  const auto& model = *input.model;
  PointRecord point;
  point.point_id = profile::make_point_id(input.cell, scheme);
  point.cell_id = input.cell.id();
  point.model = input.cell.model;
  if (!model.family.empty()) point.model_family = model.family;
  point.params = model::compute_parameters(model);
  point.params_step = model::compute_step_parameters(model);
  point.layers = model.layers;
  point.hidden = model.hidden;
  point.ffn = model.ffn;
  point.heads = model.heads;
  point.kv_heads = model.kv_heads;
  point.scheme = scheme;
  point.path = info.path;
  point.weight_bits = info.weight_bits();
  point.activation_bits = info.activation_bits();
  point.weight_format = format::info(info.weights).name;
  point.mac_class = info.mac_class();
  point.batch = input.cell.batch;
  point.hops = input.cell.hops;
  point.tokens_per_hop = input.cell.tokens_per_hop;
  point.context_tokens = input.cell.context_tokens;
  point.phase = input.cell.phase;
  point.workload = find_word<result::Workload>(to_string(input.campaign->workload)).value();
  if (point.workload == result::Workload::kDecoder) point.kv_format = to_string(info.cache);
  if (format::info(info.weights).grouped) point.group_size = input.campaign->group_size;
  return point;
}

/// What the sessions of these ids have of one ceiling.
template <class T>
std::vector<T> ceilings_of(const PoolInput& input, const std::vector<std::string>& sessions,
                           std::optional<T> result::Ceilings::*member) {
  std::vector<T> values;
  for (const auto& session : input.sessions) {
    if (std::find(sessions.begin(), sessions.end(), session.session_id) == sessions.end()) continue;
    if (const auto value = session.ceilings.*member) values.push_back(*value);
  }
  return values;
}

/// Median over the point's sessions of one ceiling.
std::optional<double> ceiling(const PoolInput& input, const std::vector<std::string>& sessions,
                              std::optional<double> result::Ceilings::*member) {
  const auto values = ceilings_of(input, sessions, member);
  if (values.empty()) return std::nullopt;
  return compute_median(values);
}

/// The ceiling that bounds a point's multiply-adds, and how many of its operations each takes. The unit that its
/// matmuls ran on decides.
scheme::OwnRate choose_rate(const PoolInput& input, const PointRecord& point, const scheme::SchemeInfo& info) {
  const scheme::ActivationInfo& activations = scheme::info(info.activations);
  if (point.matrix_unit && *point.matrix_unit != "none") return {activations.matrix_ceiling};
  const scheme::OwnRate& own = info.own_rate;
  const auto computes_own = [&](const std::string& name) {
    const scheme::KernelEntry* kernel = scheme::find_named(name);
    return kernel != nullptr && kernel->operation == *own.operation;
  };
  const bool used = !own.operation || std::any_of(point.kernels_used.begin(), point.kernels_used.end(), computes_own);
  if (used && !own.ceiling.empty() && ceiling(input, point.session_ids, measure::member_of(own.ceiling))) return own;
  return {activations.vector_ceiling};
}

/// A fraction above this says that the ceiling was measured too low, or that what was read lies in the cache.
constexpr double kMostOfRoof = 1.1;

void set_fraction(const PoolInput& input, double resident_bytes, PointRecord& point) {
  const double fraction = *point.roof_s / *point.time_s;
  if (fraction <= kMostOfRoof) {
    point.roof_status = result::RoofStatus::kOk;
    point.roof_fraction = fraction;
    return;
  }
  const auto caches = ceilings_of(input, point.session_ids, &result::Ceilings::cache_bytes);
  const bool in_cache =
      point.roof_ceiling == "read_bytes_per_s" && std::any_of(caches.begin(), caches.end(), [&](std::int64_t bytes) {
        return resident_bytes < static_cast<double>(chain::kFewestCaches) * static_cast<double>(bytes);
      });
  point.roof_status = in_cache ? result::RoofStatus::kInCache : result::RoofStatus::kCeilingTooLow;
}

scheme::WeightFormat head_format(const PointRecord& point) {
  const auto formats = format::all_formats();
  const auto found = std::find_if(formats.begin(), formats.end(),
                                  [&](const format::FormatInfo& one) { return one.name == point.head_format; });
  return found == formats.end() ? format::kPlainFormat : found->format;
}

/// Fewest bytes (each weight, and of a decoder each position of the caches, once per step in its format) and all
/// multiply-adds over the ceilings.
void add_roof(const PoolInput& input, PointRecord& point) {
  const auto info = scheme::find_scheme(point.scheme).value();
  const model::Step step = model::make_step(*input.model, input.campaign->workload);
  const auto group_size = static_cast<std::uint32_t>(input.campaign->group_size);
  const double layer_bytes =
      static_cast<double>(chain::compute_weight_bytes(step, step.layer, info.weights, group_size));
  const double head_bytes =
      static_cast<double>(chain::compute_weight_bytes(step, step.final, head_format(point), group_size));
  const auto steps = static_cast<double>(input.cell.steps());
  const double fewest_bytes =
      (layer_bytes * static_cast<double>(input.model->layers) + head_bytes) * steps +
      chain::compute_cache_bytes(step, input.cell, info.cache) * static_cast<double>(input.model->layers);
  const auto bandwidth = ceiling(input, point.session_ids, &result::Ceilings::read_bytes_per_s);
  if (!bandwidth) return;
  point.roof_s = fewest_bytes / *bandwidth;
  point.roof_ceiling = "read_bytes_per_s";
  const scheme::OwnRate bound = choose_rate(input, point, info);
  if (const auto rate = ceiling(input, point.session_ids, measure::member_of(bound.ceiling))) {
    const double operations = bound.operations * static_cast<double>(point.macs.value_or(0));
    if (operations / *rate > *point.roof_s) {
      point.roof_s = operations / *rate;
      point.roof_ceiling = bound.ceiling;
    }
  }
  const auto resident = static_cast<double>(point.resident_layers.value_or(input.model->layers));
  set_fraction(input, layer_bytes * resident, point);
}

/// What the scheme's matmul takes per weight, and from which batch on that is predicted to bind it.
void add_budget(const PoolInput& input, PointRecord& point) {
  const auto info = scheme::find_scheme(point.scheme).value();
  const model::Step step = model::make_step(*input.model);
  const auto group_size = static_cast<std::uint32_t>(input.campaign->group_size);
  const auto bytes_in = [&](format::WeightFormat format) {
    return static_cast<double>(chain::compute_weight_bytes(step, step.layer, format, group_size));
  };
  const double bytes_per_weight = 2 * bytes_in(info.matmul_format()) / bytes_in(format::kPlainFormat);
  point.stored_weight_bits = 8 * bytes_per_weight;
  point.unpack_operations = scheme::unpack_operations(info);
  result::Ceilings pooled;
  for (const measure::CeilingRow& row : measure::ceiling_rows())
    pooled.*row.value = ceiling(input, point.session_ids, row.value);
  const auto rates = measure::rates_of(pooled, info);
  if (!rates) return;
  const scheme::OperationBudget budget = scheme::compute_budget(bytes_per_weight, *point.unpack_operations, *rates);
  point.operation_budget = budget.per_weight;
  point.predicted_bound_batch = budget.bound_batch;
  point.predicted_slower_batch = budget.slower_batch;
}

/// Counts of a chain of all layers: `scale` times those of the layers that were run, what follows the last one once.
void add_counts(const PoolInput& input, const TrialRecord& trial, double scale, PointRecord& point) {
  const auto per_chain_count = [&](std::int64_t count, std::uint64_t after_layers = 0) {
    const double once = static_cast<double>(after_layers) * static_cast<double>(input.cell.steps());
    const double chain = static_cast<double>(count) / static_cast<double>(trial.repetitions);
    return static_cast<std::int64_t>(std::llround(scale * (chain - once) + once));
  };
  const scheme::Costs last =
      chain::compute_final_costs(model::make_step(*input.model), static_cast<std::uint64_t>(input.cell.batch));
  point.bytes = per_chain_count(trial.bytes, last.bytes);
  point.cached_bytes = per_chain_count(trial.cached_bytes);
  point.macs = per_chain_count(trial.macs);
  point.dequantized_weights = per_chain_count(trial.dequantized_weights);
  point.cast_elements = per_chain_count(trial.cast_elements);
  point.launches = per_chain_count(trial.launches, last.launches);
  point.syncs = trial.syncs / trial.repetitions;
  point.resident_layers = trial.resident_layers;
  point.head_format = trial.head_format;
}

/// Takes the phases out where they do not add up to the wall, a launch and a wait of each hop aside. None to take: the
/// stamps of every profiled window were impossible.
void judge_closure(const PoolInput& input, const TrialRecord& sample, PointRecord& point) {
  std::string why = "no profiled window has event stamps that can be";
  if (point.closure_time) {
    const double waits = ceiling(input, point.session_ids, &result::Ceilings::host_sync_s).value_or(0) +
                         ceiling(input, point.session_ids, &result::Ceilings::empty_launch_s).value_or(0);
    const double explained = waits * static_cast<double>(sample.syncs) / sample.wall_s;
    if (std::fabs(*point.closure_time) <= result::kMostClosure + explained) return;
    why = fmt::format("phases and gaps add up to {:.0f} % of the wall", 100 * (1 + *point.closure_time));
  }
  for (const auto& phase : kPhases) (point.*phase.point).reset();
  point.gap_s.reset();
  if (!point.reason) point.reason = why + ": the point has no phases";
}

void add_phases(const PoolInput& input, const SchemeTrials& trials, double scale, PointRecord& point) {
  const auto scaled = [&](std::optional<double> TrialRecord::*member) {
    return median_of(trials.profiled, [&](const TrialRecord& trial) -> std::optional<double> {
      if (!(trial.*member)) return std::nullopt;
      return scale * *(trial.*member) / static_cast<double>(trial.repetitions);
    });
  };
  for (const auto& phase : kPhases) point.*phase.point = scaled(phase.trial);
  point.gap_s = scaled(&TrialRecord::gap_s);
  point.closure_time = median_of(trials.profiled, closure_of);
  judge_closure(input, *trials.profiled.back(), point);
  const auto overhead = paired_ratios(chain_times(trials.profiled), chain_times(trials.bare));
  if (!overhead.empty()) point.instrumentation_overhead = pool_values(overhead).value - 1;
  const TrialRecord& last = *trials.profiled.back();
  point.kernels_used = last.kernels_used;
  point.matrix_unit = last.matrix_unit;
  point.output_error = last.output_error;
  if (point.scheme != kAnchor && point.phase_matmul_s && *point.phase_matmul_s > 0) {
    point.cor_phase = (point.phase_cast_s.value_or(0) + point.phase_quantize_s.value_or(0) +
                       point.phase_dequantize_s.value_or(0) + point.phase_outliers_s.value_or(0)) /
                      *point.phase_matmul_s;
  }
}

/// The least favourable reason of the sessions: a budget that ran out first, then the trial limit.
StopReason worst_stop(const std::vector<const TrialRecord*>& trials) {
  std::set<StopReason> reasons;
  for (const TrialRecord* trial : trials) reasons.insert(trial->stop_reason.value_or(StopReason::kBudget));
  for (const StopReason reason : {StopReason::kBudget, StopReason::kTrials}) {
    if (reasons.contains(reason)) return reason;
  }
  return StopReason::kPrecision;
}

void fail(const std::string& reason, PointRecord& point) {
  point.status = result::PointStatus::kError;
  point.reason = reason;
}

/// Adds up what the sessions' checks compared. False: one of them found the scheme wrong, which the point then says.
bool add_checks(const SchemeTrials& trials, PointRecord& point) {
  for (const TrialRecord* check : trials.checks) {
    point.rows = point.rows.value_or(0) + check->rows.value_or(0);
    point.rows_checked = point.rows_checked.value_or(0) + check->rows_checked.value_or(0);
    if (check->unchecked_reason && !point.reason)
      point.reason = "not all of its kernels could be checked: " + *check->unchecked_reason;
    if (check->failure && point.status == result::PointStatus::kOk) fail(*check->failure, point);
  }
  return point.status == result::PointStatus::kOk;
}

/// All of a point but its ratios.
PointRecord pool_scheme(const PoolInput& input, const std::string& scheme, const SchemeTrials& trials) {
  PointRecord point = describe(input, scheme);
  point.trials = trials.all;
  point.trials_flagged = trials.flagged;
  const bool right = add_checks(trials, point);
  if (const auto failure = input.failures.find(scheme); failure != input.failures.end())
    fail(failure->second.message(), point);
  if (!right || point.status != result::PointStatus::kOk) return point;
  if (trials.bare.empty() || trials.profiled.empty()) {
    fail("no session measured it", point);
    return point;
  }
  if (trials.all_flagged) {
    point.reason = fmt::format("{}all of its trials are flagged ({}): they are used, but no verdict is drawn",
                               point.reason ? *point.reason + "; " : "", fmt::join(trials.flags, ", "));
  }
  const BlockValues times = chain_times(trials.bare);
  for (const auto& [session, blocks] : times) point.session_ids.push_back(session);
  point.sessions = static_cast<std::int64_t>(times.size());
  for (const auto& session : input.sessions) {
    if (session.session_id == point.session_ids.front()) point.device_id = session.device.id;
  }
  const TrialRecord& sample = *trials.bare.back();
  const double scale =
      static_cast<double>(input.model->layers) / static_cast<double>(sample.layers.value_or(input.model->layers));
  point.basis = scale == 1 ? result::PointBasis::kMeasured : result::PointBasis::kExtrapolated;
  if (scale != 1 && !point.reason)
    point.reason = fmt::format("{} of {} layers were run; times and counts are scaled by {}", *sample.layers,
                               input.model->layers, scale);
  const Pooled time = pool_values(values_of(times));
  point.time_s = scale * time.value;
  if (time.interval) {
    point.time_s_low = scale * time.interval->low;
    point.time_s_high = scale * time.interval->high;
  }
  point.interval_method = time.method;
  point.time_per_token_s = *point.time_s / static_cast<double>(input.cell.tokens());
  point.stop_reason = worst_stop(trials.bare);
  add_counts(input, sample, scale, point);
  add_phases(input, trials, scale, point);
  add_energy(trials, scale, point);
  point.bandwidth_bytes_per_s = static_cast<double>(*point.bytes) / *point.time_s;
  add_roof(input, point);
  add_budget(input, point);
  return point;
}

}  // namespace

std::vector<PointRecord> pool_cells(std::span<const PoolInput> inputs, double confidence) {
  std::vector<PooledScheme> schemes;
  judge::Options options;
  options.confidence = confidence;
  for (const PoolInput& input : inputs) {
    options.no_effect_margin = input.campaign->no_effect_margin;
    for (const auto& scheme : profile::schemes_with_anchor(*input.campaign)) {
      SchemeTrials trials = select_trials(input.trials, input.cell, scheme);
      PointRecord point = pool_scheme(input, scheme, trials);
      schemes.push_back({std::move(point), std::move(trials)});
    }
  }
  if (!schemes.empty()) add_ratios(schemes, options);
  std::vector<PointRecord> points;
  points.reserve(schemes.size());
  for (PooledScheme& scheme : schemes) points.push_back(std::move(scheme.point));
  return points;
}

}  // namespace qtrap::pool
