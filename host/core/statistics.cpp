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

/// P(Z <= z) of the normal distribution.
double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

/// Smallest x in [0, infinity) with `reaches(x)`, which holds from some x on; within 1e-13 of it.
template <class Reaches>
double find_threshold(Reaches&& reaches) {
  double high = 1;
  while (!reaches(high) && high < 1e12) high *= 2;
  double low = 0;
  for (int i = 0; i < 200 && high - low > 1e-13 * high; ++i) {
    const double middle = 0.5 * (low + high);
    (reaches(middle) ? high : low) = middle;
  }
  return 0.5 * (low + high);
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

double student_t_cdf(double t, double degrees_of_freedom) {
  expects(degrees_of_freedom > 0, "a t distribution needs degrees of freedom");
  const double nu = degrees_of_freedom;
  const double tail = 0.5 * Eigen::numext::betainc(0.5 * nu, 0.5, nu / (nu + t * t));
  return t >= 0 ? 1 - tail : tail;
}

double student_t_quantile(double p, double degrees_of_freedom) {
  expects(p > 0 && p < 1, "a t quantile's p lies in (0, 1)");
  expects(degrees_of_freedom >= 1, "a t quantile needs at least one degree of freedom");
  const double target = std::max(p, 1 - p);
  const double t = find_threshold([&](double x) { return student_t_cdf(x, degrees_of_freedom) >= target; });
  return p < 0.5 ? -t : t;
}

double compute_t_power(double shift, double degrees_of_freedom, double confidence) {
  expects(shift >= 0, "a shift counts from 0");
  const double nu = degrees_of_freedom;
  const double critical = student_t_quantile(0.5 + 0.5 * confidence, nu);
  const double scale = std::log(2.0) + 0.5 * nu * std::log(0.5 * nu) - std::lgamma(0.5 * nu);
  // s: the estimated error over the true one, whose square times nu is chi-squared.
  const auto integrand = [&](double s) {
    if (s <= 0) return nu > 1 ? 0.0 : std::exp(scale);
    const double density = std::exp(scale + (nu - 1) * std::log(s) - 0.5 * nu * s * s);
    return density * (normal_cdf(shift - critical * s) + normal_cdf(-shift - critical * s));
  };
  constexpr int kSteps = 400;  // even
  const double low = std::max(0.0, 1 - 8 / std::sqrt(2 * nu));
  const double high = 1 + 8 / std::sqrt(nu);
  const double step = (high - low) / kSteps;
  double sum = integrand(low) + integrand(high);
  for (int i = 1; i < kSteps; ++i) sum += (i % 2 == 0 ? 2 : 4) * integrand(low + i * step);
  return std::min(1.0, sum * step / 3);
}

double compute_detectable_shift(double power, double degrees_of_freedom, double confidence) {
  expects(power > 0 && power < 1, "a power lies in (0, 1)");
  return find_threshold([&](double x) { return compute_t_power(x, degrees_of_freedom, confidence) >= power; });
}

double digamma(double x) { return Eigen::numext::digamma(x); }

double trigamma(double x) { return Eigen::numext::polygamma(1.0, x); }

double invert_trigamma(double y) {
  expects(y > 0, "trigamma is positive");
  return find_threshold([&](double x) { return x > 0 && trigamma(x) <= y; });
}

std::vector<bool> control_false_discoveries(std::span<const double> p_values, double rate) {
  std::vector<double> sorted(p_values.begin(), p_values.end());
  std::sort(sorted.begin(), sorted.end());
  double limit = -1;
  for (std::size_t k = 0; k < sorted.size(); ++k) {
    if (sorted[k] <= rate * static_cast<double>(k + 1) / static_cast<double>(sorted.size())) limit = sorted[k];
  }
  std::vector<bool> found;
  for (const double p : p_values) found.push_back(p <= limit);
  return found;
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
