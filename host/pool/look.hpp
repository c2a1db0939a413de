// A look at a run in progress: what its points decide so far, and whether more sessions are worth their time. On plain
// records, so that it can be tested without a device.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "profile/cell.hpp"
#include "result/records.hpp"

namespace qtrap::pool {

/// Ratios of time, and of energy where a sensor read it, of all points that could be measured.
struct LookCount {
  std::int64_t ratios = 0;
  std::int64_t undecided = 0;  ///< of them
  std::int64_t unseen = 0;     ///< of the undecided: those that would not have shown `ratio` with 80 % power
};

/// Counts over points as pool_cells() makes them, at the confidence of the look. `ratio` > 0, not 1: 0.95 is as far
/// from 1 as 1 / 0.95.
LookCount count_undecided(std::span<const result::PointRecord> points, double ratio);

using result::LookStop;

/// None: another session is to come.
std::optional<LookStop> decide_look(const LookCount& count, bool last);

/// The trials of the cells' first `sessions` sessions each, in their order: what a look after so many saw.
std::vector<result::TrialRecord> keep_first_sessions(std::span<const result::TrialRecord> trials,
                                                     std::span<const profile::Cell> cells, std::int64_t sessions);

}  // namespace qtrap::pool
