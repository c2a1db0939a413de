// Looks at a campaign while it runs: how much of the error each look may spend, and where it may decide. Lan and DeMets
// (1983, doi 10.1093/biomet/70.3.659): any looks, as long as what they spend together is planned by the share of
// sessions that are in. The spending is of O'Brien and Fleming's type: next to nothing early, nearly all of it at the
// end. The boundaries are those of a normal statistic; the judge takes their levels to Student's t (judge.hpp).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace qtrap::judge {

/// One look at a ratio.
struct Look {
  std::int64_t sessions = 0;  ///< that are in
  double spent = 0;           ///< two-sided error of this look and those before it together
  double boundary = 0;        ///< |z| above which it decides
  double level = 0;           ///< two-sided error of z at the boundary: intervals there have confidence 1 - level
  bool operator==(const Look&) const = default;
};

/// A campaign that is looked at after every session from the second on.
struct SpendingPlan {
  std::int64_t most_sessions = 2;  ///< >= 2
  double ratios = 1;               ///< that share the error evenly (Bonferroni), >= 1
  double schemes = 1;              ///< besides the anchor, >= 1: how far degrees of freedom are shared (pooling.hpp)
  double error = 0.05;             ///< of any ratio at any look, > 0, < 1
};

/// Two-sided error that may be spent by the time `fraction` of all sessions is in, 0 < fraction <= 1:
/// 4 - 4 Phi(z(1 - error / 4) / sqrt(fraction)), which is `error` at 1.
double spend_error(double fraction, double error);

/// |z| at each look of a normal statistic with independent increments, so that together they spend `spent` (cumulative,
/// growing) where there is no effect. `fractions` grow to at most 1; as many as `spent`. By numerical integration,
/// absolute error below 1e-4.
std::vector<double> find_boundaries(std::span<const double> fractions, std::span<const double> spent);

/// The looks of a plan: the last at most_sessions. Left out are those that could not decide: whose level Student's t
/// with the degrees of freedom of so few sessions would reach beyond 100 standard errors alone. Several looks spend
/// five sixths of the error by the normal law: Student's t takes the rest.
std::vector<Look> plan_looks(const SpendingPlan& plan);

}  // namespace qtrap::judge
