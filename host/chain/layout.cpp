#include "chain/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "chain/context.hpp"
#include "core/contract.hpp"
#include "profile/cell.hpp"

namespace qtrap::chain {
namespace {

constexpr std::uint64_t kHalfBytes = 2;

/// The seed is as wide as the stream, or as the token.
std::uint64_t activation_bytes(const model::Step& step, const TokenBlock& block) {
  std::uint64_t bytes = kHalfBytes * block.tokens() * step.width(model::Tensor::kStream);
  for (std::size_t i = 0; i < model::kTensorCount; ++i) {
    const auto tensor = static_cast<model::Tensor>(i);
    if (step.parts.contains(tensor)) continue;
    const std::uint64_t rows = step.is_of_last(tensor) ? block.sequences : block.tokens();
    bytes += model::element_bytes(tensor) * rows * step.widths[i];
  }
  const bool turns = step.workload != model::Workload::kProjections && step.parts.contains(model::Tensor::kQuery);
  return bytes + (turns ? kHalfBytes * block.tokens() * step.width(model::Tensor::kQuery) : 0);
}

std::uint64_t vector_bytes(const model::Step& step, const model::Operations& operations) {
  std::uint64_t bytes = 0;
  for (const model::Weight weight : model::list_vectors(operations))
    bytes += kHalfBytes * step.weights.at(weight).columns;
  return bytes;
}

/// Of an embedding that is not the head.
std::uint64_t embedding_bytes(const model::Step& step) {
  const auto embedding = step.weights.find(model::Weight::kEmbedding);
  return embedding == step.weights.end() ? 0 : kHalfBytes * embedding->second.rows * embedding->second.columns;
}

std::string mebibytes(std::uint64_t bytes) { return fmt::format("{} MiB", bytes >> 20); }

Status check_allocations(const device::DeviceInfo& device, const profile::ModelProfile& model,
                         const std::vector<scheme::ProjectionShape>& shapes, std::uint32_t group_size) {
  for (const auto& shape : shapes) {
    const std::uint64_t bytes = format::compute_weight_bytes(format::kPlainFormat, shape, group_size);
    if (bytes > device.max_alloc_bytes) {
      return usage_error("model does not fit on the device",
                         fmt::format("{}: a matrix of {} on {}", model.name, mebibytes(bytes), device.name),
                         fmt::format("its largest allocation is {}; choose a smaller model or another --device",
                                     mebibytes(device.max_alloc_bytes)));
    }
  }
  return Done{};
}

}  // namespace

std::optional<NativeHead> find_native_head(const weights::Decoder& source) {
  const weights::Tensor* layers = source.tensors.find(weights::Role::kQ);
  const weights::Tensor* head = source.tensors.find_head();
  const auto is_native = [](const weights::Tensor* tensor) {
    return tensor != nullptr && tensor->type->native && *tensor->type->native != format::kPlainFormat;
  };
  if (!is_native(layers) || !is_native(head) || !scheme::find_reader(*head->type->native)) return std::nullopt;
  return NativeHead{*layers->type->native, *head->type->native};
}

scheme::SchemeInfo head_scheme(const scheme::SchemeInfo& scheme, const std::optional<NativeHead>& native) {
  const bool as_it_lies = native && scheme.weights == native->layers;
  return scheme::find_reader(as_it_lies ? native->head : format::kPlainFormat).value();
}

std::vector<scheme::WeightFormat> head_formats(const Demand& demand) {
  std::vector<scheme::SchemeInfo> heads;
  for (const auto& scheme : demand.schemes) heads.push_back(head_scheme(scheme, demand.native_head));
  return needed_formats(heads);
}

Demand make_demand(const profile::Campaign& campaign, const profile::ModelProfile& model,
                   const weights::Decoder* source) {
  Demand demand;
  for (const auto& name : profile::schemes_with_anchor(campaign))
    demand.schemes.push_back(scheme::find_scheme(name).value());
  demand.tokens.assign(campaign.batch.begin(), campaign.batch.end());
  demand.group_size = static_cast<std::uint32_t>(campaign.group_size);
  demand.memory_fraction = campaign.memory_fraction;
  demand.layers_to_run =
      static_cast<std::uint64_t>(std::min(campaign.layers_limit.value_or(model.layers), model.layers));
  demand.workload = campaign.workload;
  if (source != nullptr) demand.native_head = find_native_head(*source);
  const auto most = [](const std::vector<std::int64_t>& list) { return *std::max_element(list.begin(), list.end()); };
  demand.capacity =
      static_cast<std::uint64_t>(most(campaign.context_tokens) + most(campaign.hops) * most(campaign.tokens_per_hop));
  if (!campaign.prompt_tokens.empty()) demand.prompt = static_cast<std::uint64_t>(most(campaign.prompt_tokens));
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
  costs.bytes = vector_bytes(step, step.final);
  for (const model::Operation& operation : step.final) {
    for (const model::Tensor input : operation.inputs) costs.bytes += kHalfBytes * tokens * step.width(input);
    costs.bytes += kHalfBytes * tokens * step.width(operation.output);
    costs.launches += 1;
  }
  return costs;
}

double compute_cache_bytes(const model::Step& step, const profile::Cell& cell, CacheFormat cache) {
  if (step.workload == model::Workload::kProjections) return 0;
  const std::uint64_t kv_heads = step.width(model::Tensor::kKey) / step.head_dim;
  const auto row = static_cast<double>(2 * kv_heads * info(cache).head_bytes(step.head_dim));
  const auto steps = static_cast<double>(cell.steps());
  const double positions =
      steps * static_cast<double>(cell.context_tokens) + static_cast<double>(cell.run()) * steps * (steps + 1) / 2;
  return row * positions * static_cast<double>(cell.batch);
}

scheme::AttentionShape attention_shape(const device::DeviceInfo& device, const model::Step& step,
                                       const TokenBlock& block) {
  constexpr std::uint64_t kPositionsOfAPart = 64;  // fewer are not worth a part
  scheme::AttentionShape shape;
  shape.head_dim = step.head_dim;
  shape.heads = step.width(model::Tensor::kQuery) / step.head_dim;
  shape.kv_heads = step.width(model::Tensor::kKey) / step.head_dim;
  shape.sequences = block.sequences;
  shape.run = block.run;
  shape.capacity = block.capacity;
  const std::uint64_t wanted = 2 * std::max<std::uint64_t>(device.compute_units, 1);
  shape.splits = std::clamp<std::uint64_t>((wanted + shape.tokens() - 1) / shape.tokens(), 1,
                                           (block.capacity + kPositionsOfAPart - 1) / kPositionsOfAPart);
  return shape;
}

std::vector<scheme::WeightFormat> needed_formats(const std::vector<scheme::SchemeInfo>& schemes) {
  std::vector<scheme::WeightFormat> formats{format::kPlainFormat};
  for (const auto& scheme : schemes) {
    if (std::find(formats.begin(), formats.end(), scheme.weights) == formats.end()) formats.push_back(scheme.weights);
  }
  return formats;
}

std::vector<CacheFormat> needed_caches(const std::vector<scheme::SchemeInfo>& schemes) {
  std::set<CacheFormat> formats;
  for (const auto& scheme : schemes) formats.insert(scheme.cache);
  return {formats.begin(), formats.end()};
}

namespace {

/// Bytes that the chains of all schemes need at once beside the weights.
std::uint64_t chain_bytes(const device::DeviceInfo& device, const profile::ModelProfile& model, const Demand& demand,
                          const model::Step& step, const TokenBlock& block) {
  const auto workspace = [&](const scheme::SchemeInfo& scheme, const model::Operations& of, std::uint64_t tokens) {
    return scheme::SchemePasses::compute_workspace_bytes(scheme, {device.kernel_family()}, demand.group_size, tokens,
                                                         projection_shapes(step, of));
  };
  std::uint64_t bytes = activation_bytes(step, block);
  for (const auto& scheme : demand.schemes) bytes += workspace(scheme, step.layer, block.tokens());
  if (step.workload == model::Workload::kProjections) return bytes;
  // The head's passes have a workspace of their own in each chain.
  const std::uint64_t last = step.is_of_last(model::Tensor::kLogits) ? block.sequences : block.tokens();
  for (const auto& scheme : demand.schemes)
    bytes += workspace(head_scheme(scheme, demand.native_head), step.final, last);
  return bytes + attention_shape(device, step, block).part_bytes() +
         Context::compute_bytes(model, demand.layers_to_run, block.sequences, block.capacity,
                                needed_caches(demand.schemes));
}

}  // namespace

Result<MemoryPlan> plan_memory(const device::DeviceInfo& device, const profile::ModelProfile& model,
                               const Demand& demand) {
  MemoryPlan plan;
  plan.budget_bytes = static_cast<std::uint64_t>(demand.memory_fraction * static_cast<double>(device.memory_bytes));
  const model::Step step = model::make_step(model, demand.workload, demand.join);
  const auto shapes = projection_shapes(step, step.layer);
  const auto head = projection_shapes(step, step.final);
  if (const Status fits = check_allocations(device, model, shapes, demand.group_size); !fits) return fits.error();
  if (const Status fits = check_allocations(device, model, head, demand.group_size); !fits) return fits.error();
  std::uint64_t smallest_layer = UINT64_MAX;
  for (const auto format : needed_formats(demand.schemes)) {
    const std::uint64_t bytes = compute_weight_bytes(step, step.layer, format, demand.group_size);
    plan.bytes_per_layer += bytes;
    smallest_layer = std::min(smallest_layer, bytes);
  }
  plan.bytes_per_layer += vector_bytes(step, step.layer);
  plan.fixed_bytes += embedding_bytes(step);
  for (const auto format : head_formats(demand))
    plan.fixed_bytes += compute_weight_bytes(step, step.final, format, demand.group_size);
  const std::uint64_t tokens = *std::max_element(demand.tokens.begin(), demand.tokens.end());
  std::uint64_t chains = chain_bytes(device, model, demand, step, {tokens / demand.run, demand.run, demand.capacity});
  if (demand.prompt > 0) {
    const model::Step prefill = model::make_step(model, model::Workload::kPrefill, demand.join);
    chains = std::max(chains,
                      chain_bytes(device, model, demand, prefill, {tokens / demand.run, demand.prompt, demand.prompt}));
  }
  plan.fixed_bytes += chains + vector_bytes(step, step.final);
  const std::uint64_t room = plan.budget_bytes > plan.fixed_bytes ? plan.budget_bytes - plan.fixed_bytes : 0;
  plan.resident_layers = std::min(demand.layers_to_run, room / plan.bytes_per_layer);
  const std::string sizes =
      fmt::format("{} on {}: a layer of {} beside {} in {}", model.name, device.name, mebibytes(plan.bytes_per_layer),
                  mebibytes(plan.fixed_bytes), mebibytes(plan.budget_bytes));
  if (plan.resident_layers == 0) {
    return usage_error(
        "device memory is too small for one layer", sizes,
        "raise memory_fraction, run fewer schemes, smaller batches, contexts or prompts, or choose another --device");
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
