// From the samples of several processes to the table: each case's process medians, pooled by a t interval over their
// logarithms, as the project pools windows; ratios are formed inside each process first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/statistics.hpp"

namespace qtrap::bench {

/// A case of the table with its process medians.
struct Measured {
  std::uint64_t rows = 0, columns = 0, tokens = 0;
  std::string name, kind, reference;
  double bytes = 0;
  double macs = 0;
  std::vector<double> medians_s;  ///< one per process
};

/// Geometric mean of positive values with its 95 % interval; low == high == value for a single process.
Interval pool(const std::vector<double>& values);

/// What two cases are compared by.
enum class Measure { kTime, kBytesPerSecond, kMacsPerSecond };

/// Numerator over denominator by `measure`, pooled over processes.
Interval compute_ratio(const Measured& numerator, const Measured& denominator, Measure measure);

/// The case of this name, or of this kernel in any family ("gemv_f16_f16" finds "gemv_f16_f16_cpu"); null when absent.
const Measured* find_case(const std::vector<Measured>& all, std::uint64_t rows, std::uint64_t columns,
                          std::uint64_t tokens, const std::string& name);

/// A ratio that the project wants to reach on 4096 x 14336.
struct TargetResult {
  std::string text;
  double limit = 0;
  bool at_least = true;
  std::optional<Interval> ratio;  ///< absent: a case was not measured
  bool met() const { return ratio && (at_least ? ratio->value >= limit : ratio->value <= limit); }
};
std::vector<TargetResult> evaluate_targets(const std::vector<Measured>& all);

/// A scheme's time that falls when columns grow, or exceeds columns x the one-column time.
struct Hole {
  std::uint64_t rows = 0, columns = 0, tokens = 0;
  std::string name;
  std::string what;
};
std::vector<Hole> find_holes(const std::vector<Measured>& all);

std::string format_table(const std::vector<Measured>& all);
std::string format_targets(const std::vector<TargetResult>& targets, const std::vector<Hole>& holes);

}  // namespace qtrap::bench
