#include "measure/result_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "scheme/verify_cases.hpp"

namespace qtrap::measure {
namespace {

/// A case of `verify` on the host has no more elements than this.
constexpr std::uint64_t kMostElements = std::uint64_t{1} << 21;
/// Errors of a layer's weights (8 bits, 4 bits) and of 8-bit weights and activations.
constexpr double kInt8Error = 0.010;
constexpr double kInt8BothError = 0.018;
constexpr double kInt4Error = 0.11;
constexpr double kScatter = 8;
/// Of an error from one step to the next, which takes the output in: 1.35 a step in 8 steps of qwen3-0.6b.
constexpr double kGrowth = 1.5;

const scheme::KernelEntry* find_entry(std::string_view name) {
  for (const auto& entry : scheme::all_kernels()) {
    if (entry.name() == name) return &entry;
  }
  return nullptr;
}

void add(const KernelCheck& one, KernelCheck& sum) {
  sum.rows += one.rows;
  sum.rows_checked += one.rows_checked;
  sum.worst = std::max(sum.worst, one.worst);
  if (!sum.problem) sum.problem = one.problem;
}

}  // namespace

Result<SchemeCheck> ResultCheck::check(const scheme::SchemeInfo& scheme, const std::vector<std::string>& kernels,
                                       Seconds budget) {
  const Seconds begin = timing_->clock->now();
  // Kernels that make what a matmul reads come first, so that theirs is the name where both are wrong.
  for (const std::string& name : kernels) {
    const scheme::KernelEntry* entry = find_entry(name);
    if (entry == nullptr || checks_.contains(name) || timing_->stopped()) continue;
    if (!extent_of(entry->operation).tokens && !extent_of(entry->operation).count) continue;
    if (auto done = check_alone(*entry); !done) return done.error();
  }
  if (auto done = check_projections(scheme, budget); !done) return done.error();
  SchemeCheck outcome;
  for (const std::string& name : kernels) {
    const auto found = checks_.find(name);
    if (found == checks_.end()) continue;
    outcome.kernels.push_back(name);
    add(found->second, outcome.sum);
  }
  outcome.wall = timing_->clock->now() - begin;
  return outcome;
}

Status ResultCheck::check_projections(const scheme::SchemeInfo& scheme, Seconds budget) {
  const auto& projections = model_->layers.front().projections.at(scheme.weights);
  std::vector<const scheme::Weights*> distinct;
  for (const scheme::Weights& weights : projections) {
    const auto same = [&](const scheme::Weights* other) { return other->shape == weights.shape; };
    if (std::none_of(distinct.begin(), distinct.end(), same)) distinct.push_back(&weights);
  }
  std::map<std::string, KernelCheck> found;  // of this scheme's projections
  for (const scheme::Weights* weights : distinct) {
    if (timing_->stopped()) return Done{};
    auto made = ProjectionCheck::make(*maker_, scheme, *weights, tokens_);
    if (!made) return made.error();
    ProjectionCheck& projection = made.value();
    if (const auto* expansion = projection.fast().expansion();
        expansion != nullptr && !checks_.contains(expansion->kernel))
      add(projection.check_expansion(), found[expansion->kernel]);
    const std::string& matmul = projection.fast().matmul().kernel;
    if (!checks_.contains(matmul))
      add(projection.check_matmul(*timing_, draw_, budget / static_cast<double>(distinct.size())), found[matmul]);
  }
  checks_.merge(found);
  return Done{};
}

/// Sizes of the case that checks an operation by itself, or none of all for those of a projection's weights. What only
/// makes inputs needs no rows, what only scales results no columns.
scheme::Extent ResultCheck::extent_of(std::string_view operation) const {
  const profile::ModelProfile& model = model_->model;
  const auto width = static_cast<std::uint64_t>(std::max({model.hidden, model.ffn, model.heads * model.head_dim}));
  const auto hidden = static_cast<std::uint64_t>(model.hidden);
  const std::uint64_t tokens = std::clamp<std::uint64_t>(kMostElements / width, 1, tokens_);
  const auto is = [&](std::string_view start) { return operation.starts_with(start); };
  if (operation == "dequantize_i32_f16") return {.rows = width, .columns = 1, .tokens = tokens};
  if (operation == "rms_norm_f16") return {.columns = hidden, .tokens = tokens};
  if (operation == "swiglu_f16" || operation == "residual_add_f16") return {.count = tokens * width};
  if (operation == "expand_heads_f16")
    return {.rows = static_cast<std::uint64_t>(model.kv_heads),
            .columns = static_cast<std::uint64_t>(model.head_dim),
            .tokens = tokens};
  if (is("cast_f16_") || is("quantize_f16_")) return {.rows = 1, .columns = width, .tokens = tokens};
  return {};
}

Status ResultCheck::check_alone(const scheme::KernelEntry& entry) {
  scheme::PassOptions options = maker_->options();
  options.family = std::string(entry.family);
  options.variant = std::string(entry.variant);
  scheme::VerifyBench bench(maker_->device(), options);
  const scheme::VerifyCase& one = scheme::verify_case(entry.operation);
  const scheme::Extent extent = extent_of(entry.operation);
  auto compared = one.run(bench, entry, extent);
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
  checks_.emplace(entry.name(), check);
  return Done{};
}

double output_error_bound(const scheme::SchemeInfo& scheme, std::int64_t layers, std::int64_t steps,
                          std::int64_t elements) {
  if (scheme.weight_bits == 16) return 0;
  const double one = scheme.weight_bits == 4 ? kInt4Error : scheme.activation_bits == 8 ? kInt8BothError : kInt8Error;
  return one * std::sqrt(static_cast<double>(layers)) * std::pow(kGrowth, static_cast<double>(steps - 1)) *
         (1 + kScatter / std::sqrt(static_cast<double>(elements)));
}

std::optional<std::string> judge_output(const scheme::SchemeInfo& scheme, const std::vector<double>& errors,
                                        std::int64_t layers, std::int64_t tokens_per_hop, std::int64_t elements) {
  for (std::size_t hop = 0; hop < errors.size(); ++hop) {
    if (!std::isfinite(errors[hop])) return fmt::format("its output after hop {} is not a finite number", hop + 1);
    const double bound =
        output_error_bound(scheme, layers, static_cast<std::int64_t>(hop + 1) * tokens_per_hop, elements);
    if (errors[hop] > bound) {
      return fmt::format(
          "its output after hop {} is {:.3g} from that of f16 (relative L2), where rounding explains {:.3g}", hop + 1,
          errors[hop], bound);
    }
  }
  return std::nullopt;
}

}  // namespace qtrap::measure
