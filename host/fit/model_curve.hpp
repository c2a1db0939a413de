// Predictions of fitted costs with their spread: the log ratio of two workloads, or how it differs from that of others.
#pragma once

#include <Eigen/Core>
#include <optional>
#include <span>
#include <vector>

#include "fit/decomposition.hpp"

namespace qtrap::fit {

/// Counts of a scheme and of its anchor, of one chain or of one step, in the order of Predictor::terms().
struct CountPair {
  Eigen::VectorXd scheme, anchor;
};

/// Mean log ratio over some places by the fit of each session and of each replicate; NaN where one is not positive.
struct Level {
  Eigen::VectorXd sessions, replicates;
};

/// One quantity from the fits of time and energy: predicts with the fit of each session and of each
/// replicate.
class Predictor {
 public:
  /// `energy` may be null for Quantity::kTime. Both fits must be ok, share their terms and outlive this.
  Predictor(const Decomposition& time, const Decomposition* energy, Quantity quantity);

  const std::vector<Term>& terms() const { return time_->terms; }
  /// Of the counts of one chain, in the order of terms(): by the mean fit [s or J].
  double predict(const Eigen::VectorXd& counts) const;
  /// Over at least one place.
  Level compute_level(std::span<const CountPair> places) const;
  /// log(predict(scheme) / predict(anchor)), less `level` where given, with its interval; none unless some session's
  /// fit makes both positive.
  std::optional<Interval> predict_log_ratio(const CountPair& counts, const Level* level = nullptr) const;

 private:
  enum class Fits { kMean, kSessions, kReplicates };
  /// One prediction per fit. Sessions (and replicates, equally seeded) of time and energy pair up; where the
  /// two differ in their number, time keeps its mean fit.
  Eigen::VectorXd predict_all(const Eigen::VectorXd& counts, Fits fits) const;
  /// NaN where a prediction is not positive.
  Eigen::VectorXd log_ratios(const CountPair& counts, Fits fits) const;

  const Decomposition* time_;
  const Decomposition* energy_;
  SpreadRule rule_;
};

}  // namespace qtrap::fit
