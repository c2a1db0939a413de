#include "pool/pool_ratios.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/anchor.hpp"
#include "judge/judge.hpp"
#include "judge/point_cell.hpp"
#include "judge/point_ratio.hpp"
#include "pool/pool_energy.hpp"

namespace qtrap::pool {
namespace {

using result::PointRecord;
using result::TrialRecord;

/// Observations of one quantity: `value` gives it per window. A scheme with a value that is not positive (a net energy
/// below the noise of idle) has none.
template <class Value>
std::vector<judge::Observation> observe(std::span<const PooledScheme> schemes, Value&& value) {
  std::vector<judge::Observation> all;
  for (const PooledScheme& scheme : schemes) {
    if (scheme.point.status != result::PointStatus::kOk) continue;
    std::vector<judge::Observation> own;
    for (const TrialRecord* trial : scheme.trials.every_bare) {
      const std::optional<double> one = value(scheme.point, *trial);
      if (!one || (*one <= 0 && !trial->flags.empty())) continue;
      own.push_back({judge::cell_of(scheme.point), scheme.point.scheme, trial->session_id, trial->block,
                     *one / static_cast<double>(trial->repetitions), !trial->flags.empty()});
    }
    const bool positive = std::all_of(own.begin(), own.end(), [](const auto& one) { return one.value > 0; });
    if (positive) all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

void set(const judge::Judgement& one, const judge::RatioFields& fields, PointRecord& point) {
  judge::write_ratio(one, fields, point);
  if (fields.verdict == nullptr || point.reason) return;
  if (one.flagged)
    point.reason =
        "no block without a flagged trial of it or of f16: the ratio is of flagged ones, no verdict is drawn";
  else if (one.unpaired > 0)
    point.reason =
        fmt::format("{} of its sessions hold no block of f16 beside it: the ratio is of the others", one.unpaired);
}

void fill(const std::vector<judge::Observation>& observations, const judge::Options& options,
          const judge::RatioFields& fields, std::span<PooledScheme> schemes) {
  std::map<std::pair<judge::CellKey, std::string>, PointRecord*> points;
  for (PooledScheme& scheme : schemes) points[{judge::cell_of(scheme.point), scheme.point.scheme}] = &scheme.point;
  for (const judge::Judgement& one : judge::judge(observations, options))
    set(one, fields, *points.at({one.cell, one.scheme}));
}

}  // namespace

void add_ratios(std::span<PooledScheme> schemes, const judge::Options& options) {
  std::map<std::string, std::optional<EnergyMethod>> anchor_methods;  // by cell: how energies of f16 were obtained
  for (const PooledScheme& scheme : schemes) {
    if (scheme.point.scheme == kAnchor) anchor_methods[scheme.point.cell_id] = scheme.point.energy_method;
  }
  const auto shares_method = [&](const PointRecord& point, const TrialRecord& trial) {
    return point.energy_method && trial.energy_method == point.energy_method &&
           anchor_methods[point.cell_id] == point.energy_method;
  };
  const auto energy = [&](auto&& of) {
    return [&shares_method, of](const PointRecord& point, const TrialRecord& trial) {
      return shares_method(point, trial) ? of(trial) : std::optional<double>();
    };
  };
  for (PooledScheme& scheme : schemes) {
    if (scheme.point.status != result::PointStatus::kOk || scheme.point.scheme == kAnchor) continue;
    scheme.point.verdict_time = judge::Verdict::kUndecided;
    scheme.point.no_effect_margin = options.no_effect_margin;
    if (options.confidence != judge::Options().confidence) scheme.point.ratio_confidence = options.confidence;
  }
  fill(observe(schemes, [](const PointRecord&, const TrialRecord& trial) { return std::optional(trial.wall_s); }),
       options, judge::kTimeRatio, schemes);
  fill(observe(schemes, energy(gross_of)), options, judge::kGrossRatio, schemes);
  fill(observe(schemes, energy(net_of)), options, judge::kNetRatio, schemes);
  for (PooledScheme& scheme : schemes) {
    PointRecord& point = scheme.point;
    if (point.time_ratio) point.cor_operational = *point.time_ratio - 1;
    judge::withdraw_unread_energy(point);
  }
}

}  // namespace qtrap::pool
