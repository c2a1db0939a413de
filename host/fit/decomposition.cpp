#include "fit/decomposition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "core/contract.hpp"
#include "core/philox.hpp"
#include "core/threads.hpp"
#include "fit/groups.hpp"
#include "fit/leave_one_out.hpp"

namespace qtrap::fit {
namespace {

using Index = Eigen::Index;

constexpr double kLargestVifAtZero = 10;         // the usual limit of harmless collinearity
constexpr double kLeastCosineOfPartners = 0.95;  // of two columns alone: a variance inflation of 10
constexpr const char* kHeldAtZero = "held at zero";

/// Bayesian bootstrap: exponential weights per configuration. No weight is zero, so that no replicate loses a
/// term that few configurations identify. The static power is drawn with its variance. One random stream per
/// replicate.
void draw_replicates(std::span<const Group> groups, const FitOptions& options, bool energy, FormFit& result) {
  const Index configurations = groups.front().problem.counts->rows();
  const StaticPower power = energy ? options.static_power.value_or(StaticPower{}) : StaticPower{};
  result.replicate_betas.resize(options.replicates, groups.front().problem.counts->cols());
  result.replicate_static_w.resize(options.replicates);
  for_each_index(options.replicates, options.threads, [&](int replicate) {
    PhiloxStream random(options.seed, static_cast<std::uint64_t>(replicate));
    Eigen::VectorXd factors(configurations);
    for (Index c = 0; c < configurations; ++c) factors[c] = -std::log(random.uniform());
    const double radius = std::sqrt(-2 * std::log(random.uniform()));
    const double extra_w = std::sqrt(power.variance_w2) * radius * std::cos(2 * std::numbers::pi * random.uniform());
    result.replicate_static_w[replicate] = power.value_w + extra_w;
    result.replicate_betas.row(replicate) = solve_weighted(groups, factors, extra_w).transpose();
  });
}

/// Akaike's criterion, corrected for few configurations, on configuration means of the relative residuals. None where
/// there are too few for the correction.
std::optional<double> compute_aicc(const std::vector<Group>& groups) {
  std::map<std::size_t, std::pair<double, double>> sums;
  Index parameters = 1;
  for (const Group& group : groups) {
    parameters = std::max(parameters, (group.fit.beta.array() > 0).count() + 1);
    for (const Observation& seen : group.problem.observations) {
      auto& [sum, count] = sums[seen.configuration];
      sum += predict_observation(group, seen, group.fit.beta) / seen.magnitude - 1;
      count += 1;
    }
  }
  double squares = 0;
  for (const auto& [configuration, sum] : sums) squares += (sum.first / sum.second) * (sum.first / sum.second);
  const auto n = static_cast<double>(sums.size());
  const auto k = static_cast<double>(parameters);
  if (n <= k + 1) return std::nullopt;
  return n * std::log(std::max(squares / n, 1e-30)) + 2 * k + 2 * k * (k + 1) / (n - k - 1);
}

std::optional<double> compute_aicc_without_casts(const Design& design, Quantity quantity, const FitOptions& options,
                                                 Form form) {
  Design reduced = design;
  bool any = false;
  for (std::size_t j = 0; j < design.terms.size(); ++j) {
    const TermKind kind = design.terms[j].kind;
    if (kind != TermKind::kDequantize && kind != TermKind::kCast) continue;
    any = any || design.counts.col(static_cast<Index>(j)).maxCoeff() > 0;
    reduced.counts.col(static_cast<Index>(j)).setZero();
  }
  if (!any) return std::nullopt;
  return compute_aicc(make_groups(reduced, quantity, options, form));
}

void describe_residuals(const Design& design, const std::vector<Group>& groups, FormFit& result) {
  std::map<std::string, std::pair<double, double>> by_scheme;
  double residual = 0;
  double total = 0;
  double weighted_sum = 0;
  double weights = 0;
  for (const Group& group : groups) {
    for (const Observation& seen : group.problem.observations) {
      const double weight = 1 / (seen.magnitude * seen.magnitude);
      weighted_sum += weight * seen.magnitude;
      weights += weight;
    }
  }
  for (const Group& group : groups) {
    for (const Observation& seen : group.problem.observations) {
      const double predicted = predict_observation(group, seen, group.fit.beta);
      const Configuration& configuration = design.configurations[seen.configuration];
      auto& [sum, count] = by_scheme[configuration.probe ? "probe" : configuration.work.scheme];
      if (predicted > 0) sum += seen.magnitude / predicted - 1;
      count += 1;
      residual += std::pow(predicted / seen.magnitude - 1, 2);
      total += std::pow(weighted_sum / weights / seen.magnitude - 1, 2);
    }
  }
  result.r2 = total > 0 ? 1 - residual / total : 0;
  for (const auto& [scheme, sum] : by_scheme) result.residual_by_scheme.push_back({scheme, sum.first / sum.second});
}

/// Largest share of a cell that one unit of the term's cost explains.
double compute_largest_share(const std::vector<Group>& groups, Index term) {
  double largest = 0;
  for (const Group& group : groups) {
    for (const Observation& seen : group.problem.observations) {
      largest =
          std::max(largest, (*group.problem.counts)(static_cast<Index>(seen.configuration), term) / seen.magnitude);
    }
  }
  return largest;
}

std::vector<double> column_of(const Eigen::MatrixXd& matrix, Index column) {
  std::vector<double> values(static_cast<std::size_t>(matrix.rows()));
  for (Index i = 0; i < matrix.rows(); ++i) values[static_cast<std::size_t>(i)] = matrix(i, column);
  return values;
}

Coefficient make_coefficient(const Term& term, Index column, const Identification& known, const FormFit& result,
                             const std::vector<Group>& groups, const FitOptions& options, const char* unit) {
  const auto j = static_cast<std::size_t>(column);
  Coefficient made;
  made.name = term.name;
  made.unit = std::string(unit) + "/" + term.per;
  made.vif = known.vif[j];
  if (!known.present[j]) {
    made.reason = "no window depends on it; " + term.probe + " would identify it";
    return made;
  }
  if (!known.separable[j]) {
    made.reason =
        "its counts are a combination of other terms', or may be hidden by them; " + term.probe + " would identify it";
    return made;
  }
  const SpreadRule rule(groups.size(), options.confidence);
  const Interval spread =
      rule.combine(column_of(result.session_betas, column), column_of(result.replicate_betas, column));
  if (spread.low <= 0 && spread.high * compute_largest_share(groups, column) > kNegligibleShare) {
    made.reason =
        "its interval includes zero and yet too much of the measured cost; " + term.probe + " would identify it";
    return made;
  }
  if (spread.high <= 0 && *made.vif > kLargestVifAtZero) {
    made.reason = fmt::format("{} beside terms it follows closely (VIF {:.0f}); {} would identify it", kHeldAtZero,
                              *made.vif, term.probe);
    return made;
  }
  made.identified = true;
  made.value = spread.value;
  made.low = std::max(0.0, spread.low);
  made.high = spread.high;
  return made;
}

/// The term whose column runs closest to that of `term`, where it follows it closely.
std::optional<std::size_t> find_partner(const std::vector<Group>& groups, Index term) {
  const Index p = groups.front().problem.counts->cols();
  Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(p, p);
  for (const Group& group : groups) {
    for (const Eigen::MatrixXd& one : group.gram) {
      if (one.size() > 0) gram += one;
    }
  }
  std::optional<std::size_t> partner;
  double closest = kLeastCosineOfPartners;
  for (Index k = 0; k < p; ++k) {
    if (k == term || gram(k, k) <= 0) continue;
    const double cosine = gram(term, k) / std::sqrt(gram(term, term) * gram(k, k));
    if (cosine <= closest) continue;
    closest = cosine;
    partner = static_cast<std::size_t>(k);
  }
  return partner;
}

/// A cost takes the share of its near twin that is held at zero: neither is known.
void refuse_partners(const std::vector<Group>& groups, std::vector<Coefficient>& coefficients) {
  std::vector<std::size_t> held;
  for (std::size_t j = 0; j < coefficients.size(); ++j) {
    if (coefficients[j].reason.starts_with(kHeldAtZero)) held.push_back(j);
  }
  for (const std::size_t j : held) {
    const auto partner = find_partner(groups, static_cast<Index>(j));
    if (!partner || !coefficients[*partner].identified) continue;
    Coefficient& taker = coefficients[*partner];
    taker.value = taker.low = taker.high = std::nullopt;
    taker.identified = false;
    taker.reason = "it follows " + coefficients[j].name + " closely, which is held at zero";
  }
}

FormFit fit_form(const Design& design, Quantity quantity, const FitOptions& options, Form form) {
  const std::vector<Group> groups = make_groups(design, quantity, options, form);
  FormFit result;
  result.form = form;
  result.session_betas.resize(static_cast<Index>(groups.size()), design.counts.cols());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    result.session_betas.row(static_cast<Index>(g)) = groups[g].fit.beta.transpose();
  }
  result.beta = result.session_betas.colwise().mean().transpose();
  draw_replicates(groups, options, quantity == Quantity::kEnergy, result);
  const Identification known = identify_whatever_bounds(groups.front().problem, groups.front().fit);
  result.rank = known.rank;
  result.condition_number = known.condition_number;
  for (std::size_t j = 0; j < design.terms.size(); ++j) {
    result.coefficients.push_back(make_coefficient(design.terms[j], static_cast<Index>(j), known, result, groups,
                                                   options, quantity == Quantity::kTime ? "s" : "J"));
  }
  refuse_partners(groups, result.coefficients);
  if (const auto loo = compute_loo(design, groups, known, options.threads)) {
    result.loo_mape = loo->pooled;
    result.loo_mape_session = loo->session;
  }
  result.aicc = compute_aicc(groups);
  result.aicc_without_casts = compute_aicc_without_casts(design, quantity, options, form);
  describe_residuals(design, groups, result);
  return result;
}

/// The form with the lower leave-one-out error, unless the errors agree within a tenth: then the lower AICc. Additive
/// where a form has no such error: fewer costs hang on an assignment that few windows fix.
void choose_form(Decomposition& fit) {
  fit.choice = "the only form tried";
  const auto unknown = [](const FormFit& form) { return !form.loo_mape || !form.aicc; };
  if (fit.forms.size() > 1 && std::any_of(fit.forms.begin(), fit.forms.end(), unknown)) {
    const auto additive = std::find_if(fit.forms.begin(), fit.forms.end(),
                                       [](const FormFit& form) { return form.form == Form::kAdditive; });
    fit.chosen = additive == fit.forms.end() ? 0 : static_cast<std::size_t>(additive - fit.forms.begin());
    fit.choice = "too few configurations to choose a form by";
  } else {
    for (std::size_t i = 1; i < fit.forms.size(); ++i) {
      const FormFit& best = fit.best();
      const FormFit& other = fit.forms[i];
      const bool close = std::abs(*best.loo_mape - *other.loo_mape) <= 0.1 * std::max(*best.loo_mape, *other.loo_mape);
      if (close ? *other.aicc < *best.aicc : *other.loo_mape < *best.loo_mape) fit.chosen = i;
      fit.choice = close ? "leave-one-out errors agree within a tenth; lower AICc" : "lower leave-one-out error";
    }
  }
  if (fit.best().session_betas.rows() > 1) fit.interval_basis = IntervalBasis::kSessions;
}

/// Counts what a fit would use and says why there can be none.
void find_reason(const Design& design, const FitOptions& options, Decomposition& fit) {
  std::vector<bool> used(design.configurations.size(), false);
  bool any_energy = false;
  double counts = 0;
  for (const Cell& cell : design.cells) {
    any_energy = any_energy || cell.energy_j.has_value();
    if (!observe(cell, fit.quantity, options.static_power)) continue;
    fit.rows += cell.windows;
    used[cell.configuration] = true;
    counts += design.counts.row(static_cast<Index>(cell.configuration)).sum();
  }
  fit.configurations = static_cast<std::size_t>(std::count(used.begin(), used.end(), true));
  if (fit.quantity == Quantity::kEnergy && !any_energy) {
    fit.reason = "no window has an energy reading";
  } else if (fit.quantity == Quantity::kEnergy && !options.static_power) {
    fit.reason = "the static power is unknown: idle windows are missing";
  } else if (fit.configurations < 2) {
    fit.reason = "fewer than two configurations";
  } else if (counts <= 0) {
    fit.reason = "no window has counts of bytes, operations or launches";
  }
}

}  // namespace

