#include "fit/scaling.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "core/anchor.hpp"
#include "fit/nnls.hpp"

namespace qtrap::fit {
namespace {

using Eigen::Index;
using Key = std::pair<judge::CellKey, std::string>;  // without model; scheme

constexpr std::size_t kTerms = 2;
constexpr double kLeastPivot = 1e-6;  // of columns scaled to unit length: below, models have one proportion

/// What a step of one model costs in one session.
struct Step {
  double layers = 0, params_step = 0, params = 0;
  double value = 0;
};

/// Models by name and size: files may give one name to two.
using ModelKey = std::pair<double, std::string>;
using Models = std::map<ModelKey, Step>;
using Sessions = std::map<int, Models>;

Sessions collect(std::span<const Row* const> rows, Quantity quantity) {
  std::map<std::pair<int, ModelKey>, std::vector<double>> values;
  Sessions sessions;
  for (const Row* row : rows) {
    const Workload& work = row->workload;
    const ModelKey model{work.params, work.model};
    values[{row->session, model}].push_back(*value_of(*row, quantity) / work.steps);
    sessions[row->session][model] = {work.layers, work.params_step, work.params, 0};
  }
  for (auto& [session, models] : sessions) {
    for (auto& [model, step] : models) step.value = compute_median(values.at({session, model}));
  }
  return sessions;
}

/// Geometric means over the sessions.
Models pool(const Sessions& sessions) {
  std::map<ModelKey, std::vector<double>> logs;
  Models pooled;
  for (const auto& [session, models] : sessions) {
    for (const auto& [model, step] : models) {
      pooled[model] = step;
      logs[model].push_back(std::log(step.value));
    }
  }
  for (auto& [model, step] : pooled) step.value = std::exp(compute_mean(logs.at(model)));
  return pooled;
}

/// Rows of relative least squares: every response is 1.
Eigen::MatrixXd make_rows(const Models& models) {
  Eigen::MatrixXd rows(static_cast<Index>(models.size()), static_cast<Index>(kTerms));
  Index i = 0;
  for (const auto& [model, step] : models) {
    rows(i, 0) = step.layers / step.value;
    rows(i++, 1) = step.params_step / step.value;
  }
  return rows;
}

bool tells_apart(const Eigen::MatrixXd& rows) {
  if (rows.rows() < static_cast<Index>(kTerms)) return false;
  const Eigen::MatrixXd scaled = rows * rows.colwise().norm().cwiseInverse().asDiagonal();
  return scaled.jacobiSvd().singularValues().minCoeff() > kLeastPivot;
}

Eigen::VectorXd solve(const Models& models) {
  const Eigen::MatrixXd rows = make_rows(models);
  return solve_nnls(rows, Eigen::VectorXd::Ones(rows.rows())).x;
}

double predict(const Eigen::VectorXd& costs, const Step& step) {
  return costs[0] * step.layers + costs[1] * step.params_step;
}

/// Least squares with the standard errors of both costs.
struct Line {
  Eigen::Vector2d costs, errors;
};

Line fit_line(const Models& models) {
  const Eigen::MatrixXd rows = make_rows(models);
  const Eigen::VectorXd ones = Eigen::VectorXd::Ones(rows.rows());
  const Eigen::Matrix2d inverse = (rows.transpose() * rows).inverse();
  Line line;
  line.costs = inverse * (rows.transpose() * ones);
  const auto spare = static_cast<double>(models.size() - kTerms);
  const double variance = spare > 0 ? (ones - rows * line.costs).squaredNorm() / spare : 0;
  line.errors = (variance * inverse.diagonal()).cwiseSqrt();
  return line;
}

/// Half widths of both costs: over the models, and over sessions where two tell the costs apart.
Eigen::Vector2d half_widths(const Line& line, const Sessions& sessions, std::size_t models, double confidence) {
  const double p = 0.5 + 0.5 * confidence;
  const Eigen::Vector2d inner = student_t_quantile(p, static_cast<double>(models - kTerms)) * line.errors;
  std::vector<double> costs[kTerms];
  for (const auto& [session, own] : sessions) {
    if (own.size() < models) continue;
    const Line one = fit_line(own);
    for (std::size_t j = 0; j < kTerms; ++j) costs[j].push_back(one.costs[static_cast<Index>(j)]);
  }
  const auto count = static_cast<double>(costs[0].size());
  Eigen::Vector2d half = inner;
  for (std::size_t j = 0; j < kTerms && count > 1; ++j) {
    const auto i = static_cast<Index>(j);
    const double outer = student_t_quantile(p, count - 1) * compute_standard_deviation(costs[j]) / std::sqrt(count);
    half[i] = std::hypot(inner[i], outer);
  }
  return half;
}

Coefficient make_cost(const char* name, const char* unit, double value, double half, double largest_share) {
  Coefficient made;
  made.name = name;
  made.unit = unit;
  if (value - half <= 0 && (value + half) * largest_share > kNegligibleShare) {
    made.reason = "between zero and too much of the cost";
    return made;
  }
  made.identified = true;
  made.value = std::max(0.0, value);
  made.low = std::max(0.0, value - half);
  made.high = std::max(0.0, value + half);
  return made;
}

Models without(Models models, const ModelKey& left_out) {
  models.erase(left_out);
  return models;
}

/// What the other models' fit says of one; none where they do not tell the costs apart.
std::optional<double> predict_left_out(const Models& models, const ModelKey& left_out) {
  const Models others = without(models, left_out);
  if (!tells_apart(make_rows(others))) return std::nullopt;
  return predict(solve(others), models.at(left_out));
}

std::optional<LeftOut> summarize(const std::vector<double>& errors, std::size_t wanted) {
  if (errors.empty() || errors.size() < wanted) return std::nullopt;
  return LeftOut{compute_mean(errors), *std::max_element(errors.begin(), errors.end())};
}

void fit_scheme(const Sessions& sessions, double confidence, Scaling& result) {
  const Models models = pool(sessions);
  const Eigen::MatrixXd rows = make_rows(models);
  if (models.size() < 2) {
    result.reason = "fewer than two models";
    return;
  }
  if (!tells_apart(rows)) {
    result.reason = "the models measured do not tell layers and parameters apart";
    return;
  }
  if (models.size() <= kTerms) {
    result.reason = "two models fix two costs without an error to judge them by: a third is needed";
    return;
  }
  const Line line = fit_line(models);
  const Eigen::Vector2d half = half_widths(line, sessions, models.size(), confidence);
  const bool time = result.quantity == Quantity::kTime;
  const Eigen::RowVectorXd largest = rows.colwise().maxCoeff();
  result.per_layer = make_cost("per_layer", time ? "s/layer" : "J/layer", line.costs[0], half[0], largest[0]);
  result.per_param = make_cost("per_param", time ? "s/parameter" : "J/parameter", line.costs[1], half[1], largest[1]);
  const Eigen::VectorXd costs = solve(models);
  std::vector<double> shares;
  std::vector<double> errors;
  for (const auto& [model, step] : models) {
    if (predict(costs, step) > 0) shares.push_back(costs[0] * step.layers / predict(costs, step));
    if (const auto predicted = predict_left_out(models, model)) errors.push_back(std::abs(*predicted / step.value - 1));
  }
  if (!shares.empty()) result.layer_share = compute_median(shares);
  result.loo = summarize(errors, models.size());
}

/// The models that both have in one session.
std::pair<Models, Models> pair_up(const Models& scheme, const Models& anchor) {
  std::pair<Models, Models> both;
  for (const auto& [model, step] : scheme) {
    const auto twin = anchor.find(model);
    if (twin == anchor.end()) continue;
    both.first[model] = step;
    both.second[model] = twin->second;
  }
  return both;
}

void compare_ratios(const Sessions& scheme, const Sessions& anchor, Scaling& result) {
  std::map<ModelKey, std::vector<double>> measured;
  std::map<ModelKey, std::vector<double>> predicted;
  for (const auto& [session, own] : scheme) {
    const auto twin = anchor.find(session);
    if (twin == anchor.end()) continue;
    const auto [above, below] = pair_up(own, twin->second);
    for (const auto& [model, step] : above) {
      measured[model].push_back(std::log(step.value / below.at(model).value));
      const auto numerator = predict_left_out(above, model);
      const auto denominator = predict_left_out(below, model);
      if (numerator && denominator && *numerator > 0 && *denominator > 0)
        predicted[model].push_back(std::log(*numerator / *denominator));
    }
  }
  std::vector<double> errors;
  std::vector<double> baseline;
  for (const auto& [model, logs] : predicted) {
    const double truth = compute_mean(measured.at(model));
    std::vector<double> others;
    for (const auto& [other, ratios] : measured) {
      if (other != model) others.push_back(compute_mean(ratios));
    }
    errors.push_back(std::abs(std::expm1(compute_mean(logs) - truth)));
    baseline.push_back(std::abs(std::expm1(compute_mean(others) - truth)));
  }
  result.ratio = summarize(errors, 1);
  if (result.ratio) result.baseline = compute_mean(baseline);
}

}  // namespace

std::vector<Scaling> fit_scaling(std::span<const Row> rows, Quantity quantity, double confidence) {
  std::map<Key, std::vector<const Row*>> groups;
  for (const Row& row : rows) {
    const Workload& work = row.workload;
    if (work.scheme.empty() || work.layers <= 0 || work.params_step <= 0 || !value_of(row, quantity)) continue;
    judge::CellKey cell = cell_of(work);
    cell.model.clear();
    cell.params = 0;
    groups[{std::move(cell), work.scheme}].push_back(&row);
  }
  std::map<Key, Sessions> collected;
  for (const auto& [key, group] : groups) collected[key] = collect(group, quantity);
  std::vector<Scaling> all;
  for (const auto& [key, sessions] : collected) {
    Scaling result;
    std::tie(result.cell, result.scheme) = key;
    result.quantity = quantity;
    for (const auto& [model, step] : pool(sessions)) result.sizes_used.push_back(step.params);
    fit_scheme(sessions, confidence, result);
    const auto anchor = collected.find({result.cell, kAnchor});
    if (result.scheme != kAnchor && anchor != collected.end()) compare_ratios(sessions, anchor->second, result);
    all.push_back(std::move(result));
  }
  return all;
}

}  // namespace qtrap::fit
