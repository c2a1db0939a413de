#include "pool/pool_blocks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/contract.hpp"

namespace qtrap::pool {

using result::TrialRecord;

SchemeTrials select_trials(std::span<const TrialRecord> trials, const profile::Cell& cell, const std::string& scheme) {
  SchemeTrials selected;
  SchemeTrials flagged;
  for (const TrialRecord& trial : trials) {
    if (trial.cell_id != cell.id() || trial.scheme != scheme) continue;
    if (trial.mode == result::TrialMode::kCheck) {
      selected.checks.push_back(&trial);
      continue;
    }
    ++selected.all;
    SchemeTrials& into = trial.flags.empty() ? selected : flagged;
    if (!trial.flags.empty()) ++selected.flagged;
    for (const auto& flag : trial.flags) {
      if (std::find(selected.flags.begin(), selected.flags.end(), flag) == selected.flags.end())
        selected.flags.push_back(flag);
    }
    if (trial.mode == result::TrialMode::kBare) {
      into.bare.push_back(&trial);
      selected.every_bare.push_back(&trial);
    }
    if (trial.mode == result::TrialMode::kProfiled) into.profiled.push_back(&trial);
    if (trial.mode == result::TrialMode::kPhaseLoop) selected.loops.push_back(&trial);
  }
  selected.all_flagged = selected.bare.empty() && !flagged.bare.empty();
  if (selected.bare.empty()) selected.bare = flagged.bare;
  if (selected.profiled.empty()) selected.profiled = flagged.profiled;
  return selected;
}

BlockValues chain_times(const std::vector<const TrialRecord*>& trials) {
  BlockValues times;
  for (const TrialRecord* trial : trials)
    times[trial->session_id][trial->block] = trial->wall_s / static_cast<double>(trial->repetitions);
  return times;
}

std::vector<std::vector<double>> values_of(const BlockValues& values) {
  std::vector<std::vector<double>> lists;
  for (const auto& [session, blocks] : values) {
    auto& list = lists.emplace_back();
    for (const auto& [block, value] : blocks) list.push_back(value);
  }
  return lists;
}

std::vector<std::vector<double>> paired_ratios(const BlockValues& top, const BlockValues& bottom) {
  std::vector<std::vector<double>> ratios;
  for (const auto& [session, blocks] : top) {
    const auto other = bottom.find(session);
    if (other == bottom.end()) continue;
    std::vector<double> list;
    for (const auto& [block, value] : blocks) {
      const auto match = other->second.find(block);
      if (match != other->second.end()) list.push_back(value / match->second);
    }
    if (!list.empty()) ratios.push_back(std::move(list));
  }
  return ratios;
}

Pooled pool_values(const std::vector<std::vector<double>>& by_session) {
  expects(!by_session.empty(), "pooling needs a session");
  std::vector<double> medians;
  medians.reserve(by_session.size());
  for (const auto& values : by_session) medians.push_back(compute_median(values));
  Pooled pooled;
  pooled.value = compute_median(medians);
  const std::vector<double>& units = by_session.size() == 1 ? by_session.front() : medians;
  std::vector<double> logs;
  for (const double value : units) {
    expects(value > 0, "pooled values are positive");
    logs.push_back(std::log(value));
  }
  const auto interval = compute_t_interval(logs);
  pooled.method = "none";
  if (!interval) return pooled;
  // The interval is of the mean, the value a median: with a skewed sample it may lie outside, and then widens it.
  pooled.interval = Interval{std::exp(interval->value), std::min(std::exp(interval->low), pooled.value),
                             std::max(std::exp(interval->high), pooled.value)};
  pooled.method =
      by_session.size() == 1 ? "t over blocks of one session" : fmt::format("t over {} sessions", by_session.size());
  return pooled;
}

}  // namespace qtrap::pool
