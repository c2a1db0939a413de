// Means over sessions with intervals that share, among many quantities of a device, what is known of the spread between
// sessions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/statistics.hpp"

namespace qtrap::judge {

/// One quantity as each session found it.
struct SessionValues {
  std::string pool;  ///< spreads are shared within it: find_pool() of judge.hpp
  std::string kin;   ///< quantities whose sessions err alike (cells of one scheme): together they count once
  std::vector<double> values;
};

/// A mean over sessions.
struct Estimate {
  Interval interval;          ///< centred on the mean
  double standard_error = 0;  ///< of the mean
  double degrees_of_freedom = 0;
};

/// Moderated t (Smyth 2004, doi 10.2202/1544-6115.1027): each variance is shrunk to the one that the pool's
/// quantities share; the degrees of freedom are never above (most sessions - 1) x kin, less what the
/// kin share by their anchor, nor below one's own. None where
/// there is one session.
std::vector<std::optional<Estimate>> pool_sessions(std::span<const SessionValues> quantities, double confidence);

/// Degrees of freedom at most of a moderated variance: `own` of each quantity, from so many kin whose variances
/// correlate by what they share of their anchor.
double shared_degrees(double own, double kin);

/// A mean with Student's own interval; none with fewer than two values.
std::optional<Estimate> pool_blocks(std::span<const double> values, double confidence);

}  // namespace qtrap::judge
