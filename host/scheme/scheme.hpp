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

#include "core/cache_format.hpp"
#include "core/words.hpp"
#include "format/format.hpp"
#include "scheme/catalogue/operation.hpp"

namespace qtrap::scheme {

using ProjectionShape = format::Shape;

/// In which the matmul takes its activations; in the order of the table.
enum class Activations { kF16, kInt8, kFp8 };

/// What follows from the form of the activations. A ceiling is named by its key in the records' `ceilings`.
struct ActivationInfo {
  Activations activations;
  int bits;
  bool quantized;                   ///< a quantize pass makes them
  double step_error;                ///< FormatInfo::step_error of 8-bit weights with them: no finer format does better
  std::string_view class_ending;    ///< of SchemeInfo::mac_class()
  std::string_view matrix_ceiling;  ///< bounds the multiply-adds of a matmul on a matrix unit; empty: none has them
  std::string_view vector_ceiling;  ///< of any other
};
const ActivationInfo& info(Activations activations);

/// A rate of multiply-adds on vector units that some matmuls reach by instructions of their own.
struct OwnRate {
  std::string_view ceiling = {};              ///< bounds it where it was measured; empty: there is no such rate
  double operations = 1;                      ///< of the ceiling's, for one multiply-add
  std::optional<OperationId> operation = {};  ///< of these matmuls; none: all of the scheme
};

/// Which columns of the activations are multiplied apart, in f16, and how many at most: those with a magnitude above
/// the threshold in any token (LLM.int8(), Dettmers et al. 2022, arXiv 2208.07339, section 3.2). The list of them has a
/// fixed number of places, so that shapes and costs are the same whatever the activations are: unused places are
/// columns of zeros, columns for which no place is left stay with the others.
struct OutlierRule {
  float threshold = 6;               ///< an f16
  std::uint64_t fewest_places = 32;  ///< the paper finds up to 15 columns in a model of 13 G parameters
  std::uint64_t columns_per_place = 128;

  /// Of the list for an input of `columns` columns: one for each columns_per_place, rounded up to a multiple of 32, at
  /// least fewest_places, at most the columns rounded up to a multiple of 32.
  std::uint64_t count_places(std::uint64_t columns) const;
};

struct SchemeInfo {
  std::string_view name;  ///< the contract's name, e.g. "w4a16-split"
  KernelPath path;
  WeightFormat weights;
  Activations activations;
  /// The matmul leaves exact int32 sums, which a dequantize pass scales by row and token.
  bool scaled_sums = false;
  OwnRate own_rate = {};
  std::string_view older_class = {};  ///< mac_class() where files had a word for it before the rule
  /// Columns apart; the matmul of the others leaves scaled_sums. None: all columns are multiplied together.
  std::optional<OutlierRule> outliers = {};
  CacheFormat cache = CacheFormat::kF16;  ///< of a decoder's keys and values

  bool split() const { return path == KernelPath::kSplit; }
  int weight_bits() const { return format::info(weights).bits; }
  int activation_bits() const { return info(activations).bits; }
  /// The format that the matmul reads.
  WeightFormat matmul_format() const { return split() ? format::kPlainFormat : weights; }
  /// The class of the matmul's multiply-adds, of which each has a cost of its own: the format that it reads, and "_i8"
  /// with int8 activations.
  std::string mac_class() const;
  /// What rounding makes of the output of one step of one layer, at most (relative L2): see FormatInfo::step_error.
  double step_error() const;
};

/// All schemes with plain caches in the order of the contract, f16 (the anchor) first.
std::span<const SchemeInfo> all_schemes();
/// `scheme` with caches of a format, and named so ("w8a8-kv8").
SchemeInfo with_cache(const SchemeInfo& scheme, CacheFormat cache);
/// Of all_schemes() with any caches; none when no scheme has this name.
std::optional<SchemeInfo> find_scheme(std::string_view name);
/// The scheme that multiplies f16 activations with weights of a format as they lie; none where no scheme does.
std::optional<SchemeInfo> find_reader(WeightFormat format);

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
