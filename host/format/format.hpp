// Number formats of weights: what each stores, in which bytes, and its reference quantizer and dequantizer. A format is
// one file and one row of the table here; nothing outside branches on which it is. All formats keep W row-major, a row
// starts on a byte, and groups lie along the columns.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace qtrap::format {

/// f16 values as bit patterns.
using HalfBits = std::vector<std::uint16_t>;

/// Weights W of one projection y = W x, row-major.
struct Shape {
  std::uint64_t rows = 0;     ///< n, outputs
  std::uint64_t columns = 0;  ///< k, inputs
  bool operator==(const Shape&) const = default;
};

/// Groups of `group` columns in a row; the last may be shorter.
std::uint64_t count_groups(std::uint64_t columns, std::uint64_t group);

/// In the order of the table.
enum class WeightFormat {
  kF16,
  kInt8,
  kInt4,
  kQ8_0,
  kQ4_0,
  kQ4_1,
  kQ4_K,
  kQ6_K,
  kNf4,
  kMxfp4,
  kNvfp4,
  kFp8,
  kInt3,
  kInt2
};
/// In which weights are drawn, the others are quantized from it, and the matmul of a split scheme reads them.
inline constexpr WeightFormat kPlainFormat = WeightFormat::kF16;

/// What a buffer of weights holds; a kernel takes those that its format has in this order.
enum class PartName { kCodes, kScales, kZeros, kSubscales };
inline constexpr std::size_t kPartCount = 4;

/// One buffer of a format.
struct Part {
  PartName name;
  std::uint64_t (*bytes)(Shape shape, std::uint64_t group);
};

/// Weights in one format on the host, byte for byte as a device holds them.
struct HostWeights {
  WeightFormat format = WeightFormat::kF16;
  Shape shape;
  std::uint32_t group = 128;  ///< columns
  std::array<std::vector<std::uint8_t>, kPartCount> parts;

  std::uint64_t groups() const { return count_groups(shape.columns, group); }
  std::vector<std::uint8_t>& part(PartName name) { return parts.at(static_cast<std::size_t>(name)); }
  const std::vector<std::uint8_t>& part(PartName name) const { return parts.at(static_cast<std::size_t>(name)); }
  /// Element `i` of a part of f16 values.
  float half(PartName name, std::uint64_t i) const;
  void set_half(PartName name, std::uint64_t i, std::uint16_t bits);
  /// Element `i` of a part of f32 values.
  float single(PartName name, std::uint64_t i) const;
  void set_single(PartName name, std::uint64_t i, float value);

  /// The weight that the format stands for, exact.
  double value(std::uint64_t row, std::uint64_t column) const;
  /// Magnitude of the terms that a kernel may add up for this weight; above |value| where it takes zero points apart.
  double magnitude(std::uint64_t row, std::uint64_t column) const;
};

/// A weight is scale x code + shift. The products and the sum are exact in f64; where they are not in f32, a kernel
/// rounds them once, as fma does. A shift of -0 is none: added, it leaves a zero its sign.
struct Element {
  double code = 0, scale = 1, shift = -0.0;
};

struct FormatInfo {
  WeightFormat format;
  std::string_view name;  ///< of records and tables, e.g. "int4"
  std::string_view code;  ///< of kernel names, e.g. "i4" in "gemv_i4_f16"
  int bits;               ///< of one weight's code, scales and zero points apart
  bool grouped;           ///< whether the campaign's group size decides its bytes
  /// What its rounding makes of the output of one step of one layer, at most (relative L2): 1.3 times the largest seen
  /// where measure/result_check.hpp says. 0: nothing, as of the anchor.
  double step_error;
  /// Vector instructions a weight that its matmul takes beyond f16's to unpack and scale it: counted in the inner loop
  /// of gemv with one token on sm_90 (variant ptx, kernels/README.md).
  double unpack_operations;
  std::span<const Part> parts;
  /// Fills parts, which have their sizes and hold zeros, from the f16 tensor of the shape.
  void (*quantize)(const HalfBits& f16, HostWeights& out);
  Element (*element)(const HostWeights& weights, std::uint64_t row, std::uint64_t column);
  /// Its kernels are the frames' with kernels/format/CODE.clh in them, chosen by this option; empty: files of its own.
  std::string_view header_option = {};
  bool looked_up = false;  ///< codes stand for the numbers of a table; for a frame's variants with look-ups
};

/// All formats in the order of WeightFormat.
std::span<const FormatInfo> all_formats();
const FormatInfo& info(WeightFormat format);

/// Bytes of a matrix in a format, all parts. `group`: columns that share a scale, where the format has groups.
std::uint64_t compute_weight_bytes(WeightFormat format, Shape shape, std::uint64_t group);

/// Parts of a matrix in their sizes, all zero.
HostWeights make_host_weights(WeightFormat format, Shape shape, std::uint32_t group);
/// Brings an f16 tensor of `shape` into `format`, on all processors.
HostWeights quantize(const HalfBits& f16, WeightFormat format, Shape shape, std::uint32_t group);

}  // namespace qtrap::format
