#include "fit/scaling.hpp"

#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "fit/ratios.hpp"

namespace qtrap::fit {
namespace {

using Key = std::tuple<std::string, std::string, double>;  // device, scheme, batch

/// The row with layers and parameters in place of its counts: launches stand for layers, bytes for parameters. The
/// quantity stands in the place of the time, so that energy alone is enough.
Row strip(const Row& row, double value) {
  Row stripped = row;
  stripped.workload.counts = {};
  stripped.workload.counts.launches = row.workload.layers * row.workload.steps;
  stripped.workload.counts.bytes = row.workload.params_step * row.workload.steps;
  stripped.time_s = value;
  stripped.energy_j.reset();
  return stripped;
}

Coefficient rename(const std::vector<Coefficient>& all, const std::string& term, const char* name, const char* unit) {
  for (const Coefficient& one : all) {
    if (one.name != term) continue;
    Coefficient renamed = one;
    renamed.name = name;
    renamed.unit = unit;
    if (!one.identified) {
      renamed.reason = one.vif ? "between zero and too much of the cost"
                               : "the models measured do not tell layers and parameters apart";
    }
    return renamed;
  }
  return {};
}

void fit_scheme(std::span<const Row> rows, const FitOptions& options, Scaling& result) {
  const auto design = make_design(rows);
  if (!design) {
    result.reason = design.error().value;
    return;
  }
  const Decomposition fit = decompose(design.value(), Quantity::kTime, options);
  if (!fit.ok()) {
    result.reason = fit.reason;
    return;
  }
  const FormFit& form = fit.best();
  const bool time = result.quantity == Quantity::kTime;
  result.per_layer = rename(form.coefficients, "launches", "per_layer", time ? "s/layer" : "J/layer");
  result.per_param = rename(form.coefficients, "bytes", "per_param", time ? "s/parameter" : "J/parameter");
  result.loo_mape = form.loo_mape;
  std::vector<double> shares;
  for (const Configuration& configuration : design.value().configurations) {
    const Eigen::VectorXd counts = compute_counts(fit.terms, configuration.work.counts);
    double layers = 0;
    for (std::size_t j = 0; j < fit.terms.size(); ++j) {
      const auto i = static_cast<Eigen::Index>(j);
      if (fit.terms[j].kind == TermKind::kLaunch) layers += counts[i] * form.beta[i];
    }
    const double whole = counts.dot(form.beta);
    if (whole > 0) shares.push_back(layers / whole);
  }
  if (!shares.empty()) result.layer_share = compute_median(shares);
}

/// What the other models' fit says of the model with these parameters; none with fewer than two others.
std::optional<double> predict_left_out(const Design& design, double params) {
  Problem problem{&design.terms, &design.counts, {}, Form::kAdditive, true};
  std::set<double> others;
  std::optional<std::size_t> wanted;
  for (const Cell& cell : design.cells) {
    const Workload& work = design.configurations[cell.configuration].work;
    if (work.params == params) {
      wanted = cell.configuration;
      continue;
    }
    others.insert(work.params);
    problem.observations.push_back({cell.configuration, cell.time_s, cell.time_s, 0});
  }
  if (!wanted || others.size() < 2) return std::nullopt;
  const Eigen::VectorXd counts = design.counts.row(static_cast<Eigen::Index>(*wanted)).transpose();
  return compute_prediction(Form::kAdditive, design.terms, counts, fit_problem(problem).beta);
}

/// Mean |relative error| of the ratio to f16 of models left out in turn.
std::optional<double> compute_ratio_loo(std::span<const Row> scheme, std::span<const Row> anchor,
                                        std::span<const Ratio> ratios, const Scaling& result) {
  const auto above = make_design(scheme);
  const auto below = make_design(anchor);
  if (!above || !below) return std::nullopt;
  std::vector<double> errors;
  for (const Ratio& ratio : ratios) {
    if (ratio.cell.device != result.device || ratio.scheme != result.scheme || ratio.cell.batch != result.batch)
      continue;
    const auto numerator = predict_left_out(above.value(), ratio.cell.params);
    const auto denominator = predict_left_out(below.value(), ratio.cell.params);
    if (!numerator || !denominator || *denominator <= 0) continue;
    errors.push_back(std::abs(*numerator / *denominator / std::exp(ratio.log_ratio) - 1));
  }
  return errors.empty() ? std::nullopt : std::optional(compute_mean(errors));
}

}  // namespace

std::vector<Scaling> fit_scaling(std::span<const Row> rows, Quantity quantity, const FitOptions& options) {
  FitOptions additive = options;
  additive.forms = {Form::kAdditive};
  std::map<Key, std::vector<Row>> groups;
  for (const Row& row : rows) {
    const Workload& work = row.workload;
    if (work.scheme.empty() || work.layers <= 0 || work.params_step <= 0) continue;
    const std::optional<double>& value = value_of(row, quantity);
    if (value) groups[{work.device, work.scheme, work.batch}].push_back(strip(row, *value));
  }
  const std::vector<Ratio> ratios = compute_ratios(rows, quantity, {.confidence = options.confidence});
  std::vector<Scaling> all;
  for (const auto& [key, group] : groups) {
    Scaling result;
    std::tie(result.device, result.scheme, result.batch) = key;
    result.quantity = quantity;
    std::set<double> sizes;
    for (const Row& row : group) sizes.insert(row.workload.params);
    result.sizes_used.assign(sizes.begin(), sizes.end());
    fit_scheme(group, additive, result);
    const auto anchor = groups.find({result.device, "f16", result.batch});
    if (result.scheme != "f16" && anchor != groups.end()) {
      result.ratio_loo_mape = compute_ratio_loo(group, anchor->second, ratios, result);
    }
    all.push_back(std::move(result));
  }
  return all;
}

}  // namespace qtrap::fit
