// Points from trials: what all sessions of a cell say together. Times and energies are summed up per session, their
// interval is Student's t over the sessions' values: with three sessions a percentile bootstrap covers 75 %, this 95 %
// (power.md). Ratios are the judge's (judge.hpp).
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/statistics.hpp"
#include "profile/cell.hpp"
#include "profile/profile.hpp"
#include "result/records.hpp"

namespace qtrap::pool {

struct PoolInput {
  profile::Cell cell;
  const profile::ModelProfile* model = nullptr;
  const profile::Campaign* campaign = nullptr;
  std::span<const result::SessionRecord> sessions;  ///< of the file; those without a trial of the cell are ignored
  std::span<const result::TrialRecord> trials;      ///< of the file; those of other cells are ignored
  std::map<std::string, Error> failures;            ///< by scheme: becomes a point with status error
};

/// One point per scheme of the campaign and cell, in their order, the anchor first. Cells that will be told together
/// are pooled together: their ratios share what is known of the spread between sessions (judge.hpp). `confidence` is
/// that of ratios and verdicts; times and energies have 95 %.
std::vector<result::PointRecord> pool_cells(std::span<const PoolInput> inputs, double confidence = kConfidence);

}  // namespace qtrap::pool
