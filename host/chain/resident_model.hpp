// The weights of a model on a device: as many distinct layers as the memory plan allows, each projection in every
// needed format. All formats come from one f16 tensor: made on the device by a counter-based generator, so that every
// device and scheme sees the same numbers for a seed and the host never holds a matrix, or read from a file, a tensor
// at a time. A tensor of a file that lies there in a format of a scheme is taken as it lies. Joined projections have
// the rows of their parts one under the other, the same numbers as apart.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "chain/layout.hpp"
#include "core/result.hpp"
#include "model/step.hpp"
#include "scheme/pass.hpp"
#include "weights/decoder.hpp"

namespace qtrap::chain {

/// What a list of operations reads. sigma of a random projection is 1 / sqrt(columns): outputs of unit variance for
/// inputs of unit variance. Random norms are ones, biases of a decoder zeros, an embedding of unit variance.
struct ResidentWeights {
  std::map<scheme::WeightFormat, std::map<model::Weight, scheme::Weights>> projections;
  std::map<model::Weight, device::Buffer> vectors;  ///< f16 [columns]
  device::Buffer embedding;                         ///< f16 [rows][columns], of what comes before the first layer
};

struct ResidentModel {
  profile::ModelProfile model;
  model::Step step;  ///< of this model
  std::uint64_t layers_to_run = 0;
  std::optional<NativeHead> native_head;  ///< of the demand
  std::vector<ResidentWeights> layers;
  ResidentWeights final;  ///< of what follows the last layer
  ResidentWeights first;  ///< of what comes before the first

  /// Makes the weights on the device, waiting after each layer. kRuntime error when the device runs out of memory; with
  /// a source, which must hold all `resident_layers`, those of read_rows() too.
  static Result<ResidentModel> make(const scheme::PassMaker& maker, const profile::ModelProfile& model,
                                    const Demand& demand, std::uint64_t resident_layers, std::uint64_t seed,
                                    const weights::Decoder* source = nullptr);
};

}  // namespace qtrap::chain
