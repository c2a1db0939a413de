#include "model/scaled_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/text.hpp"
#include "model/step.hpp"

namespace qtrap::model {
namespace {

constexpr std::int64_t kGrain = 128;  // widths of real shapes are multiples of it

/// The geometric middle, a multiple of what both and kGrain are multiples of.
std::int64_t between(std::int64_t lower, std::int64_t upper) {
  const std::int64_t grain = std::gcd(std::gcd(lower, upper), kGrain);
  const double middle = std::sqrt(static_cast<double>(lower) * static_cast<double>(upper));
  return std::max<std::int64_t>(1, std::llround(middle / static_cast<double>(grain))) * grain;
}

}  // namespace

std::optional<profile::ModelProfile> scale_between(const profile::ModelProfile& lower,
                                                   const profile::ModelProfile& upper) {
  profile::ModelProfile model = lower;
  model.hidden = between(lower.hidden, upper.hidden);
  model.ffn = between(lower.ffn, upper.ffn);
  model.layers = std::llround(std::sqrt(static_cast<double>(lower.layers) * static_cast<double>(upper.layers)));
  const double groups = static_cast<double>(between(lower.heads, upper.heads)) / static_cast<double>(lower.kv_heads);
  model.heads = std::max<std::int64_t>(1, std::llround(groups)) * lower.kv_heads;
  model.name = fmt::format("{}-{}-scaled", lower.name, upper.name);
  model.source =
      fmt::format("scaled between {} and {} by `qtrap run --refine`; no published model", lower.name, upper.name);
  const std::int64_t size = compute_parameters(model);
  if (!is_file_name(model.name)) return std::nullopt;
  if (size <= compute_parameters(lower) || size >= compute_parameters(upper)) return std::nullopt;
  return model;
}

}  // namespace qtrap::model
