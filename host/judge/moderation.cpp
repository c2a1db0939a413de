#include "judge/moderation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/statistics.hpp"

namespace qtrap::judge {
namespace {

constexpr std::size_t kFewestSpreads = 3;
constexpr double kFloor = 1e-5;  // of the median variance

/// Expected logarithm of a chi-squared variable over its degrees.
double log_bias(double degrees_of_freedom) {
  return digamma(0.5 * degrees_of_freedom) - std::log(0.5 * degrees_of_freedom);
}

/// Their mean by degrees of freedom: where all are alike, what is known of the one (the logs' mean is biased where
/// spreads err alike).
double pool_variances(std::span<const Spread> spreads) {
  double sum = 0;
  double degrees = 0;
  for (const Spread& one : spreads) {
    sum += one.degrees_of_freedom * one.variance;
    degrees += one.degrees_of_freedom;
  }
  return sum / degrees;
}

}  // namespace

Prior estimate_prior(std::span<const Spread> spreads) {
  if (spreads.size() < kFewestSpreads) return {};
  std::vector<double> variances;
  for (const Spread& one : spreads) variances.push_back(one.variance);
  const double floor = kFloor * compute_median(variances);
  if (floor <= 0) return {};
  std::vector<double> logs;
  double sampling = 0;
  for (const Spread& one : spreads) {
    logs.push_back(std::log(std::max(one.variance, floor)) - log_bias(one.degrees_of_freedom));
    sampling += trigamma(0.5 * one.degrees_of_freedom) / static_cast<double>(spreads.size());
  }
  const double mean = compute_mean(logs);
  const double excess = std::pow(compute_standard_deviation(logs), 2) - sampling;
  if (excess <= 0) return {pool_variances(spreads), std::numeric_limits<double>::infinity()};
  const double degrees = 2 * invert_trigamma(excess);
  return {std::exp(mean + log_bias(degrees)), degrees};
}

Spread moderate(const Spread& own, const Prior& prior) {
  if (prior.degrees_of_freedom <= 0) return own;
  if (std::isinf(prior.degrees_of_freedom)) return {prior.variance, prior.degrees_of_freedom};
  const double degrees = prior.degrees_of_freedom + own.degrees_of_freedom;
  return {(prior.degrees_of_freedom * prior.variance + own.degrees_of_freedom * own.variance) / degrees, degrees};
}

}  // namespace qtrap::judge
