// How many vector operations a device has for each weight that it reads, and what follows for a scheme: from which
// batch on its matmul is bound by instructions and no longer by bytes. A matmul of B tokens takes per weight
//   t(B) = max(b / R, c / V + B / M)
// with b bytes a weight, c operations to unpack it, R bytes read, V vector operations and M multiply-adds per second.
// The prediction is the latest such batch: addresses, loads of x, sums and launches are not counted. c is counted on
// sm_90 (format::FormatInfo::unpack_operations); other instruction sets have other counts.
#pragma once

#include <optional>

#include "scheme/scheme.hpp"

namespace qtrap::scheme {

/// Ceilings of a device in use; all above 0.
struct DeviceRates {
  double read_bytes_per_s = 0;   ///< R
  double vector_ops_per_s = 0;   ///< V: multiply-adds in f32, one lane each
  double macs_per_s = 0;         ///< M: of the scheme's matmul
  double anchor_macs_per_s = 0;  ///< M of f16
};

struct OperationBudget {
  double per_weight = 0;               ///< vector operations in the time in which a weight is read, b V / R
  double bound_batch = 1;              ///< first batch whose matmul is predicted to be bound by instructions
  std::optional<double> slower_batch;  ///< first batch predicted slower than f16's matmul; none: there is none
};

/// `bytes_per_weight`: b, as the matmul reads it, scales included. `unpack_operations`: c.
OperationBudget compute_budget(double bytes_per_weight, double unpack_operations, const DeviceRates& rates);

/// Operations a weight that the matmul of `scheme` takes to unpack it: none behind a split.
double unpack_operations(const SchemeInfo& scheme);
/// Bits a weight as that matmul reads it, scales included, of the matrices of `shape`.
double stored_bits(const SchemeInfo& scheme, ProjectionShape shape, std::uint64_t group_size);

}  // namespace qtrap::scheme
