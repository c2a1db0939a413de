#include "fit/scaling.hpp"

#include <map>
#include <set>
#include <tuple>

namespace qtrap::fit {
namespace {

using Key = std::tuple<std::string, std::string, double>;  // device, scheme, batch

/// The row with layers and parameters in place of its counts: launches stand for layers, bytes for parameters.
Row strip(const Row& row) {
  Row stripped = row;
  stripped.workload.counts = {};
  stripped.workload.counts.launches = row.workload.layers * row.workload.steps;
  stripped.workload.counts.bytes = row.workload.params_step * row.workload.steps;
  return stripped;
}

Coefficient rename(const std::vector<Coefficient>& all, const std::string& term, const char* name, const char* unit) {
  for (const Coefficient& one : all) {
    if (one.name != term) continue;
    Coefficient renamed = one;
    renamed.name = name;
    renamed.unit = unit;
    if (!one.identified) renamed.reason = "the models measured do not tell layers and parameters apart";
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
  const Decomposition fit = decompose(design.value(), result.quantity, options);
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

}  // namespace

std::vector<Scaling> fit_scaling(std::span<const Row> rows, Quantity quantity, const FitOptions& options) {
  FitOptions gross = options;
  gross.static_power = StaticPower{0, 0};
  gross.forms = {Form::kAdditive};
  std::map<Key, std::vector<Row>> groups;
  for (const Row& row : rows) {
    const Workload& work = row.workload;
    if (work.scheme.empty() || work.layers <= 0 || work.params_step <= 0) continue;
    if (quantity == Quantity::kEnergy && !row.energy_j) continue;
    groups[{work.device, work.scheme, work.batch}].push_back(strip(row));
  }
  std::vector<Scaling> all;
  for (const auto& [key, group] : groups) {
    Scaling result;
    std::tie(result.device, result.scheme, result.batch) = key;
    result.quantity = quantity;
    std::set<double> sizes;
    for (const Row& row : group) sizes.insert(row.workload.params);
    result.sizes_used.assign(sizes.begin(), sizes.end());
    fit_scheme(group, gross, result);
    all.push_back(std::move(result));
  }
  return all;
}

}  // namespace qtrap::fit
