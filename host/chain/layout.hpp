// How much of a model shape fits on a device, and what its weights take. Arithmetic only; what a step consists of says
// host/model.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "device/device_info.hpp"
#include "model/step.hpp"
#include "profile/cell.hpp"
#include "profile/profile.hpp"
#include "scheme/pass.hpp"
#include "scheme/scheme.hpp"
#include "weights/decoder.hpp"

namespace qtrap::chain {

/// Of a file whose first layer lies in one format and whose head in another that a scheme reads.
struct NativeHead {
  scheme::WeightFormat layers, head;
};
/// None where the layers or the head would not be taken as they lie.
std::optional<NativeHead> find_native_head(const weights::Decoder& source);
/// The scheme of the head of a scheme's chains: f16's, but of a file's layers as they lie the head as it lies.
scheme::SchemeInfo head_scheme(const scheme::SchemeInfo& scheme, const std::optional<NativeHead>& native);

/// Shapes of the projections among `operations` of `step`, in their order.
std::vector<scheme::ProjectionShape> projection_shapes(const model::Step& step, const model::Operations& operations);

/// Bytes of the weights of the projections among `operations` in a format.
std::uint64_t compute_weight_bytes(const model::Step& step, const model::Operations& operations,
                                   scheme::WeightFormat format, std::uint32_t group_size);

/// Launches and bytes of what follows the last layer in a step, the same in every scheme.
scheme::Costs compute_final_costs(const model::Step& step, std::uint64_t tokens);

/// New tokens of a decoder: `run` of each of `sequences`, over caches of `capacity` positions.
struct TokenBlock {
  std::uint64_t sequences = 1, run = 1, capacity = 1;
  std::uint64_t tokens() const { return sequences * run; }
};
/// Bytes of keys and values that a layer of a decoder reads in a chain of a cell, those of its own tokens included; 0
/// of projections.
double compute_cache_bytes(const model::Step& step, const profile::Cell& cell, CacheFormat cache);
/// Attention of such tokens on a device, split so that each of its units has a part.
scheme::AttentionShape attention_shape(const device::DeviceInfo& device, const model::Step& step,
                                       const TokenBlock& block);

/// What is to be read from memory holds at least so many last-level caches.
inline constexpr std::uint64_t kFewestCaches = 4;

/// What is to run on the device at the same time.
struct Demand {
  std::vector<scheme::SchemeInfo> schemes;
  std::vector<std::uint64_t> tokens;  ///< batch sizes; the largest decides
  std::uint32_t group_size = 128;
  double memory_fraction = 0.8;
  std::uint64_t layers_to_run = 0;  ///< all layers, or layers_limit
  model::Workload workload = model::Workload::kProjections;
  std::uint64_t run = 1;       ///< tokens of a sequence among `tokens`
  std::uint64_t capacity = 0;  ///< positions of a decoder's caches
  std::uint64_t prompt = 0;    ///< most tokens of a prompt, of as many sequences as `tokens`, at another time
  std::optional<NativeHead> native_head = {};
  Join join = Join::kNone;
};

/// What a campaign asks for, by which memory is planned before a run and filled in each of its sessions. `source`: of
/// the weights, null for random ones.
Demand make_demand(const profile::Campaign& campaign, const profile::ModelProfile& model,
                   const weights::Decoder* source = nullptr);
/// Formats of the heads that `demand` needs, f16 first: the others are quantized from it, or lie in the file.
std::vector<scheme::WeightFormat> head_formats(const Demand& demand);

/// How the device's memory is used, in bytes.
struct MemoryPlan {
  std::uint64_t resident_layers = 0;     ///< distinct layers held; layer l uses set l modulo this
  std::uint64_t bytes_per_layer = 0;     ///< all formats the schemes need
  std::uint64_t fixed_bytes = 0;         ///< activations, workspaces, caches and what is outside of layers
  std::uint64_t budget_bytes = 0;        ///< memory_fraction of the device's memory
  std::uint64_t smallest_set_bytes = 0;  ///< resident weights of the most compact format
  bool in_cache = false;                 ///< smallest_set_bytes is under kFewestCaches
  std::uint64_t total_bytes() const { return fixed_bytes + resident_layers * bytes_per_layer; }
};

/// Distinct weight formats of `schemes`; f16 always among them, since the others are quantized from it.
std::vector<scheme::WeightFormat> needed_formats(const std::vector<scheme::SchemeInfo>& schemes);

/// Distinct formats of their caches, those of f16 first where they are among them.
std::vector<CacheFormat> needed_caches(const std::vector<scheme::SchemeInfo>& schemes);

/// Fits a model on a device. kUsage errors: not one layer fits; one matrix exceeds the largest allocation; cycling
/// would keep the resident set under kFewestCaches, so that it would be measured from cache.
Result<MemoryPlan> plan_memory(const device::DeviceInfo& device, const profile::ModelProfile& model,
                               const Demand& demand);

}  // namespace qtrap::chain
