// What a decoder step of a model shape consists of, and how much of it fits on a device. Arithmetic only.
// A step: per layer  h = norm(x); q, k, v = W h; a = expand(v); x += W_o a; h = norm(x); x += W_down(silu(W_gate h) *
// W_up h); after the last layer x = norm(x), the input of the next step. Attention is not computed yet: o reads the
// grouped-query expansion of v, as if every context had one token. Embedding and output head are not part of a step.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "device/device_info.hpp"
#include "profile/profile.hpp"
#include "scheme/pass.hpp"
#include "scheme/scheme.hpp"

namespace qtrap::chain {

enum class Projection { kQ, kK, kV, kO, kGate, kUp, kDown };
inline constexpr std::size_t kProjectionCount = 7;

/// Shapes of the seven projections of one layer, in the order of Projection.
std::array<scheme::ProjectionShape, kProjectionCount> projection_shapes(const profile::ModelProfile& model);

/// Launches and bytes of what follows the last layer in a step: the final norm reads x and its weights, and writes x.
scheme::Costs compute_final_costs(const profile::ModelProfile& model, std::uint64_t tokens);

/// What is to be read from memory holds at least so many last-level caches.
inline constexpr std::uint64_t kFewestCaches = 4;

/// What is to run on the device at the same time.
struct Demand {
  std::vector<scheme::SchemeInfo> schemes;
  std::vector<std::uint64_t> tokens;  ///< batch sizes; the largest decides
  std::uint32_t group_size = 128;
  double memory_fraction = 0.8;
  std::uint64_t layers_to_run = 0;  ///< all layers, or layers_limit
};

/// How the device's memory is used, in bytes.
struct MemoryPlan {
  std::uint64_t resident_layers = 0;     ///< distinct layers held; layer l uses set l modulo this
  std::uint64_t bytes_per_layer = 0;     ///< all formats the schemes need
  std::uint64_t fixed_bytes = 0;         ///< activations and workspaces
  std::uint64_t budget_bytes = 0;        ///< memory_fraction of the device's memory
  std::uint64_t smallest_set_bytes = 0;  ///< resident weights of the most compact format
  bool in_cache = false;                 ///< smallest_set_bytes is under kFewestCaches
  std::uint64_t total_bytes() const { return fixed_bytes + resident_layers * bytes_per_layer; }
};

/// Distinct weight formats of `schemes`; f16 always among them, since the others are quantized from it.
std::vector<scheme::WeightFormat> needed_formats(const std::vector<scheme::SchemeInfo>& schemes);

/// Fits a model on a device. kUsage errors: not one layer fits; one matrix exceeds the largest allocation; cycling
/// would keep the resident set under kFewestCaches, so that it would be measured from cache.
Result<MemoryPlan> plan_memory(const device::DeviceInfo& device, const profile::ModelProfile& model,
                               const Demand& demand);

}  // namespace qtrap::chain
