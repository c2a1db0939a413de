// Cost of one step as layers x constant + parameters x constant, for each scheme alone. Needs no analytic counts, so it
// serves imported tables too, and it tells a step that is layers x constant (launches, host work) from one that grows
// with the parameters (bytes, dequantization).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fit/decomposition.hpp"

namespace qtrap::fit {

struct Scaling {
  std::string device, scheme;
  double batch = 1;
  Quantity quantity = Quantity::kTime;
  std::string reason;                    ///< why there is no fit; empty when there is one
  Coefficient per_layer;                 ///< [s or J per layer and step]
  Coefficient per_param;                 ///< [s or J per parameter and step], over params_step
  double layer_share = 0;                ///< part of the prediction that goes with the layers, median over the models
  double loo_mape = 0;                   ///< mean |relative error| of models left out in turn
  std::optional<double> ratio_loo_mape;  ///< the same of the ratio to f16; none for f16, without it, or with < 3 models
  std::vector<double> sizes_used;        ///< parameters of the models
};

/// One entry per (device, scheme, batch) with layers and parameters known, in that order. Gross energy, nothing taken
/// off. The same options as decompose; the static power is not used.
std::vector<Scaling> fit_scaling(std::span<const Row> rows, Quantity quantity, const FitOptions& options);

}  // namespace qtrap::fit
