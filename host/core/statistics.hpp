// Statistics shared by measuring, fitting and reporting. Closed forms only; no random numbers.
#pragma once

#include <optional>
#include <span>

namespace qtrap {

/// A value with the two ends of its interval, all in the unit of the value. low <= value <= high is not implied
/// (a median may lie outside an interval built on means).
struct Interval {
  double value = 0;
  double low = 0;
  double high = 0;
};

/// Median (mean of the two middle values for even counts). Requires at least one value.
double compute_median(std::span<const double> values);
/// Arithmetic mean. Requires at least one value.
double compute_mean(std::span<const double> values);
/// Sample standard deviation (n - 1). Requires at least two values.
double compute_standard_deviation(std::span<const double> values);
/// Linear-interpolation quantile (type 7 of Hyndman and Fan), 0 <= p <= 1. Requires at least one value.
double compute_quantile(std::span<const double> values, double p);

/// Quantile of Student's t distribution: P(T <= t) = p, for 0 < p < 1 and degrees of freedom >= 1; relative error
/// below 1e-9 (bisection on the regularised incomplete beta function of Eigen).
double student_t_quantile(double p, double degrees_of_freedom);

/// Mean and two-sided t interval at `confidence` over independent values. None with fewer than two values: one value
/// has no spread.
std::optional<Interval> compute_t_interval(std::span<const double> values, double confidence = 0.95);

}  // namespace qtrap
