// When to stop repeating blocks of a cell in one session. What sessions differ by is not asked: a cell that stops on
// precision is known to target_ci within this session alone. An object over plain numbers, so that it can be tested
// without a device.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "result/words.hpp"

namespace qtrap::measure {

using result::StopReason;

struct StopLimits {
  double target_ci = 0.01;       ///< relative half width of a paired ratio's 95 % interval over the session's blocks
  std::int64_t min_trials = 3;   ///< blocks at least
  std::int64_t max_trials = 20;  ///< blocks at most
  double max_seconds = 60;       ///< for the whole cell
};

class StopRule {
 public:
  explicit StopRule(StopLimits limits) : limits_(limits) {}

  /// Decides after a block. `ratios` holds, per quantized scheme, its paired ratios so far (one per block); a cell with
  /// the anchor alone passes none and stops on trials or budget.
  std::optional<StopReason> decide(std::int64_t blocks, std::span<const std::vector<double>> ratios,
                                   double elapsed_s) const;

 private:
  StopLimits limits_;
};

/// Relative half width of the 95 % t interval over `values`; none with fewer than two.
std::optional<double> relative_half_width(std::span<const double> values);

}  // namespace qtrap::measure
