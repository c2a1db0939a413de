// The ratio to f16 along a chain: how it changes as hops double, paired inside sessions.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "fit/ratios.hpp"

namespace qtrap::fit {

/// Slope of the log ratio per doubling of hops, of one scheme with everything else fixed.
struct HopSlope {
  judge::CellKey cell;  ///< hops is 0
  std::string scheme;
  Quantity quantity = Quantity::kTime;
  std::vector<double> hops;            ///< ascending, two at least
  std::vector<double> session_slopes;  ///< least squares in each session that has two of them at least
  double slope = 0;                    ///< their mean; 0: the ratio does not depend on hops
  std::optional<Interval> interval;    ///< over sessions, by the judge's moderated t; none with one session
  double degrees_of_freedom = 0;
};

/// One per group of `ratios` that differ in hops alone and hold two of them. Flagged ratios are left out.
std::vector<HopSlope> compute_hop_slopes(std::span<const Ratio> ratios, double confidence = kConfidence);

}  // namespace qtrap::fit
