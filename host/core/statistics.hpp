// Statistics shared by measuring, fitting and reporting. Closed forms only; no random numbers.
#pragma once

#include <optional>
#include <span>
#include <vector>

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

/// Confidence of every two-sided interval, unless looks at a running campaign spend it.
inline constexpr double kConfidence = 0.95;

/// Quantile of Student's t distribution: P(T <= t) = p, for 0 < p < 1 and degrees of freedom >= 1; relative error
/// below 1e-9 (bisection on the regularised incomplete beta function of Eigen).
double student_t_quantile(double p, double degrees_of_freedom);

/// P(T <= t) of Student's t distribution, for degrees of freedom > 0.
double student_t_cdf(double t, double degrees_of_freedom);

/// Probability that a two-sided t test at level 1 - `confidence` finds an effect of `shift` standard errors, >= 0
/// (non-central t; Simpson's rule over the chi distribution of the error's estimate, absolute error below 1e-6).
double compute_t_power(double shift, double degrees_of_freedom, double confidence = kConfidence);
/// Smallest shift in standard errors that such a test finds with probability `power`, 0 < power < 1.
double compute_detectable_shift(double power, double degrees_of_freedom, double confidence = kConfidence);

/// First and second derivative of log(Gamma(x)), x > 0.
double digamma(double x);
double trigamma(double x);
/// The x > 0 with trigamma(x) = y, y > 0; relative error below 1e-9.
double invert_trigamma(double y);

/// Benjamini and Hochberg: which of these p-values are discoveries at a false discovery rate of `rate`.
std::vector<bool> control_false_discoveries(std::span<const double> p_values, double rate);

/// Mean and two-sided t interval at `confidence` over independent values. None with fewer than two values: one value
/// has no spread.
std::optional<Interval> compute_t_interval(std::span<const double> values, double confidence = kConfidence);

}  // namespace qtrap
