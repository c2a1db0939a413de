#include "measure/stop_rule.hpp"

#include <algorithm>
#include <cmath>

#include "core/statistics.hpp"

namespace qtrap::measure {

std::optional<double> relative_half_width(std::span<const double> values) {
  const auto interval = compute_t_interval(values);
  if (!interval || interval->value == 0) return std::nullopt;
  return 0.5 * (interval->high - interval->low) / std::abs(interval->value);
}

std::optional<StopReason> StopRule::decide(std::int64_t blocks, std::span<const std::vector<double>> ratios,
                                           double elapsed_s) const {
  if (blocks < limits_.min_trials && elapsed_s < limits_.max_seconds) return std::nullopt;
  const bool precise = blocks >= limits_.min_trials && !ratios.empty() &&
                       std::all_of(ratios.begin(), ratios.end(), [&](const auto& values) {
                         const auto width = relative_half_width(values);
                         return width && *width <= limits_.target_ci;
                       });
  if (precise) return StopReason::kPrecision;
  if (blocks >= limits_.max_trials) return StopReason::kTrials;
  if (elapsed_s >= limits_.max_seconds) return StopReason::kBudget;
  return std::nullopt;
}

}  // namespace qtrap::measure
