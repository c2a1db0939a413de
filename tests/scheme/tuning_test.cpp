#include "scheme/tuning.hpp"

#include <gtest/gtest.h>

namespace qtrap::scheme {
namespace {

TEST(TuningChoice, IsReadBackFromItsText) {
  for (const char* text : {"gemv_i8_f16_cpu@8 rows=2", "gemm_i4_f16_cpu@64 block_columns=512",
                           "gemv_i4_i8_gpu_ptx@1 work_group=64", "cast_f16_f32_panels_cpu chunk=1024"}) {
    const auto choice = parse_choice(text);
    ASSERT_TRUE(choice) << choice.error().message();
    EXPECT_EQ(to_string(choice.value()), text);
  }
}

TEST(TuningChoice, IsRefusedWhereItFitsNoKernel) {
  for (const char* text :
       {"", "gemv_i8_f16_cpu@8", "gemv_i8_f16_cpu@x rows=2", "gemv_i8_f16_cpu@8 rows=", "gemv_i8_f16_cpu@8 rows=3",
        "gemv_i8_f16_cpu@8 rows=2x", "gemv_i8_f16@8 rows=2", "gemv_i8_f16_cpu@8 chunk=1024",
        "gemm_f16_f16_gpu_mma@64 block_rows=48", "gemm_i8_f16_cpu@60 block_rows=48",
        "cast_f16_f32_panels_cpu@8 chunk=1024", "rows=2 gemv_i8_f16_cpu@8"}) {
    const auto choice = parse_choice(text);
    ASSERT_FALSE(choice) << text;
    EXPECT_EQ(choice.error().kind, ErrorKind::kUsage);
    EXPECT_NE(choice.error().message().find("qtrap tune"), std::string::npos);
  }
}

TEST(TuningChoice, ReachesItsKernelAtItsTokensAlone) {
  const KernelEntry& gemv = *find_kernel("gemv_i8_f16", "cpu");
  const KernelEntry& other = *find_kernel("gemv_f16_f16", "cpu");
  const TuningChoices choices{parse_choice("gemv_i8_f16_cpu@8 rows=2").value()};
  const Extent eight{.rows = 64, .columns = 64, .tokens = 8};
  const Extent seven{.rows = 64, .columns = 64, .tokens = 7};
  EXPECT_EQ(apply_choices({}, choices, gemv, eight).gemv_rows(8), 2U);
  EXPECT_EQ(apply_choices({}, choices, gemv, seven).gemv_rows(7), 1U);
  EXPECT_EQ(apply_choices({}, choices, other, eight).gemv_rows(8), 1U);
  EXPECT_EQ(gemv.size(apply_choices({}, choices, gemv, eight), eight).global[0], 32U);
}

TEST(TuningChoice, OfAGemmKernelHoldsForThePanelsOfItsTokens) {
  const KernelEntry& gemm = *find_kernel("gemm_i8_f16", "cpu");
  const TuningChoices choices{parse_choice("gemm_i8_f16_cpu@64 block_rows=96").value()};
  for (const std::uint64_t tokens : {49U, 64U})
    EXPECT_EQ(apply_choices({}, choices, gemm, {.tokens = tokens}).gemm_blocks(tokens).block_rows, 96U);
  for (const std::uint64_t tokens : {48U, 65U})
    EXPECT_EQ(apply_choices({}, choices, gemm, {.tokens = tokens}).gemm_blocks(tokens).block_rows, 48U);
}

TEST(Tunables, KeepTheMultiplesOfTheGemmBlocksAndFitLocalMemory) {
  for (const std::uint32_t width : {8U, 16U}) {
    for (const std::uint32_t block_rows : {24U, 48U, 96U}) {
      for (const std::uint32_t block_columns : {128U, 256U, 512U}) {
        for (const std::uint64_t tokens : {9U, 64U, 512U}) {
          Tuning tuning;
          tuning.vector_width = width;
          tuning.local_bytes = 32768;
          tuning.block_rows = block_rows;
          tuning.block_columns = block_columns;
          const GemmBlocks b = tuning.gemm_blocks(tokens);
          EXPECT_EQ(b.block_rows % b.unit_rows, 0U);
          EXPECT_EQ(b.block_columns % 128, 0U);
          EXPECT_LE(b.local_bytes(), tuning.local_bytes)
              << width << ' ' << block_rows << ' ' << block_columns << ' ' << tokens;
        }
      }
    }
  }
}

TEST(Tunables, ShapeAtLeastOneKernelEach) {
  for (const Tunable& tunable : all_tunables()) {
    bool any = false;
    for (const KernelEntry& kernel : all_kernels()) any = any || is_tunable(tunable, kernel);
    EXPECT_TRUE(any) << tunable.name << ' ' << tunable.operations;
  }
}

}  // namespace
}  // namespace qtrap::scheme
