// Numbers of tensors, read where they lie: rows as f32 or f16, or as the format that they have. Memory goes with what
// is asked for, not with the tensor. A number that is not finite is an error that names the tensor and its index.
#pragma once

#include <cstdint>
#include <span>

#include "core/result.hpp"
#include "format/format.hpp"
#include "weights/file.hpp"

namespace qtrap::weights {

/// Rows of a tensor of one or two dimensions, or more: all but the last count as rows.
struct RowRange {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};
RowRange all_rows(const Tensor& tensor);

/// Fills `out` with the rows, each number as its format's reference dequantizer says, rounded once to f32. `out` has
/// count times columns() elements, the range lies in the tensor (contracts). Errors (kUsage): a type without a
/// dequantizer, a number that is not finite.
Status read_rows(const WeightsFile& file, const Tensor& tensor, RowRange rows, std::span<float> out);

/// The same as f16 bits; besides: a number beyond f16's.
Status read_rows(const WeightsFile& file, const Tensor& tensor, RowRange rows, std::span<std::uint16_t> out);

/// The rows in the format of the tensor's type: the same bits, in the places of host/format. Errors: a type that no
/// format stands for, a number that is not finite.
Result<format::HostWeights> read_native(const WeightsFile& file, const Tensor& tensor, RowRange rows);

}  // namespace qtrap::weights
