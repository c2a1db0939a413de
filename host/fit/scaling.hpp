// Cost of one step as layers x constant + parameters x constant, for each scheme alone. Needs no analytic counts, so it
// serves imported tables too, and it tells a step that is layers x constant (launches, host work) from one that grows
// with the parameters (bytes, dequantization).
//
// Ordinary least squares on relative errors over the models (geometric means over their sessions), so that the interval
// holds what the two terms miss: Student's t with models - 2 degrees of freedom, joined in quadrature with Student's t
// over the sessions' own fits where there are two. Predictions hold both costs at or above zero.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fit/decomposition.hpp"
#include "judge/judge.hpp"

namespace qtrap::fit {

/// Relative errors of models left out in turn, the others fitted without them.
struct LeftOut {
  double mean = 0, largest = 0;  ///< |predicted / measured - 1|
};

struct Scaling {
  judge::CellKey cell;  ///< model and params are empty
  std::string scheme;
  Quantity quantity = Quantity::kTime;
  std::string reason;              ///< why there is no fit; empty when there is one
  Coefficient per_layer;           ///< [s or J per layer and step]
  Coefficient per_param;           ///< [s or J per parameter and step], over params_step
  double layer_share = 0;          ///< part of the prediction that goes with the layers, median over the models
  std::optional<LeftOut> loo;      ///< of the cost of a step; none with fewer than three models
  std::optional<LeftOut> ratio;    ///< of the ratio to f16, fitted inside sessions; none for f16 or without it
  std::optional<double> baseline;  ///< mean error of "the mean ratio of the other models" in place of `ratio`
  std::vector<double> sizes_used;  ///< parameters of the models
};

/// One entry per scheme and all else of a cell but the model, layers and parameters known, in that order. Gross energy,
/// nothing taken off.
std::vector<Scaling> fit_scaling(std::span<const Row> rows, Quantity quantity, double confidence = kConfidence);

}  // namespace qtrap::fit
