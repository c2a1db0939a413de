#include "measure/row_check.hpp"

#include <algorithm>
#include <cmath>

namespace qtrap::measure {
namespace {

constexpr double kFloatUlp = 0x1p-24;
constexpr double kHalfSpacing = 0x1p-10;  ///< of f16, relative, at the lower end of a binade
constexpr double kHalfTiny = 0x1p-24;     ///< spacing of subnormal f16
constexpr double kSumRoundings = 16;
constexpr double kMatrixUnitRoundings = 64;
constexpr double kSmallestUnitInput = 0x1p-14;
constexpr double kWrongBy = 0.01;
constexpr double kSafety = 1.1;  ///< what the roundings of a wrong result may take back
constexpr double kFarOff = 1e9;

}  // namespace

RowTolerance RowTolerance::make(std::uint64_t products, double rms, bool matrix_unit) {
  const double root = std::sqrt(static_cast<double>(products));
  const double roundings = matrix_unit ? kMatrixUnitRoundings : kSumRoundings;
  // Of weights of deviation 1 / root few are below the smallest input: a quarter of root of them is eight deviations.
  const double flushed = matrix_unit ? kSmallestUnitInput * root / 4 : 0;
  return {roundings * kFloatUlp * root * rms + flushed + kHalfTiny};
}

double RowTolerance::share(double found, double expected) const {
  if (!std::isfinite(found) || !std::isfinite(expected)) return kFarOff;
  if (found == expected) return 0;
  if (absolute == 0) return kFarOff;
  const double allowed = absolute + kHalfSpacing * std::max(std::fabs(found), std::fabs(expected));
  return std::min(kFarOff, std::fabs(found - expected) / allowed);
}

bool RowTolerance::is_telling(double expected) const { return share((1 + kWrongBy) * expected, expected) > kSafety; }

std::vector<std::uint64_t> order_blocks(std::uint64_t blocks, std::uint64_t draw) {
  std::vector<std::uint64_t> order{0};
  if (blocks > 1) order.push_back(blocks - 1);
  for (std::uint64_t i = 0; i + 2 < blocks; ++i) order.push_back(1 + (draw % (blocks - 2) + i) % (blocks - 2));
  return order;
}

std::vector<BlockRun> find_runs(const std::vector<std::uint64_t>& blocks, std::uint64_t from, std::uint64_t to) {
  std::vector<BlockRun> runs;
  for (std::uint64_t i = from; i < to; ++i) {
    if (!runs.empty() && blocks[i] == runs.back().first + runs.back().count) {
      ++runs.back().count;
    } else {
      runs.push_back({blocks[i], 1});
    }
  }
  return runs;
}

}  // namespace qtrap::measure
