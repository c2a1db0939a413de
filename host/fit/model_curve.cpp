#include "fit/model_curve.hpp"

#include <algorithm>
#include <cmath>

#include "core/contract.hpp"

namespace qtrap::fit {

namespace {

const Decomposition& leading_fit(const Decomposition& time, const Decomposition* energy, Quantity quantity) {
  expects(time.ok(), "a prediction needs a fit of time");
  if (quantity == Quantity::kTime) return time;
  expects(energy != nullptr && energy->ok(), "a prediction of energy needs its fit");
  return *energy;
}

}  // namespace

Predictor::Predictor(const Decomposition& time, const Decomposition* energy, Quantity quantity)
    : time_(&time),
      energy_(quantity == Quantity::kEnergy ? energy : nullptr),
      rule_(static_cast<std::size_t>(leading_fit(time, energy, quantity).best().session_betas.rows()),
            time.confidence) {}

Eigen::VectorXd Predictor::predict_all(const Eigen::VectorXd& counts, Fits fits) const {
  const auto evaluate = [&](const Decomposition& fit, Fits which) {
    const FormFit& form = fit.best();
    const Eigen::MatrixXd mean = form.beta.transpose();
    const Eigen::MatrixXd& betas = which == Fits::kMean       ? mean
                                   : which == Fits::kSessions ? form.session_betas
                                                              : form.replicate_betas;
    return compute_predictions(form.form, fit.terms, counts, betas);
  };
  Eigen::VectorXd time_s = evaluate(*time_, fits);
  if (energy_ == nullptr) return time_s;
  const Eigen::VectorXd energy_j = evaluate(*energy_, fits);
  if (time_s.size() != energy_j.size()) {
    time_s = Eigen::VectorXd::Constant(energy_j.size(), evaluate(*time_, Fits::kMean)[0]);
  }
  if (fits == Fits::kReplicates) return energy_->best().replicate_static_w.cwiseProduct(time_s) + energy_j;
  return energy_->static_power->value_w * time_s + energy_j;
}

double Predictor::predict(const Eigen::VectorXd& counts) const { return predict_all(counts, Fits::kMean)[0]; }

std::vector<double> Predictor::log_ratios(const Eigen::VectorXd& scheme, const Eigen::VectorXd& anchor,
                                          Fits fits) const {
  const Eigen::VectorXd above = predict_all(scheme, fits);
  const Eigen::VectorXd below = predict_all(anchor, fits);
  std::vector<double> logs;
  for (Eigen::Index i = 0; i < above.size(); ++i) {
    if (above[i] > 0 && below[i] > 0) logs.push_back(std::log(above[i] / below[i]));
  }
  return logs;
}

std::optional<Interval> Predictor::predict_log_ratio(const Eigen::VectorXd& scheme,
                                                     const Eigen::VectorXd& anchor) const {
  const std::vector<double> sessions = log_ratios(scheme, anchor, Fits::kSessions);
  if (predict(scheme) <= 0 || predict(anchor) <= 0 || sessions.empty()) return std::nullopt;
  return rule_.combine(sessions, log_ratios(scheme, anchor, Fits::kReplicates));
}

}  // namespace qtrap::fit
