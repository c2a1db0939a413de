// What kernels compute, as ids: tables and lookups compare them by value. Their texts name kernels in files, results,
// tuning choices and messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/cache_format.hpp"
#include "core/words.hpp"
#include "format/format.hpp"

namespace qtrap::scheme {

using format::WeightFormat;

enum class Role { kCast, kQuantize, kDequantize, kMatmul, kAttention, kOther, kOutliers, kHead };
inline constexpr std::size_t kRoleCount = 8;

/// The names of the phase_*_s fields.
constexpr Words<kRoleCount> words_of(Role) {
  return {"cast", "quantize", "dequantize", "matmul", "attention", "other", "outliers", "head"};
}

/// In the order of the table.
enum class OperationKind : std::uint8_t {
  kRandom,           ///< numbers of a stream
  kCast,             ///< f16 activations into a form
  kNarrow,           ///< f32 into f16
  kQuantize,         ///< f16 activations into a form of int8 or e4m3
  kQuantizeWeights,  ///< f16 weights into a format
  kDequantize,       ///< weights of a format into f16
  kRescale,          ///< int32 sums into f16, by the scales of row and token
  kRescaleAdd,       ///< the same, plus the products of the outliers
  kFindOutliers,     ///< which columns of f16 activations are outliers, as a mask
  kListOutliers,     ///< the mask as a list of columns
  kGather,           ///< listed columns of activations, or of weights of a format in f16
  kMatmul,           ///< y = W x for any number of tokens, of the reference family
  kGemv,             ///< the same for at most kMostGemvTokens
  kGemm,             ///< the same for more
  kNorm,             ///< RMS norm
  kGate,             ///< silu(gate) x up
  kAdd,              ///< of the residual stream
  kBias,             ///< of a projection
  kExpandHeads,      ///< of grouped queries
  kRotateStore,      ///< rotary embedding of queries and keys; keys and values into their caches
  kAttend,           ///< queries over their caches, in parts
  kCombineHeads,     ///< the parts joined
  kEmbed,            ///< rows of the embedding
  kChoose            ///< the likeliest token; the position moves on
};

/// Numbers that are made, or taken beside the weights. Panels, nibbles and sums are orders in memory and what lies
/// beside, inliers have the outliers' columns as 0 (kernels/README.md); matmuls are named by their numbers alone.
enum class Form : std::uint8_t {
  kF16,
  kF32,
  kF32Panels,
  kF32Nibbles,
  kI24,
  kI24Nibbles,
  kI8,
  kI8Sums,
  kI8Panels,
  kI8Nibbles,
  kI8Inliers,
  kI8InliersPanels,
  kE4m3,
  kE4m3Panels
};
constexpr Words<14> words_of(Form) {
  return {"f16",       "f32",        "f32_panels", "f32_nibbles",       "i24",  "i24_nibbles", "i8", "i8_sums",
          "i8_panels", "i8_nibbles", "i8_inliers", "i8_inliers_panels", "e4m3", "e4m3_panels"};
}

/// The form of attention's operations over caches of a format.
Form form_of(CacheFormat cache);

struct OperationId {
  OperationKind kind;
  std::optional<WeightFormat> weights = {};  ///< that are read, or made; none: no weights are touched
  std::optional<Form> form = Form::kF16;     ///< none: weights are made
  bool operator==(const OperationId&) const = default;
};

/// "gemv_i8_f16", "dequantize_q4_k_f16", "cast_f16_f32_panels".
std::string to_string(const OperationId& operation);

/// What its launches are counted and timed as.
Role role_of(const OperationId& operation);

}  // namespace qtrap::scheme
