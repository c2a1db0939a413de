#include "scheme/catalogue/operation.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "scheme/catalogue/kernel_table.hpp"

namespace qtrap::scheme {
namespace {

TEST(Operation, HasTheTextThatFilesHoldOfIt) {
  struct Row {
    OperationId operation;
    const char* text;
    Role role;
  };
  using enum OperationKind;
  for (const Row& row :
       {Row{{kRandom, {}, Form::kF32}, "random_f32", Role::kOther},
        {{kCast, {}, Form::kF32Panels}, "cast_f16_f32_panels", Role::kCast},
        {{kNarrow}, "cast_f32_f16", Role::kCast},
        {{kQuantize, {}, Form::kI8Sums}, "quantize_f16_i8_sums", Role::kQuantize},
        {{kQuantizeWeights, WeightFormat::kInt4, std::nullopt}, "quantize_weights_f16_i4", Role::kOther},
        {{kDequantize, WeightFormat::kQ4_K}, "dequantize_q4_k_f16", Role::kDequantize},
        {{kRescale}, "dequantize_i32_f16", Role::kDequantize},
        {{kRescaleAdd}, "dequantize_i32_add_f16", Role::kDequantize},
        {{kQuantize, {}, Form::kI8InliersPanels}, "quantize_f16_i8_inliers_panels", Role::kQuantize},
        {{kQuantize, {}, Form::kE4m3}, "quantize_f16_e4m3", Role::kQuantize},
        {{kGemv, WeightFormat::kFp8, Form::kE4m3}, "gemv_fp8_e4m3", Role::kMatmul},
        {{kFindOutliers}, "find_outliers_f16", Role::kOutliers},
        {{kListOutliers}, "list_outliers_f16", Role::kOutliers},
        {{kGather}, "gather_f16", Role::kOutliers},
        {{kGather, WeightFormat::kInt8}, "gather_i8_f16", Role::kOutliers},
        {{kMatmul, WeightFormat::kF16}, "matmul_f16_f16", Role::kMatmul},
        {{kGemv, WeightFormat::kInt4, Form::kI24}, "gemv_i4_i24", Role::kMatmul},
        {{kGemm, WeightFormat::kInt8, Form::kI8}, "gemm_i8_i8", Role::kMatmul},
        {{kNorm}, "rms_norm_f16", Role::kOther},
        {{kGate}, "swiglu_f16", Role::kOther},
        {{kAdd}, "residual_add_f16", Role::kOther},
        {{kBias}, "add_bias_f16", Role::kOther},
        {{kChoose}, "choose_f16", Role::kHead},
        {{kExpandHeads}, "expand_heads_f16", Role::kOther}}) {
    EXPECT_EQ(to_string(row.operation), row.text);
    EXPECT_EQ(role_of(row.operation), row.role) << row.text;
  }
}

TEST(Operation, OfTheTableHasATextOfItsOwn) {
  std::map<std::string, OperationId> seen;
  for (const KernelEntry& kernel : all_kernels()) {
    const auto [place, first] = seen.emplace(to_string(kernel.operation), kernel.operation);
    EXPECT_EQ(place->second, kernel.operation) << place->first;
  }
  EXPECT_GT(seen.size(), 60U);
}

TEST(Operation, IsFoundByTheNameOfItsKernel) {
  EXPECT_EQ(find_named("gemv_i4_i24_cpu_avx2")->operation,
            (OperationId{OperationKind::kGemv, WeightFormat::kInt4, Form::kI24}));
  EXPECT_EQ(find_named("gemv_i4_i24_cpu_avx2")->variant, "avx2");
  EXPECT_EQ(find_named("gemv_i4_i24"), nullptr);
}

}  // namespace
}  // namespace qtrap::scheme
