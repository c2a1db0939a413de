// Ratios of a scheme to the f16 anchor, paired inside a session, with intervals over sessions; and the map of
// verdicts over model size and batch. Logarithms are natural: a log ratio of 0 is a ratio of 1.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/statistics.hpp"
#include "fit/row.hpp"

namespace qtrap::fit {

enum class Verdict { kTrap, kNoTrap, kUndecided };

/// "trap", "no_trap" or "undecided".
const char* to_string(Verdict verdict);

/// One scheme at one model and batch. Cells that differ in hops, tokens or context alone are averaged.
struct Ratio {
  std::string device, scheme, model;
  double params = 0;
  double batch = 1;
  Quantity quantity = Quantity::kTime;
  std::vector<double> session_logs;       ///< log ratio of each session that has both scheme and anchor
  double log_ratio = 0;                   ///< their mean
  std::optional<Interval> interval;       ///< of log_ratio; none with one session of one block
  std::string basis;                      ///< of the interval: "sessions", "blocks" or "none"
  Verdict verdict = Verdict::kUndecided;  ///< undecided without an interval
};

/// One ratio per (device, scheme, model, batch) that has an f16 anchor in the same cell and session, in order
/// of device, scheme, batch, params. Rows without the quantity give none. This is the N x B map.
std::vector<Ratio> compute_ratios(std::span<const Row> rows, Quantity quantity, double confidence = 0.95);

}  // namespace qtrap::fit
