#include "fit/groups.hpp"

#include "fit/nnls.hpp"

namespace qtrap::fit {
namespace {

using Index = Eigen::Index;

Problem make_problem(const Design& design, Quantity quantity, const FitOptions& options, Form form,
                     std::optional<std::size_t> session) {
  Problem problem{&design.terms, &design.counts, {}, form, options.robust};
  for (const Cell& cell : design.cells) {
    if (session && cell.session != *session) continue;
    if (const auto seen = observe(cell, quantity, options.static_power)) problem.observations.push_back(*seen);
  }
  return problem;
}

void add_normal_equations(Group& group) {
  const auto configurations = static_cast<std::size_t>(group.problem.counts->rows());
  const Index p = group.problem.counts->cols();
  group.gram.assign(configurations, Eigen::MatrixXd());
  group.moment.assign(configurations, Eigen::VectorXd());
  group.slope.assign(configurations, Eigen::VectorXd());
  for (std::size_t i = 0; i < group.problem.observations.size(); ++i) {
    const Observation& seen = group.problem.observations[i];
    const Eigen::VectorXd row = compute_linear_row(group.problem, group.fit, seen.configuration);
    Eigen::MatrixXd& gram = group.gram[seen.configuration];
    if (gram.size() == 0) {
      gram = Eigen::MatrixXd::Zero(p, p);
      group.moment[seen.configuration] = Eigen::VectorXd::Zero(p);
      group.slope[seen.configuration] = Eigen::VectorXd::Zero(p);
    }
    const double weight = group.fit.weights[static_cast<Index>(i)];
    gram += weight * row * row.transpose();
    group.moment[seen.configuration] += weight * seen.response * row;
    group.slope[seen.configuration] += weight * seen.known_rate * row;
  }
}

}  // namespace

std::optional<Observation> observe(const Cell& cell, Quantity quantity, const std::optional<StaticPower>& power) {
  if (quantity == Quantity::kTime) return Observation{cell.configuration, cell.time_s, cell.time_s, 0};
  if (!cell.energy_j || !power) return std::nullopt;
  return Observation{cell.configuration, *cell.energy_j - power->value_w * cell.time_s, *cell.energy_j, cell.time_s};
}

std::vector<Group> make_groups(const Design& design, Quantity quantity, const FitOptions& options, Form form) {
  Group pooled{make_problem(design, quantity, options, form, std::nullopt), {}, {}, {}, {}};
  pooled.fit = fit_problem(pooled.problem);
  const Identification whole = identify(pooled.problem, pooled.fit);
  std::vector<Group> groups;
  for (std::size_t session = 0; session < design.sessions && design.sessions > 1; ++session) {
    Group group{make_problem(design, quantity, options, form, session), {}, {}, {}, {}};
    if (group.problem.observations.empty()) continue;
    group.fit = fit_problem(group.problem, pooled.fit.memory_bound);
    if (identify(group.problem, group.fit).separable == whole.separable) groups.push_back(std::move(group));
  }
  if (groups.size() < 2) {
    groups.clear();
    groups.push_back(std::move(pooled));
  }
  for (Group& group : groups) add_normal_equations(group);
  return groups;
}

Eigen::VectorXd solve_weighted(std::span<const Group> groups, const Eigen::VectorXd& factors, double extra_w) {
  const Index p = groups.front().problem.counts->cols();
  Eigen::VectorXd mean = Eigen::VectorXd::Zero(p);
  for (const Group& group : groups) {
    Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(p, p);
    Eigen::VectorXd moment = Eigen::VectorXd::Zero(p);
    for (std::size_t c = 0; c < group.gram.size(); ++c) {
      if (group.gram[c].size() == 0) continue;
      gram += factors[static_cast<Index>(c)] * group.gram[c];
      moment += factors[static_cast<Index>(c)] * (group.moment[c] - extra_w * group.slope[c]);
    }
    mean += solve_nnls_gram(gram, moment).x;
  }
  return mean / static_cast<double>(groups.size());
}

double predict_observation(const Group& group, const Observation& seen, const Eigen::VectorXd& beta) {
  const Problem& problem = group.problem;
  const Eigen::VectorXd counts = problem.counts->row(static_cast<Index>(seen.configuration)).transpose();
  return compute_prediction(problem.form, *problem.terms, counts, beta) + seen.magnitude - seen.response;
}

}  // namespace qtrap::fit
