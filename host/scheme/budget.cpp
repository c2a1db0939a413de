#include "scheme/budget.hpp"

#include <algorithm>
#include <cmath>

#include "core/contract.hpp"

namespace qtrap::scheme {
namespace {

/// The first whole batch above `batch`.
double first_above(double batch) { return std::max(1.0, std::floor(batch) + 1); }

constexpr double kAnchorBytes = 2;

}  // namespace

OperationBudget compute_budget(double bytes_per_weight, double unpack_operations, const DeviceRates& rates) {
  expects(bytes_per_weight > 0 && unpack_operations >= 0, "a weight has bytes and a count of operations");
  expects(
      rates.read_bytes_per_s > 0 && rates.vector_ops_per_s > 0 && rates.macs_per_s > 0 && rates.anchor_macs_per_s > 0,
      "rates are positive");
  const double read = bytes_per_weight / rates.read_bytes_per_s;
  const double unpack = unpack_operations / rates.vector_ops_per_s;
  OperationBudget budget;
  budget.per_weight = read * rates.vector_ops_per_s;
  budget.bound_batch = first_above((read - unpack) * rates.macs_per_s);
  // Slower than f16 can begin only while f16 still reads, c / V + B / M > 2 / R: past its own knee at 2 M16 / R both
  // grow by their multiply-adds alone, and who was not slower there does not become so.
  const double anchor_read = kAnchorBytes / rates.read_bytes_per_s;
  const double crossing = (anchor_read - unpack) * rates.macs_per_s;
  if (read > anchor_read) {
    budget.slower_batch = 1;
  } else if (crossing < anchor_read * rates.anchor_macs_per_s) {
    budget.slower_batch = first_above(crossing);
  }
  return budget;
}

double unpack_operations(const SchemeInfo& scheme) { return format::info(scheme.matmul_format()).unpack_operations; }

double stored_bits(const SchemeInfo& scheme, ProjectionShape shape, std::uint64_t group_size) {
  constexpr double kBitsPerByte = 8;
  const auto bytes = format::compute_weight_bytes(scheme.matmul_format(), shape, group_size);
  return kBitsPerByte * static_cast<double>(bytes) / static_cast<double>(shape.rows * shape.columns);
}

}  // namespace qtrap::scheme
