#include "scheme/catalogue/operation.hpp"

#include <array>

namespace qtrap::scheme {
namespace {

/// How the texts of a kind start, and its role. In the order of OperationKind.
struct KindInfo {
  std::string_view start;
  Role role;
};
constexpr std::array kKinds{
    KindInfo{"random_", Role::kOther},
    KindInfo{"cast_f16_", Role::kCast},
    KindInfo{"cast_f32_", Role::kCast},
    KindInfo{"quantize_f16_", Role::kQuantize},
    KindInfo{"quantize_weights_f16_", Role::kOther},
    KindInfo{"dequantize_", Role::kDequantize},
    KindInfo{"dequantize_i32_", Role::kDequantize},
    KindInfo{"dequantize_i32_add_", Role::kDequantize},
    KindInfo{"find_outliers_", Role::kOutliers},
    KindInfo{"list_outliers_", Role::kOutliers},
    KindInfo{"gather_", Role::kOutliers},
    KindInfo{"matmul_", Role::kMatmul},
    KindInfo{"gemv_", Role::kMatmul},
    KindInfo{"gemm_", Role::kMatmul},
    KindInfo{"rms_norm_", Role::kOther},
    KindInfo{"swiglu_", Role::kOther},
    KindInfo{"residual_add_", Role::kOther},
    KindInfo{"add_bias_", Role::kOther},
    KindInfo{"expand_heads_", Role::kOther},
    KindInfo{"rotate_store_", Role::kAttention},
    KindInfo{"attend_", Role::kAttention},
    KindInfo{"combine_heads_", Role::kAttention},
    KindInfo{"embed_", Role::kOther},
    KindInfo{"choose_", Role::kHead},
};
static_assert(kKinds.size() == static_cast<std::size_t>(OperationKind::kChoose) + 1);

const KindInfo& info(OperationKind kind) { return kKinds.at(static_cast<std::size_t>(kind)); }

}  // namespace

Form form_of(CacheFormat cache) {
  constexpr std::array kForms{Form::kF16, Form::kI8};
  static_assert(kForms.size() == kCacheFormats.size());
  return kForms.at(static_cast<std::size_t>(cache));
}

std::string to_string(const OperationId& operation) {
  std::string text(info(operation.kind).start);
  if (operation.weights) text += format::info(*operation.weights).code;
  if (operation.weights && operation.form) text += '_';
  if (operation.form) text += word_of(*operation.form);
  return text;
}

Role role_of(const OperationId& operation) { return info(operation.kind).role; }

}  // namespace qtrap::scheme
