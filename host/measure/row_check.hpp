// How a matmul's results are judged row by row against a reference's: what may differ, which rows, in what order. Plain
// numbers: no device.
// A result may differ by one unit in the last place of f16 and by what sums of f32 in another order can: kSumRoundings
// x sqrt(products) roundings of the rms of the results (errors of random sign grow so; 0.4 is what they come to; 16
// leaves room for zero points apart and other orders, 64 for a matrix unit that truncates). A row counts as checked
// once its result on some input is so large that 1 % of it exceeds both.
#pragma once

#include <cstdint>
#include <vector>

namespace qtrap::measure {

struct RowTolerance {
  double absolute = 0;

  /// `products` added up in each result; `rms` of the reference's results. `matrix_unit`: one that may take f16 inputs
  /// below 2^-14 as 0 (CDNA2), weights being of deviation 1 / sqrt(products).
  static RowTolerance make(std::uint64_t products, double rms, bool matrix_unit);
  /// Integers: nothing may differ.
  static RowTolerance exact() { return {0}; }
  /// Deviation as a share of what is allowed: above 1 is wrong, also where a value is not finite.
  double share(double found, double expected) const;
  /// Whether a result that is off by 1 % would be seen.
  bool is_telling(double expected) const;
};

/// Blocks of rows in the order in which they are checked: the first, the last, then the others from a place that `draw`
/// decides on, round to it.
std::vector<std::uint64_t> order_blocks(std::uint64_t blocks, std::uint64_t draw);

/// Blocks of neighbours: the first and how many.
struct BlockRun {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  bool operator==(const BlockRun&) const = default;
};
/// `blocks` [from, to) with neighbours put together, in their order.
std::vector<BlockRun> find_runs(const std::vector<std::uint64_t>& blocks, std::uint64_t from, std::uint64_t to);

}  // namespace qtrap::measure
