// Empirical Bayes for variances: many points with few sessions each share what they know of the spread (Smyth 2004).
// Private to judging.
#pragma once

#include <span>

namespace qtrap::judge {

/// A sample variance and its degrees of freedom, >= 1.
struct Spread {
  double variance = 0;
  double degrees_of_freedom = 1;
};

/// A scaled inverse chi-squared distribution of true variances; degrees 0: nothing is known, infinity: all are alike.
struct Prior {
  double variance = 0;
  double degrees_of_freedom = 0;
};

/// The prior of which `spreads` are a sample, by the moments of log variances. Degrees 0 with fewer than three spreads
/// or where all are 0. A variance of 0 counts as 1e-5 of the median.
Prior estimate_prior(std::span<const Spread> spreads);

/// The variance of one point in the light of the prior.
Spread moderate(const Spread& own, const Prior& prior);

}  // namespace qtrap::judge
