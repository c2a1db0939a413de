// Where time and energy go, as one cost per byte, multiply-add, dequantized weight, cast element, launch and
// host synchronisation (science.md, "Energy decomposition to fit"). All costs are >= 0; a cost the data
// cannot identify is named with what would identify it and has no value.
//
// Intervals: each session is fitted alone, the estimate is the mean of the sessions' fits, the interval
// Student's t over them (a percentile bootstrap of 3 sessions covers 75 %), widened by the spread over
// configurations from a seeded Bayesian bootstrap, which also stands in where fewer than two sessions
// identify the terms.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/statistics.hpp"
#include "fit/regression.hpp"

namespace qtrap::fit {

/// Static power measured by its own idle windows.
struct StaticPower {
  double value_w = 0;      ///< >= 0
  double variance_w2 = 0;  ///< of value_w
};

struct FitOptions {
  std::uint64_t seed = 1;
  int replicates = 2000;     ///< of the bootstrap over configurations, >= 2
  int threads = 0;           ///< 0: as many as the machine has; the result does not depend on it
  bool robust = true;        ///< Huber weights
  double confidence = 0.95;  ///< of every interval
  std::optional<StaticPower> static_power;  ///< without it energy cannot be fitted
};

/// One cost.
struct Coefficient {
  std::string name;                        ///< of its term
  std::string unit;                        ///< e.g. "s/byte", "J/launch"
  std::optional<double> value, low, high;  ///< all or none; none when not identified
  bool identified = false;
  std::optional<double> vif;  ///< none when its column is missing or a combination of others
  std::string reason;         ///< why it is not identified and which windows would identify it
};

/// Mean signed relative residual (measured / predicted - 1) of one scheme; the scheme of probe windows is
/// "probe".
struct SchemeResidual {
  std::string scheme;
  double residual = 0;
};

/// One form fitted to all cells.
struct FormFit {
  Form form = Form::kAdditive;
  std::vector<Coefficient> coefficients;  ///< in the order of Decomposition::terms
  int rank = 0;
  std::optional<double> condition_number;
  double r2 = 0;        ///< of relative errors, over cells
  double loo_mape = 0;  ///< mean |relative error| of configurations left out in turn, probes apart
  double aicc = 0;      ///< over configurations, on squared relative residuals
  std::optional<double>
      aicc_without_casts;  ///< the same without the dequantize and cast terms; none without them
  std::vector<SchemeResidual> residual_by_scheme;
  Eigen::MatrixXd session_betas;    ///< [fit][term]: each session's fit, or the one pooled fit
  Eigen::MatrixXd replicate_betas;  ///< [replicate][term]
  Eigen::VectorXd beta;             ///< mean of session_betas
};

struct Decomposition {
  Quantity quantity = Quantity::kTime;
  std::string reason;  ///< why there is no fit; empty when there is one
  std::vector<Term> terms;
  std::vector<FormFit> forms;  ///< additive first; energy has no roofline
  std::size_t chosen = 0;      ///< index into forms
  std::string choice;          ///< why that form
  std::string interval_basis;  ///< "sessions" or "configurations"
  std::size_t rows = 0;        ///< windows used
  std::size_t configurations = 0;
  std::size_t sessions = 0;
  double confidence = 0.95;
  std::optional<StaticPower> static_power;

  bool ok() const { return reason.empty(); }
  const FormFit& best() const { return forms.at(chosen); }
};

/// Fits one quantity. Never fails on data: what cannot be fitted has a reason. `design` comes from
/// make_design.
Decomposition decompose(const Design& design, Quantity quantity, const FitOptions& options);

/// Interval of a quantity computed from one fit: `values` from each session's fit, `replicates` from the
/// bootstrap. The mean of values, Student's t over them, and the replicates' spread, added in quadrature.
/// Requires >= 1 value.
Interval combine_spread(std::span<const double> values, std::span<const double> replicates,
                        double confidence);

}  // namespace qtrap::fit
