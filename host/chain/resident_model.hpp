// The weights of a model shape on a device: as many distinct layers as the memory plan allows, each projection in every
// needed format. All formats come from one f16 tensor, made on the device by a counter-based generator, so that every
// device and scheme sees the same numbers for a seed; the host never holds a matrix.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "chain/layout.hpp"
#include "core/result.hpp"
#include "model/step.hpp"
#include "scheme/pass.hpp"

namespace qtrap::chain {

/// What a list of operations reads. sigma of a projection is 1 / sqrt(columns): outputs of unit variance for inputs of
/// unit variance.
struct ResidentWeights {
  std::map<scheme::WeightFormat, std::map<model::Weight, scheme::Weights>> projections;
  std::map<model::Weight, device::Buffer> norms;  ///< f16 [columns], ones
};

struct ResidentModel {
  profile::ModelProfile model;
  model::Step step;  ///< of this model
  std::uint64_t layers_to_run = 0;
  std::vector<ResidentWeights> layers;
  ResidentWeights final;  ///< of what follows the last layer

  /// Makes the weights on the device, waiting after each layer. kRuntime error when the device runs out of memory.
  static Result<ResidentModel> make(const scheme::PassMaker& maker, const profile::ModelProfile& model,
                                    const Demand& demand, std::uint64_t resident_layers, std::uint64_t seed);
};

}  // namespace qtrap::chain
