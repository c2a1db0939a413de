#include "fit/model_curve.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

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

Eigen::VectorXd Predictor::log_ratios(const CountPair& counts, Fits fits) const {
  const Eigen::VectorXd above = predict_all(counts.scheme, fits);
  const Eigen::VectorXd below = predict_all(counts.anchor, fits);
  Eigen::VectorXd logs(above.size());
  for (Eigen::Index i = 0; i < above.size(); ++i) {
    logs[i] = above[i] > 0 && below[i] > 0 ? std::log(above[i] / below[i]) : std::numeric_limits<double>::quiet_NaN();
  }
  return logs;
}

Level Predictor::compute_level(std::span<const CountPair> places) const {
  const auto average = [&](Fits fits) {
    Eigen::VectorXd sum = log_ratios(places.front(), fits);
    for (const CountPair& place : places.subspan(1)) sum += log_ratios(place, fits);
    return Eigen::VectorXd(sum / static_cast<double>(places.size()));
  };
  return {average(Fits::kSessions), average(Fits::kReplicates)};
}

std::optional<Interval> Predictor::predict_log_ratio(const CountPair& counts, const Level* level) const {
  const auto list = [&](Fits fits, const Eigen::VectorXd* below) {
    Eigen::VectorXd logs = log_ratios(counts, fits);
    if (below != nullptr) logs -= *below;
    std::vector<double> sound;
    std::copy_if(logs.begin(), logs.end(), std::back_inserter(sound), [](double one) { return std::isfinite(one); });
    return sound;
  };
  const std::vector<double> sessions = list(Fits::kSessions, level != nullptr ? &level->sessions : nullptr);
  if (predict(counts.scheme) <= 0 || predict(counts.anchor) <= 0 || sessions.empty()) return std::nullopt;
  return rule_.combine(sessions, list(Fits::kReplicates, level != nullptr ? &level->replicates : nullptr));
}

}  // namespace qtrap::fit
