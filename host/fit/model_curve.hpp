// Predictions of fitted costs with their spread: the log ratio of two workloads, and of a family along an
// axis.
#pragma once

#include <Eigen/Core>
#include <optional>
#include <vector>

#include "fit/decomposition.hpp"

namespace qtrap::fit {

/// One quantity from the fits of time and energy: predicts with the fit of each session and of each
/// replicate.
class Predictor {
 public:
  /// `energy` may be null for Quantity::kTime. Both fits must be ok, share their terms and outlive this.
  Predictor(const Decomposition& time, const Decomposition* energy, Quantity quantity);

  const std::vector<Term>& terms() const { return time_->terms; }
  /// Of the counts of one chain, in the order of terms(): by the mean fit [s or J].
  double predict(const Eigen::VectorXd& counts) const;
  /// log(predict(scheme) / predict(anchor)) with its interval; none unless some session's fit makes both positive.
  std::optional<Interval> predict_log_ratio(const Eigen::VectorXd& scheme, const Eigen::VectorXd& anchor) const;

 private:
  enum class Fits { kMean, kSessions, kReplicates };
  /// One prediction per fit. Sessions (and replicates, equally seeded) of time and energy pair up; where the
  /// two differ in their number, time keeps its mean fit.
  Eigen::VectorXd predict_all(const Eigen::VectorXd& counts, Fits fits) const;
  std::vector<double> log_ratios(const Eigen::VectorXd& scheme, const Eigen::VectorXd& anchor, Fits fits) const;

  const Decomposition* time_;
  const Decomposition* energy_;
  SpreadRule rule_;
};

}  // namespace qtrap::fit
