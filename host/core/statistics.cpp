#include "core/statistics.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <unsupported/Eigen/SpecialFunctions>
#include <vector>

#include "core/contract.hpp"

namespace qtrap {
namespace {

/// P(T <= t) of Student's t with nu degrees of freedom.
double student_t_cdf(double t, double nu) {
  const double tail = 0.5 * Eigen::numext::betainc(0.5 * nu, 0.5, nu / (nu + t * t));
  return t >= 0 ? 1 - tail : tail;
}

}  // namespace

double compute_quantile(std::span<const double> values, double p) {
  expects(!values.empty(), "a quantile needs a value");
  expects(p >= 0 && p <= 1, "a quantile's p lies in [0, 1]");
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const double position = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double weight = position - static_cast<double>(below);
  return sorted[below] + weight * (sorted[above] - sorted[below]);
}

double compute_median(std::span<const double> values) { return compute_quantile(values, 0.5); }

double compute_mean(std::span<const double> values) {
  expects(!values.empty(), "a mean needs a value");
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double compute_standard_deviation(std::span<const double> values) {
  expects(values.size() >= 2, "a standard deviation needs two values");
  const double mean = compute_mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

double student_t_quantile(double p, double degrees_of_freedom) {
  expects(p > 0 && p < 1, "a t quantile's p lies in (0, 1)");
  expects(degrees_of_freedom >= 1, "a t quantile needs at least one degree of freedom");
  double high = 1;
  const double target = std::max(p, 1 - p);
  while (student_t_cdf(high, degrees_of_freedom) < target && high < 1e12) high *= 2;
  double low = 0;
  for (int i = 0; i < 200 && high - low > 1e-13 * high; ++i) {
    const double middle = 0.5 * (low + high);
    (student_t_cdf(middle, degrees_of_freedom) < target ? low : high) = middle;
  }
  const double t = 0.5 * (low + high);
  return p < 0.5 ? -t : t;
}

std::optional<Interval> compute_t_interval(std::span<const double> values, double confidence) {
  if (values.size() < 2) return std::nullopt;
  const auto n = static_cast<double>(values.size());
  const double mean = compute_mean(values);
  const double half =
      student_t_quantile(0.5 + 0.5 * confidence, n - 1) * compute_standard_deviation(values) / std::sqrt(n);
  return Interval{mean, mean - half, mean + half};
}

}  // namespace qtrap
