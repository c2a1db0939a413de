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

/// A cost whose interval reaches zero and that may yet explain more of a cell than this is not identified.
inline constexpr double kNegligibleShare = 0.05;

/// Static power measured by its own idle windows.
struct StaticPower {
  double value_w = 0;      ///< >= 0
  double variance_w2 = 0;  ///< of value_w
};

struct FitOptions {
  std::uint64_t seed = 1;
  int replicates = 2000;            ///< of the bootstrap over configurations, >= 2
  int threads = 0;                  ///< 0: as many as the machine has; the result does not depend on it
  bool robust = true;               ///< Huber weights
  double confidence = kConfidence;  ///< of every interval
  /// Without it energy cannot be fitted; its variance enters every interval of energy.
  std::optional<StaticPower> static_power;
  /// Forms of time to try; energy, a sum by nature, is additive whatever stands here. Not empty.
  std::vector<Form> forms{Form::kAdditive, Form::kRoofline};
  /// Relative, common to all rows, so that it cancels in ratios: stated beside absolute values, in no
  /// interval.
  std::optional<double> sensor_gain_error;
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
  double r2 = 0;  ///< of relative errors, over cells
  /// Mean |relative error| of configurations left out in turn, probes apart: of what the sessions give together (each
  /// session's prediction against its own median, averaged over the sessions), and of single sessions.
  /// None where leaving one out loses a term, or where there are no more configurations than costs.
  std::optional<double> loo_mape, loo_mape_session;
  std::optional<double> aicc;                ///< over configurations, on squared relative residuals; none with too few
  std::optional<double> aicc_without_casts;  ///< the same without the dequantize and cast terms; none without them
  std::vector<SchemeResidual> residual_by_scheme;
  Eigen::MatrixXd session_betas;       ///< [fit][term]: each session's fit, or the one pooled fit
  Eigen::MatrixXd replicate_betas;     ///< [replicate][term]
  Eigen::VectorXd replicate_static_w;  ///< [replicate]: the static power it was fitted beside; 0 for time
  Eigen::VectorXd beta;                ///< mean of session_betas
};

struct Decomposition {
  Quantity quantity = Quantity::kTime;
  std::string reason;  ///< why there is no fit; empty when there is one
  std::vector<Term> terms;
  std::vector<FormFit> forms;  ///< in the order of FitOptions::forms; energy has the additive one alone
  std::size_t chosen = 0;      ///< index into forms
  std::string choice;          ///< why that form
  IntervalBasis interval_basis = IntervalBasis::kConfigurations;  ///< or kSessions
  std::size_t rows = 0;                                           ///< windows used
  std::size_t configurations = 0;
  std::size_t sessions = 0;
  double confidence = kConfidence;
  std::optional<StaticPower> static_power;
  std::optional<double> sensor_gain_error;

  bool ok() const { return reason.empty(); }
  const FormFit& best() const { return forms.at(chosen); }
};

/// Fits one quantity. Never fails on data: what cannot be fitted has a reason. `design` comes from
/// make_design.
Decomposition decompose(const Design& design, Quantity quantity, const FitOptions& options);

/// Makes intervals of quantities computed from a fit: Student's t over the sessions' values and the spread of
/// the replicates, added in quadrature. Holds the quantiles, which are costly to find.
class SpreadRule {
 public:
  /// `sessions`: how many values each interval will get, >= 1; with one the replicates stand alone.
  SpreadRule(std::size_t sessions, double confidence);
  /// Interval about the mean of `values`, one per session.
  Interval combine(std::span<const double> values, std::span<const double> replicates) const;

 private:
  double normal_ = 0;
  double student_ = 0;
};

}  // namespace qtrap::fit
