// Weighted, robust, non-negative regression of cells on their counts, and what the columns can identify.
//   additive:  y = sum_j beta_j x_j                       over all terms
//   roofline:  y = max(beta_bytes bytes, sum beta_macs macs) + sum over the other terms
// Errors are relative: a cell weighs 1 / prediction^2, times Huber's weight. The roofline is solved by
// assigning each configuration to the larger side and solving again until no assignment changes, from several
// starts.
#pragma once

#include <Eigen/Core>
#include <optional>
#include <span>
#include <vector>

#include "fit/design.hpp"

namespace qtrap::fit {

using result::Form;

/// Values of the form for one workload with many fits: `counts` in the order of `terms`, one row of `betas`
/// per fit.
Eigen::VectorXd compute_predictions(Form form, std::span<const Term> terms, const Eigen::VectorXd& counts,
                                    const Eigen::MatrixXd& betas);
/// The same with one fit.
double compute_prediction(Form form, std::span<const Term> terms, const Eigen::VectorXd& counts,
                          const Eigen::VectorXd& beta);

/// One cell as the regression sees it.
struct Observation {
  std::size_t configuration = 0;
  double response = 0;   ///< what the terms explain
  double magnitude = 1;  ///< what errors are relative to, > 0: the response before a known part was taken off
  double known_rate =
      0;  ///< by how much the response falls per unit of the known part's cost (energy: seconds per watt)
};

/// Everything one regression works on; refers to data that must outlive it.
struct Problem {
  const std::vector<Term>* terms = nullptr;
  const Eigen::MatrixXd* counts = nullptr;  ///< [configuration][term]
  std::vector<Observation> observations;
  Form form = Form::kAdditive;
  bool robust = true;  ///< Huber weights; off: plain relative least squares
};

struct Regression {
  Eigen::VectorXd beta;
  Eigen::VectorXd weights;         ///< of each observation
  std::vector<bool> memory_bound;  ///< roofline: the side of each configuration
  double objective = 0;            ///< mean squared relative residual
};

/// Fits a problem; `start`: assignment to start from (roofline only), else several are tried.
Regression fit_problem(const Problem& problem, const std::optional<std::vector<bool>>& start = std::nullopt);

/// Row of the linear model of one configuration: its counts, for the roofline with the smaller side set to
/// zero.
Eigen::VectorXd compute_linear_row(const Problem& problem, const Regression& fit, std::size_t configuration);

/// What the weighted columns can tell apart.
struct Identification {
  int rank = 0;
  std::optional<double> condition_number;  ///< of the columns scaled to unit length; none when rank deficient
  std::vector<bool> present;               ///< the column is not zero
  std::vector<bool> separable;             ///< present and not a combination of others
  std::vector<std::optional<double>> vif;  ///< variance inflation factor; none when not separable
};

Identification identify(const Problem& problem, const Regression& fit);

/// identify(), but separable only where the counts as they are and, for the roofline, either side's as the bound of
/// every configuration tell the column apart as well: what the assignment alone tells apart is not known. `present` is
/// that of the counts.
Identification identify_whatever_bounds(const Problem& problem, const Regression& fit);

}  // namespace qtrap::fit
