#include "pool/pool_energy.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/anchor.hpp"
#include "result/records.hpp"

namespace qtrap::pool {
namespace {

using result::PointRecord;
using result::TrialRecord;
using result::Verdict;
using Trials = std::vector<const TrialRecord*>;

struct PhaseMember {
  const char* name;
  std::optional<double> PointRecord::*time;
  std::optional<double> PointRecord::*energy;
  EnergyStatus PointRecord::*status;
};

constexpr PhaseMember kPhases[] = {
    {"cast", &PointRecord::phase_cast_s, &PointRecord::phase_cast_j, &PointRecord::phase_cast_j_status},
    {"quantize", &PointRecord::phase_quantize_s, &PointRecord::phase_quantize_j, &PointRecord::phase_quantize_j_status},
    {"dequantize", &PointRecord::phase_dequantize_s, &PointRecord::phase_dequantize_j,
     &PointRecord::phase_dequantize_j_status},
    {"matmul", &PointRecord::phase_matmul_s, &PointRecord::phase_matmul_j, &PointRecord::phase_matmul_j_status},
    {"attention", &PointRecord::phase_attention_s, &PointRecord::phase_attention_j,
     &PointRecord::phase_attention_j_status},
    {"other", &PointRecord::phase_other_s, &PointRecord::phase_other_j, &PointRecord::phase_other_j_status},
    {"outliers", &PointRecord::phase_outliers_s, &PointRecord::phase_outliers_j, &PointRecord::phase_outliers_j_status},
    {"head", &PointRecord::phase_head_s, &PointRecord::phase_head_j, &PointRecord::phase_head_j_status}};

/// `value` of each trial that has an energy, per chain, by (session, block).
template <class Value>
BlockValues chain_energies(const Trials& trials, Value&& value) {
  BlockValues energies;
  for (const TrialRecord* trial : trials) {
    if (const std::optional<double> joules = value(*trial))
      energies[trial->session_id][trial->block] = *joules / static_cast<double>(trial->repetitions);
  }
  return energies;
}

/// The commonest word that `of` gives of the trials, of several the first by the alphabet; none where it gives none.
template <IsWord E>
std::optional<E> find_commonest(const Trials& trials, std::optional<E> (*of)(const TrialRecord&)) {
  std::map<std::string_view, int> counts;
  for (const TrialRecord* trial : trials) {
    if (const auto word = of(*trial)) ++counts[word_of(*word)];
  }
  const auto most =
      std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == counts.end() ? std::nullopt : find_word<E>(most->first);
}

/// Of a trial with an energy.
std::optional<EnergyMethod> method_of(const TrialRecord& trial) {
  return trial.energy_gross_j ? trial.energy_method : std::nullopt;
}
/// Of a trial without one.
std::optional<EnergyStatus> fault_of(const TrialRecord& trial) {
  return trial.energy_status == EnergyStatus::kOk ? std::nullopt : std::optional(trial.energy_status);
}

Trials with_method(const Trials& trials, std::optional<EnergyMethod> method) {
  Trials same;
  std::copy_if(trials.begin(), trials.end(), std::back_inserter(same),
               [&](const TrialRecord* trial) { return trial->energy_method == method; });
  return same;
}

std::optional<double> idle_of(const TrialRecord& trial) { return trial.energy_idle_j; }

/// Value and interval of an energy.
struct Slots {
  std::optional<double> PointRecord::*value;
  std::optional<double> PointRecord::*low;
  std::optional<double> PointRecord::*high;
};
constexpr Slots kGross{&PointRecord::energy_gross_j, &PointRecord::energy_gross_j_low,
                       &PointRecord::energy_gross_j_high};
constexpr Slots kIdle{&PointRecord::energy_idle_j, &PointRecord::energy_idle_j_low, &PointRecord::energy_idle_j_high};
constexpr Slots kNet{&PointRecord::energy_net_j, &PointRecord::energy_net_j_low, &PointRecord::energy_net_j_high};

/// Pools positive values; false where there are none or one is not positive (a net energy below the idle noise).
bool set_pooled(const std::vector<std::vector<double>>& by_session, double scale, const Slots& slots,
                PointRecord& point) {
  if (by_session.empty()) return false;
  for (const auto& values : by_session) {
    if (std::any_of(values.begin(), values.end(), [](double value) { return value <= 0; })) return false;
  }
  const Pooled pooled = pool_values(by_session);
  point.*slots.value = scale * pooled.value;
  if (pooled.interval) {
    point.*slots.low = scale * pooled.interval->low;
    point.*slots.high = scale * pooled.interval->high;
  }
  return true;
}

EnergyStatus commonest_fault(const Trials& trials) {
  return find_commonest(trials, fault_of).value_or(EnergyStatus::kNoMeter);
}

/// A phase that is not known beside others is one that the trials' file had no key for, so no scheme had its passes.
bool has_no_pass(const PointRecord& point, const PhaseMember& phase) {
  const auto& time = point.*phase.time;
  return time ? *time == 0 : point.phase_matmul_s.has_value();
}

/// Energy per token of a loop's trial.
std::optional<double> token_energy(const TrialRecord& loop) {
  if (!loop.energy_gross_j || loop.tokens <= 0) return std::nullopt;
  return *loop.energy_gross_j / static_cast<double>(loop.tokens);
}

double tokens_of(const PointRecord& point) {
  return static_cast<double>(point.batch * point.hops * point.tokens_per_hop);
}

void add_phases(const SchemeTrials& trials, double scale, PointRecord& point) {
  double sum = 0;
  bool all = !trials.loops.empty();
  for (const PhaseMember& phase : kPhases) {
    Trials loops;
    std::copy_if(trials.loops.begin(), trials.loops.end(), std::back_inserter(loops),
                 [&](const TrialRecord* loop) { return loop->phase == phase.name; });
    if (std::any_of(loops.begin(), loops.end(), [](const TrialRecord* loop) { return loop->flags.empty(); }))
      std::erase_if(loops, [](const TrialRecord* loop) { return !loop->flags.empty(); });
    if (has_no_pass(point, phase)) {
      point.*phase.status = EnergyStatus::kNoPass;
      continue;
    }
    const auto per_token = median_of(loops, [](const TrialRecord& loop) { return token_energy(loop); });
    if (!per_token) {
      point.*phase.status = loops.empty() ? EnergyStatus::kUnattributable : commonest_fault(loops);
      all = false;
      continue;
    }
    point.*phase.status = EnergyStatus::kOk;
    point.*phase.energy = scale * tokens_of(point) * *per_token;
    sum += *(point.*phase.energy);
  }
  if (!all) return;
  // The loops ran in one session: they are held against that session's energies.
  Trials same;
  std::copy_if(trials.bare.begin(), trials.bare.end(), std::back_inserter(same),
               [&](const TrialRecord* bare) { return bare->session_id == trials.loops.front()->session_id; });
  const auto energies = values_of(chain_energies(same, gross_of));
  if (!energies.empty()) point.closure_energy = sum / (scale * pool_values(energies).value) - 1;
}

}  // namespace

std::optional<double> gross_of(const TrialRecord& trial) { return trial.energy_gross_j; }

std::optional<double> net_of(const TrialRecord& trial) {
  if (!trial.energy_gross_j || !trial.energy_idle_j) return std::nullopt;
  return *trial.energy_gross_j - *trial.energy_idle_j;
}

void add_energy(const SchemeTrials& trials, double scale, PointRecord& point) {
  point.verdict_energy = Verdict::kNoMeter;
  // Energies by counter and by integrated power differ by the sensor's gain and must not meet in one figure.
  const auto method = find_commonest(trials.bare, method_of);
  const Trials bare = with_method(trials.bare, method);
  const auto gross = chain_energies(method ? bare : Trials(), gross_of);
  const bool measured = set_pooled(values_of(gross), scale, kGross, point);
  if (!measured) {
    point.energy_status =
        gross.empty() ? commonest_fault(trials.bare) : EnergyStatus::kImplausible;  // a window of no energy
    if (point.energy_status != EnergyStatus::kNoMeter && point.scheme != kAnchor)
      point.verdict_energy = Verdict::kUndecided;
    for (const PhaseMember& phase : kPhases)
      point.*phase.status = has_no_pass(point, phase) ? EnergyStatus::kNoPass : point.energy_status;
    return;
  }
  point.energy_status = EnergyStatus::kOk;
  point.energy_method = method;
  set_pooled(values_of(chain_energies(bare, idle_of)), scale, kIdle, point);
  set_pooled(values_of(chain_energies(bare, net_of)), scale, kNet, point);
  point.energy_per_token_j = *point.energy_gross_j / tokens_of(point);
  add_phases(trials, scale, point);
  if (point.scheme == kAnchor) point.verdict_energy.reset();
  if (point.scheme != kAnchor && method != EnergyMethod::kEstimated) point.verdict_energy = Verdict::kUndecided;
}

}  // namespace qtrap::pool
