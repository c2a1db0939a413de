// From which batch on a scheme is bound by its instructions: as its points predict it from the device's ceilings and
// the counted operations (`predicted_bound_batch`), and as their times show it. A matmul bound by bytes takes the same
// time whatever the batch; so the measured answer is the two neighbouring batches between which the time leaves that of
// the smallest batch by more than a quarter. It is coarse: cells of a campaign lie far apart, and what is not matmul
// grows with the batch too.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "judge/judge.hpp"
#include "result/records.hpp"

namespace qtrap::fit {

/// Of one scheme with everything but the batch fixed.
struct OperationBound {
  judge::CellKey cell;  ///< batch is 0
  std::string scheme;
  double unpack_operations = 0;  ///< per weight, counted
  double operation_budget = 0;   ///< per weight, of the device
  double predicted_bound_batch = 0;
  std::optional<double> predicted_slower_batch;
  std::vector<double> batches;               ///< ascending
  std::optional<double> measured_bound_low;  ///< largest batch in about the time of the smallest; none: one batch alone
  std::optional<double> measured_bound_high;  ///< the next; none: no batch took longer
};

/// One per group of measured points that differ in batch alone and carry a prediction. Points of other status than ok,
/// and those whose trials were all flagged, are left out.
std::vector<OperationBound> find_operation_bounds(std::span<const result::PointRecord> points);

}  // namespace qtrap::fit
