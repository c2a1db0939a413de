#include "chain/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "core/contract.hpp"
#include "profile/cell.hpp"

namespace qtrap::chain {
namespace {

constexpr std::uint64_t kHalfBytes = 2;

std::uint64_t activation_bytes(const model::Step& step, std::uint64_t tokens) {
  const std::uint64_t seed = step.width(model::Tensor::kStream);
  return kHalfBytes * tokens * std::accumulate(step.widths.begin(), step.widths.end(), seed);
}

std::uint64_t norm_bytes(const model::Step& step, const model::Operations& operations) {
  std::uint64_t bytes = 0;
  for (const model::Weight norm : model::list_weights(operations, model::Kind::kNorm))
    bytes += kHalfBytes * step.weights.at(norm).columns;
  return bytes;
}

std::string mebibytes(std::uint64_t bytes) { return fmt::format("{} MiB", bytes >> 20); }

}  // namespace

Demand make_demand(const profile::Campaign& campaign, const profile::ModelProfile& model) {
  Demand demand;
  for (const auto& name : profile::schemes_with_anchor(campaign))
    demand.schemes.push_back(scheme::find_scheme(name).value());
  demand.tokens.assign(campaign.batch.begin(), campaign.batch.end());
  demand.group_size = static_cast<std::uint32_t>(campaign.group_size);
  demand.memory_fraction = campaign.memory_fraction;
  demand.layers_to_run =
      static_cast<std::uint64_t>(std::min(campaign.layers_limit.value_or(model.layers), model.layers));
  return demand;
}

std::vector<scheme::ProjectionShape> projection_shapes(const model::Step& step, const model::Operations& operations) {
  std::vector<scheme::ProjectionShape> shapes;
  for (const model::Weight weight : model::list_weights(operations, model::Kind::kProject)) {
    const model::Matrix& matrix = step.weights.at(weight);
    shapes.push_back({matrix.rows, matrix.columns});
  }
  return shapes;
}

std::vector<scheme::ProjectionShape> projection_shapes(const model::Step& step) {
  auto shapes = projection_shapes(step, step.layer);
  const auto last = projection_shapes(step, step.final);
  shapes.insert(shapes.end(), last.begin(), last.end());
  return shapes;
}

std::uint64_t compute_weight_bytes(const model::Step& step, const model::Operations& operations,
                                   scheme::WeightFormat format, std::uint32_t group_size) {
  std::uint64_t bytes = 0;
  for (const auto& shape : projection_shapes(step, operations))
    bytes += format::compute_weight_bytes(format, shape, group_size);
  return bytes;
}

scheme::Costs compute_final_costs(const model::Step& step, std::uint64_t tokens) {
  expects(projection_shapes(step, step.final).empty(), "what follows the last layer is the same in every scheme");
  scheme::Costs costs;
  costs.bytes = norm_bytes(step, step.final);
  for (const model::Operation& operation : step.final) {
    for (const model::Tensor input : operation.inputs) costs.bytes += kHalfBytes * tokens * step.width(input);
    costs.bytes += kHalfBytes * tokens * step.width(operation.output);
    costs.launches += 1;
  }
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
  const model::Step step = model::make_step(model);
  const auto shapes = projection_shapes(step);
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
    const std::uint64_t bytes = compute_weight_bytes(step, step.layer, format, demand.group_size);
    plan.bytes_per_layer += bytes;
    plan.fixed_bytes += compute_weight_bytes(step, step.final, format, demand.group_size);
    smallest_layer = std::min(smallest_layer, bytes);
  }
  plan.bytes_per_layer += norm_bytes(step, step.layer);
  const std::uint64_t tokens = *std::max_element(demand.tokens.begin(), demand.tokens.end());
  plan.fixed_bytes += activation_bytes(step, tokens) + norm_bytes(step, step.final);
  for (const auto& scheme : demand.schemes) {
    plan.fixed_bytes += scheme::SchemePasses::compute_workspace_bytes(scheme, {device.kernel_family()},
                                                                      demand.group_size, tokens, shapes);
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
