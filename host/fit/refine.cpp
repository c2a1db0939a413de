#include "fit/refine.hpp"

#include <algorithm>
#include <cmath>

namespace qtrap::fit {

std::vector<Bracket> find_brackets(std::span<const Critical> critical) {
  std::vector<Bracket> brackets;
  for (const Critical& one : critical) {
    if (one.axis == Axis::kHops || one.method != CriticalMethod::kInterpolated) continue;
    if (one.crossing.status != CriticalStatus::kFound || one.cell.phase != result::Phase::kDecode) continue;
    const auto above = std::upper_bound(one.sizes_used.begin(), one.sizes_used.end(), *one.crossing.value);
    if (above == one.sizes_used.begin() || above == one.sizes_used.end()) continue;
    brackets.push_back({one.axis, one.cell, one.scheme, one.quantity, *(above - 1), *above});
  }
  return brackets;
}

std::optional<std::int64_t> choose_between(double lower, double upper) {
  const auto first = static_cast<std::int64_t>(std::floor(lower)) + 1;
  const auto last = static_cast<std::int64_t>(std::ceil(upper)) - 1;
  if (first > last) return std::nullopt;
  return std::clamp(static_cast<std::int64_t>(std::llround(std::sqrt(lower * upper))), first, last);
}

}  // namespace qtrap::fit