SpreadRule::SpreadRule(std::size_t sessions, double confidence) {
  expects(sessions >= 1, "an interval needs an estimate");
  constexpr double kManyDegrees = 1e6;  // Student's t is then normal to six digits
  const double p = 0.5 + 0.5 * confidence;
  normal_ = student_t_quantile(p, kManyDegrees);
  if (sessions > 1) student_ = student_t_quantile(p, static_cast<double>(sessions - 1));
}

Interval SpreadRule::combine(std::span<const double> values, std::span<const double> replicates) const {
  const double mean = compute_mean(values);
  const double inner = replicates.size() > 1 ? normal_ * compute_standard_deviation(replicates) : 0;
  const double outer =
      values.size() > 1 ? student_ * compute_standard_deviation(values) / std::sqrt(static_cast<double>(values.size()))
                        : 0;
  const double half = std::hypot(inner, outer);
  return {mean, mean - half, mean + half};
}

Decomposition decompose(const Design& design, Quantity quantity, const FitOptions& options) {
  expects(options.replicates >= 2, "a bootstrap needs two replicates");
  expects(!options.forms.empty(), "a fit needs a form");
  Decomposition fit;
  fit.quantity = quantity;
  fit.terms = design.terms;
  fit.sessions = design.sessions;
  fit.confidence = options.confidence;
  fit.static_power = options.static_power;
  fit.sensor_gain_error = options.sensor_gain_error;
  find_reason(design, options, fit);
  if (!fit.ok()) return fit;
  const std::vector<Form> forms = quantity == Quantity::kTime ? options.forms : std::vector{Form::kAdditive};
  for (const Form form : forms) fit.forms.push_back(fit_form(design, quantity, options, form));
  choose_form(fit);
  return fit;
}

}  // namespace qtrap::fit
