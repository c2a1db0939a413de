// The trials of one scheme in one cell, and values of them by session and block. Private to pooling.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/statistics.hpp"
#include "profile/cell.hpp"
#include "result/records.hpp"

namespace qtrap::pool {

/// A pooled value and how its interval was obtained; no interval where one value stands alone.
struct Pooled {
  double value = 0;
  std::optional<Interval> interval;
  std::string method;  ///< "t over 3 sessions", "t over blocks of one session", "none"
};

/// Pools positive values given per session and block: the value is the median over sessions of the sessions' medians;
/// the interval a 95 % t interval of the logarithms (ratios and times are positive and multiply). Requires one value at
/// least.
Pooled pool_values(const std::vector<std::vector<double>>& by_session);

/// Values of one scheme by (session, block).
using BlockValues = std::map<std::string, std::map<std::int64_t, double>>;

/// Trials of one scheme in one cell. Flagged ones are left out, unless all of them are: then they are used and
/// `all_flagged` says so.
struct SchemeTrials {
  std::vector<const result::TrialRecord*> bare, profiled;
  std::vector<const result::TrialRecord*> loops;       ///< of phases, flagged or not
  std::vector<const result::TrialRecord*> every_bare;  ///< flagged or not
  std::vector<const result::TrialRecord*> checks;      ///< of its kernels, one per session; not among `all`
  std::int64_t all = 0;
  std::int64_t flagged = 0;
  bool all_flagged = false;
  std::vector<std::string> flags;  ///< distinct ones
};

SchemeTrials select_trials(std::span<const result::TrialRecord> trials, const profile::Cell& cell,
                           const std::string& scheme);

/// Wall time per chain.
BlockValues chain_times(const std::vector<const result::TrialRecord*>& trials);

/// The values alone, by session.
std::vector<std::vector<double>> values_of(const BlockValues& values);

/// Ratios of `top` to `bottom` where both have the block, by session.
std::vector<std::vector<double>> paired_ratios(const BlockValues& top, const BlockValues& bottom);

/// Median of `get` over the trials where it gives a value.
template <class Get>
std::optional<double> median_of(const std::vector<const result::TrialRecord*>& trials, Get&& get) {
  std::vector<double> values;
  for (const result::TrialRecord* trial : trials) {
    if (const std::optional<double> value = get(*trial)) values.push_back(*value);
  }
  if (values.empty()) return std::nullopt;
  return compute_median(values);
}

}  // namespace qtrap::pool
