// Precision schemes: which formats, which path, and for one projection the table of passes with analytic costs. Pure
// data and arithmetic: no device is touched. Definitions: a pass is one kernel launch with a role; bytes are those of
// the buffers a launch is bound to, each once per direction.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/words.hpp"
#include "format/format.hpp"

namespace qtrap::scheme {

using format::WeightFormat;
using ProjectionShape = format::Shape;

/// In which the matmul takes its activations.
enum class Activations { kF16, kInt8 };
enum class Role { kCast, kQuantize, kDequantize, kMatmul, kAttention, kOther };
inline constexpr std::size_t kRoleCount = 6;

/// The names of the phase_*_s fields.
constexpr Words<kRoleCount> words_of(Role) {
  return {"cast", "quantize", "dequantize", "matmul", "attention", "other"};
}

struct SchemeInfo {
  std::string_view name;  ///< the contract's name, e.g. "w4a16-split"
  KernelPath path;
  WeightFormat weights;
  Activations activations;
  /// The matmul leaves exact int32 sums, which a dequantize pass scales by row and token.
  bool scaled_sums = false;

  bool split() const { return path == KernelPath::kSplit; }
  int weight_bits() const { return format::info(weights).bits; }
  int activation_bits() const { return activations == Activations::kInt8 ? 8 : 16; }
};

/// All schemes in the order of the contract, f16 (the anchor) first.
std::span<const SchemeInfo> all_schemes();
/// None when no scheme has this name.
std::optional<SchemeInfo> find_scheme(std::string_view name);

/// Analytic counts of one or more passes.
struct Costs {
  std::uint64_t bytes = 0;  ///< of all bound buffers, read_write twice
  /// Part of `bytes` that is expected to stay in the last-level cache: activations and workspace, each buffer no larger
  /// than half of it. Weights never are: a step reads each of them once.
  std::uint64_t cached_bytes = 0;
  std::uint64_t macs = 0;                 ///< multiply-adds of matmul passes
  std::uint64_t dequantized_weights = 0;  ///< weights expanded by dequantize passes (none for fused kernels)
  std::uint64_t cast_elements = 0;        ///< elements through cast passes
  std::uint64_t quantized_elements = 0;   ///< activations through quantize passes
  std::uint64_t launches = 0;
  /// Part of `launches` that reads a weight matrix (matmul, dequantize): it starts and ends on all units together,
  /// which costs more than an empty launch.
  std::uint64_t weight_launches = 0;
  Costs& operator+=(const Costs& other);
  bool operator==(const Costs&) const = default;
};

}  // namespace qtrap::scheme
