// The regressions that one decomposition joins: one per session, or one of all cells. Private to the fit.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "fit/decomposition.hpp"

namespace qtrap::fit {

/// The cells one fit sees: those of one session, or all of them.
struct Group {
  Problem problem;
  Regression fit;
  std::vector<Eigen::MatrixXd> gram;    ///< per configuration: sum of w x x'
  std::vector<Eigen::VectorXd> moment;  ///< per configuration: sum of w x y
  std::vector<Eigen::VectorXd> slope;   ///< per configuration: how the moment falls per watt of static power
};

/// What a cell gives to a fit of that quantity; none without its energy, or without the static power.
std::optional<Observation> observe(const Cell& cell, Quantity quantity, const std::optional<StaticPower>& power);

/// Sessions that alone tell apart what all of them together do; the pooled cells when fewer than two can.
std::vector<Group> make_groups(const Design& design, Quantity quantity, const FitOptions& options, Form form);

/// Mean over the groups of the fit with every configuration's cells weighted by `factors` and the static
/// power raised by `extra_w`.
Eigen::VectorXd solve_weighted(std::span<const Group> groups, const Eigen::VectorXd& factors, double extra_w = 0);

/// What `beta` says of an observation, in the unit of its magnitude.
double predict_observation(const Group& group, const Observation& seen, const Eigen::VectorXd& beta);

}  // namespace qtrap::fit
