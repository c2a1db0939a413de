#include "measure/result_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/units.hpp"
#include "device/device.hpp"
#include "profile/profile.hpp"
#include "scheme/pass.hpp"
#include "scheme/verify/verify_cases.hpp"

namespace qtrap::measure {
namespace {

/// A case of `verify` on the host has no more elements than this.
constexpr std::uint64_t kMostElements = std::uint64_t{1} << 21;
/// Of output_error_bound().
constexpr double kDepth = 0.25;
constexpr double kDecoderDepth = 0.5;
constexpr double kDecoderShare = 1.5;
constexpr double kScatter = 8;
constexpr double kGrowth = 1.5;

void add(const KernelCheck& one, KernelCheck& sum) {
  sum.rows += one.rows;
  sum.rows_checked += one.rows_checked;
  sum.worst = std::max(sum.worst, one.worst);
  if (!sum.problem) sum.problem = one.problem;
}

}  // namespace

SchemeCheck ResultCheck::check(const scheme::SchemeInfo& scheme, const std::vector<std::string>& kernels,
                               Seconds budget) {
  const Seconds begin = timing_->clock->now();
  SchemeCheck outcome;
  std::map<std::string, KernelCheck> found;
  try {
    Status done = check_alone(kernels, found);
    if (done) done = check_projections(scheme, budget, found);
    if (!done) outcome.unchecked_reason = done.error().message();
  } catch (const device::DeviceError& error) {
    if (!maker_->device().still_works()) throw;
    outcome.unchecked_reason = error.error().message();  // of a reference: the scheme's own kernels have run
  }
  checks_.merge(found);
  for (const std::string& name : kernels) {
    const auto known = checks_.find(name);
    if (known == checks_.end()) continue;
    outcome.kernels.push_back(name);
    add(known->second, outcome.sum);
  }
  outcome.wall = timing_->clock->now() - begin;
  return outcome;
}

/// Those that belong to no projection's weights. Kernels that make what a matmul reads come first, so that theirs is
/// the name where both are wrong.
Status ResultCheck::check_alone(const std::vector<std::string>& kernels, std::map<std::string, KernelCheck>& found) {
  for (const std::string& name : kernels) {
    const scheme::KernelEntry* entry = scheme::find_named(name);
    if (entry == nullptr || checks_.contains(name) || timing_->stopped()) continue;
    const scheme::Extent extent = extent_of(entry->operation);
    if (!extent.tokens && !extent.count) continue;
    auto compared = check_alone(*entry, extent);
    if (!compared) return compared.error();
    found.emplace(name, std::move(compared).value());
  }
  return Done{};
}

/// Of each shape in a layer one, and the head.
std::vector<ResultCheck::Projection> ResultCheck::list_projections(const scheme::SchemeInfo& scheme) const {
  std::vector<Projection> distinct;
  for (const auto& entry : model_->layers.front().projections.at(scheme.weights)) {
    const scheme::Weights& weights = entry.second;
    const auto same = [&](const Projection& other) { return other.weights->shape == weights.shape; };
    if (std::none_of(distinct.begin(), distinct.end(), same)) distinct.push_back({scheme, &weights, tokens_.layers});
  }
  const scheme::SchemeInfo head = chain::head_scheme(scheme, model_->native_head);
  const auto heads = model_->final.projections.find(head.weights);
  if (heads == model_->final.projections.end()) return distinct;
  for (const auto& entry : heads->second) distinct.push_back({head, &entry.second, tokens_.head});
  return distinct;
}

Status ResultCheck::check_projections(const scheme::SchemeInfo& scheme, Seconds budget,
                                      std::map<std::string, KernelCheck>& found) {
  const std::vector<Projection> distinct = list_projections(scheme);
  for (const Projection& one : distinct) {
    if (timing_->stopped()) return Done{};
    auto made = ProjectionCheck::make(*maker_, one.scheme, *one.weights, one.tokens);
    if (!made) return made.error();
    ProjectionCheck& projection = made.value();
    if (const auto* expansion = projection.fast().expansion();
        expansion != nullptr && !checks_.contains(expansion->kernel))
      add(projection.check_expansion(), found[expansion->kernel]);
    const std::string& matmul = projection.fast().matmul().kernel;
    if (checks_.contains(matmul)) continue;
    auto compared = projection.check_matmul(*timing_, draw_, budget / static_cast<double>(distinct.size()));
    if (!compared) return compared.error();
    add(compared.value(), found[matmul]);
  }
  return Done{};
}

/// Sizes of the case that checks an operation by itself, or none of all for those of a projection's weights. What only
/// makes inputs needs no rows, what only scales results no columns.
scheme::Extent ResultCheck::extent_of(const scheme::OperationId& operation) const {
  const model::Step& step = model_->step;
  const std::uint64_t width = *std::max_element(step.widths.begin(), step.widths.end());
  const std::uint64_t tokens = std::clamp<std::uint64_t>(kMostElements / width, 1, tokens_.layers);
  // Of a joined one: columns of its own width before and behind.
  const auto beside = [&](model::Tensor tensor) { return step.parts.contains(tensor) ? step.width(tensor) : 0; };
  const auto attention = [&](std::uint64_t columns_beside) {
    return scheme::Extent{.count = step.width(model::Tensor::kValue) / step.head_dim,
                          .rows = step.width(model::Tensor::kQuery) / step.head_dim,
                          .columns = step.head_dim,
                          .tokens = tokens,
                          .splits = 2,
                          .beside = columns_beside};
  };
  switch (operation.kind) {
    case scheme::OperationKind::kRescale:
    case scheme::OperationKind::kRescaleAdd:
      return {.rows = width, .columns = 1, .tokens = tokens};
    case scheme::OperationKind::kNorm:
      return {.columns = step.width(model::Tensor::kStream), .tokens = tokens};
    case scheme::OperationKind::kGate:
      return {.count = step.width(model::Tensor::kGate), .tokens = tokens, .beside = beside(model::Tensor::kGate)};
    case scheme::OperationKind::kAdd:
      return {.count = tokens * width};
    case scheme::OperationKind::kBias:
    case scheme::OperationKind::kEmbed:
      return {.columns = width, .tokens = tokens};
    case scheme::OperationKind::kChoose:
      return {.columns = step.width(model::Tensor::kLogits), .tokens = tokens};
    case scheme::OperationKind::kRotateStore:
      return attention(beside(model::Tensor::kQuery));
    case scheme::OperationKind::kAttend:
    case scheme::OperationKind::kCombineHeads:
      return attention(0);
    case scheme::OperationKind::kExpandHeads:
      return {.rows = step.width(model::Tensor::kValue) / step.head_dim,
              .columns = step.head_dim,
              .tokens = tokens,
              .beside = beside(model::Tensor::kValue)};
    case scheme::OperationKind::kGather:
      if (operation.weights) return {.rows = kMostElements / width, .columns = width, .tokens = 1};
      [[fallthrough]];
    case scheme::OperationKind::kFindOutliers:
    case scheme::OperationKind::kListOutliers:
    case scheme::OperationKind::kCast:
    case scheme::OperationKind::kQuantize:
      return {.rows = 1, .columns = width, .tokens = tokens};
    default:
      return {};
  }
}

Result<KernelCheck> ResultCheck::check_alone(const scheme::KernelEntry& entry, const scheme::Extent& extent) const {
  scheme::PassOptions options = maker_->options();
  options.family = std::string(entry.family);
  options.variant = std::string(entry.variant);
  scheme::VerifyBench bench(maker_->device(), options);
  const scheme::VerifyCase& one = scheme::verify_case(entry.operation);
  auto compared = one.check(bench, entry, extent);
  if (!compared) return compared.error();
  const scheme::Comparison& found = compared.value();
  const auto rows = static_cast<std::int64_t>(std::max<std::uint64_t>(extent.tokens, 1));
  KernelCheck check{rows, rows, 0, {}};
  if (found.tolerance > 0 && std::isfinite(found.error)) check.worst = found.error / found.tolerance;
  const bool wrong = !found.problem.empty() || !(found.error <= found.tolerance);
  if (wrong) {
    check.problem = fmt::format(
        "{} is wrong on {}: {}", entry.name(), one.describe(extent, options.group_size),
        found.problem.empty() ? fmt::format("an error of {:.3g} where {:.3g} is allowed", found.error, found.tolerance)
                              : found.problem);
  }
  return check;
}

double output_error_bound(const scheme::SchemeInfo& scheme, std::int64_t layers, std::int64_t steps,
                          std::int64_t elements, model::Workload workload) {
  const bool decodes = workload != model::Workload::kProjections;
  const double one = (decodes ? kDecoderShare : 1) * scheme.step_error();
  if (one == 0) return 0;
  return one * std::pow(static_cast<double>(layers), decodes ? kDecoderDepth : kDepth) *
         std::pow(kGrowth, static_cast<double>(steps - 1)) * (1 + kScatter / std::sqrt(static_cast<double>(elements)));
}

std::optional<std::string> judge_output(const scheme::SchemeInfo& scheme, const OutputErrors& errors,
                                        std::int64_t layers, std::int64_t tokens_per_hop, std::int64_t elements,
                                        model::Workload workload, bool trained) {
  const auto judge = [&](double error, std::int64_t steps, const std::string& place) -> std::optional<std::string> {
    if (!std::isfinite(error)) return fmt::format("its output after {} is not a finite number", place);
    const double bound = output_error_bound(scheme, layers, steps, elements, workload);
    if (trained || error <= bound) return std::nullopt;
    return fmt::format("its output after {} is {:.3g} from that of f16 (relative L2), where rounding explains {:.3g}",
                       place, error, bound);
  };
  std::optional<std::string> wrong = judge(errors.first_step, 1, "the first step");
  // A decoder's next token is the same or another: from there on the outputs are of other inputs.
  if (workload != model::Workload::kProjections) return wrong;
  for (std::size_t hop = 0; !wrong && hop < errors.by_hop.size(); ++hop)
    wrong =
        judge(errors.by_hop[hop], static_cast<std::int64_t>(hop + 1) * tokens_per_hop, fmt::format("hop {}", hop + 1));
  return wrong;
}

}  // namespace qtrap::measure
