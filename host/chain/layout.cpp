#include "chain/layout.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace qtrap::chain {
namespace {

constexpr std::uint64_t kHalfBytes = 2;

std::uint64_t layer_bytes(const profile::ModelProfile& model, scheme::WeightFormat format, std::uint32_t group_size) {
  std::uint64_t bytes = 0;
  for (const auto& shape : projection_shapes(model)) bytes += format::compute_weight_bytes(format, shape, group_size);
  return bytes;
}

std::uint64_t activation_bytes(const profile::ModelProfile& model, std::uint64_t tokens) {
  // x, h, y and the seed are hidden wide; q, k, v as projected; the expansion as wide as q; gate, up, act are ffn wide.
  const auto shapes = projection_shapes(model);
  const std::uint64_t q = shapes[0].rows;
  const std::uint64_t kv = shapes[1].rows;
  const auto hidden = static_cast<std::uint64_t>(model.hidden);
  const auto ffn = static_cast<std::uint64_t>(model.ffn);
  return kHalfBytes * tokens * (4 * hidden + 2 * q + 2 * kv + 3 * ffn);
}

std::string mebibytes(std::uint64_t bytes) { return fmt::format("{} MiB", bytes >> 20); }

}  // namespace

std::array<scheme::ProjectionShape, kProjectionCount> projection_shapes(const profile::ModelProfile& model) {
  const auto hidden = static_cast<std::uint64_t>(model.hidden);
  const auto ffn = static_cast<std::uint64_t>(model.ffn);
  const auto q = static_cast<std::uint64_t>(model.heads * model.head_dim);
  const auto kv = static_cast<std::uint64_t>(model.kv_heads * model.head_dim);
  return {{{q, hidden}, {kv, hidden}, {kv, hidden}, {hidden, q}, {ffn, hidden}, {ffn, hidden}, {hidden, ffn}}};
}

scheme::Costs compute_final_costs(const profile::ModelProfile& model, std::uint64_t tokens) {
  scheme::Costs costs;
  costs.bytes = kHalfBytes * static_cast<std::uint64_t>(model.hidden) * (2 * tokens + 1);
  costs.launches = 1;
  return costs;
}

std::vector<scheme::WeightFormat> needed_formats(const std::vector<scheme::SchemeInfo>& schemes) {
  std::vector<scheme::WeightFormat> formats{format::kPlainFormat};
  for (const auto& scheme : schemes) {
    if (std::find(formats.begin(), formats.end(), scheme.weights) == formats.end()) formats.push_back(scheme.weights);
  }
  return formats;
}

Result<MemoryPlan> plan_memory(const device::DeviceInfo& device, const profile::ModelProfile& model,
                               const Demand& demand) {
  MemoryPlan plan;
  plan.budget_bytes = static_cast<std::uint64_t>(demand.memory_fraction * static_cast<double>(device.memory_bytes));
  const auto shapes = projection_shapes(model);
  const std::vector<scheme::ProjectionShape> shape_list(shapes.begin(), shapes.end());
  for (const auto& shape : shapes) {
    const std::uint64_t bytes = format::compute_weight_bytes(format::kPlainFormat, shape, demand.group_size);
    if (bytes > device.max_alloc_bytes) {
      return usage_error("model does not fit on the device",
                         fmt::format("{}: a matrix of {} on {}", model.name, mebibytes(bytes), device.name),
                         fmt::format("its largest allocation is {}; choose a smaller model or another --device",
                                     mebibytes(device.max_alloc_bytes)));
    }
  }
  std::uint64_t smallest_layer = UINT64_MAX;
  for (const auto format : needed_formats(demand.schemes)) {
    const std::uint64_t bytes = layer_bytes(model, format, demand.group_size);
    plan.bytes_per_layer += bytes;
    smallest_layer = std::min(smallest_layer, bytes);
  }
  plan.bytes_per_layer += 2 * kHalfBytes * static_cast<std::uint64_t>(model.hidden);
  const std::uint64_t tokens = *std::max_element(demand.tokens.begin(), demand.tokens.end());
  plan.fixed_bytes = activation_bytes(model, tokens) + kHalfBytes * static_cast<std::uint64_t>(model.hidden);
  for (const auto& scheme : demand.schemes) {
    plan.fixed_bytes += scheme::SchemePasses::compute_workspace_bytes(scheme, {device.kernel_family()},
                                                                      demand.group_size, tokens, shape_list);
  }
  const std::uint64_t room = plan.budget_bytes > plan.fixed_bytes ? plan.budget_bytes - plan.fixed_bytes : 0;
  plan.resident_layers = std::min(demand.layers_to_run, room / plan.bytes_per_layer);
  const std::string sizes =
      fmt::format("{} on {}: a layer of {} beside {} in {}", model.name, device.name, mebibytes(plan.bytes_per_layer),
                  mebibytes(plan.fixed_bytes), mebibytes(plan.budget_bytes));
  if (plan.resident_layers == 0) {
    return usage_error("device memory is too small for one layer", sizes,
                       "raise memory_fraction, run fewer schemes or a smaller batch, or choose another --device");
  }
  plan.smallest_set_bytes = plan.resident_layers * smallest_layer;
  plan.in_cache = plan.smallest_set_bytes < kFewestCaches * device.cache_bytes;
  if (plan.in_cache && plan.resident_layers < demand.layers_to_run) {
    return usage_error("too few layers fit: they would be read from the cache",
                       fmt::format("{}, {} layers resident", sizes, plan.resident_layers),
                       fmt::format("the resident set must be at least {}; raise memory_fraction or run fewer schemes",
                                   mebibytes(kFewestCaches * device.cache_bytes)));
  }
  return plan;
}

}  // namespace qtrap::chain
