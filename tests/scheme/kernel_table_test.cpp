#include "scheme/catalogue/kernel_table.hpp"

#include <gtest/gtest.h>

#include <set>

#include "scheme/operation_of.hpp"
#include "scheme/verify/verify_cases.hpp"

namespace qtrap::scheme {
namespace {

device::DeviceInfo device_with(std::uint32_t width, std::uint64_t local_bytes) {
  device::DeviceInfo info;
  info.float_vector_width = width;
  info.local_bytes = local_bytes;
  return info;
}

TEST(KernelTable, NamesEachEntryOnceAndEachHasAVerifyCase) {
  std::set<std::string> names;
  for (const KernelEntry& entry : all_kernels()) {
    EXPECT_TRUE(names.insert(entry.name()).second) << entry.name();
    EXPECT_EQ(verify_case(entry.operation).operation, entry.operation);
  }
}

TEST(KernelTable, FallsBackToTheReferenceWhereAFamilyHasNoKernel) {
  EXPECT_EQ(find_kernel(test::operation_of("random_f16"), "gpu")->name(), "random_f16_reference");
  EXPECT_EQ(find_kernel(test::operation_of("gemv_i4_i8"), "gpu")->name(), "gemv_i4_i8_gpu");
  EXPECT_EQ(find_kernel({OperationKind::kGemv, WeightFormat::kNf4, Form::kI8}, "cpu"), nullptr);
}

TEST(KernelTable, EveryOperationOfThePassTablesHasAKernel) {
  for (const SchemeInfo& scheme : all_schemes()) {
    for (const std::string family : {"reference", "cpu", "gpu"}) {
      for (const std::uint64_t tokens : {1U, 8U, 9U, 100U}) {
        for (const PassRow& row : input_pass_table(scheme, {family}, 64, tokens, 70)) {
          EXPECT_NE(find_kernel(row.operation, family), nullptr) << to_string(row.operation);
        }
        for (const PassRow& row : projection_pass_table(scheme, {family}, 64, tokens, {50, 70})) {
          EXPECT_NE(find_kernel(row.operation, family), nullptr) << to_string(row.operation);
        }
      }
    }
  }
}

TEST(Tuning, VectorWidthFollowsTheDevice) {
  EXPECT_EQ(make_tuning(device_with(1, 1 << 20), 128).vector_width, 8U);
  EXPECT_EQ(make_tuning(device_with(8, 1 << 20), 128).vector_width, 8U);
  EXPECT_EQ(make_tuning(device_with(16, 1 << 20), 128).vector_width, 16U);
}

TEST(Tuning, GemvPrefetchesAheadOnIntelWithFewTokens) {
  device::DeviceInfo info = device_with(16, 1 << 20);
  EXPECT_EQ(make_tuning(info, 128).gemv_ahead(1), 0U);
  EXPECT_EQ(make_tuning(info, 128).row_by_row_ahead(), 1024U);
  info.vendor = "GenuineIntel";
  EXPECT_EQ(make_tuning(info, 128).gemv_ahead(4), 1024U);
  EXPECT_EQ(make_tuning(info, 128).gemv_ahead(5), 0U);
  const KernelEntry& gemv = *find_named("gemv_f16_f16_cpu");
  EXPECT_NE(gemv.build_options(make_tuning(info, 128), {.rows = 8, .columns = 8, .tokens = 1}).find("-DAHEAD=1024"),
            std::string::npos);
}

TEST(Tuning, LanesNeverSpanTwoGroups) {
  for (const std::uint32_t group : {32U, 64U, 128U}) {
    const Tuning tuning = make_tuning(device_with(16, 1 << 20), group);
    EXPECT_EQ(group % (8 * tuning.lanes()), 0U);
    EXPECT_EQ(group % (4 * tuning.lanes16()), 0U);
  }
}

TEST(Tuning, GemmBlocksFitLocalMemoryAndKeepTheirMultiples) {
  for (const std::uint32_t width : {8U, 16U}) {
    for (const std::uint64_t local : {32768U, 65536U, 524288U}) {
      for (const std::uint64_t tokens : {9U, 17U, 33U, 64U, 100U, 512U}) {
        const GemmBlocks b = make_tuning(device_with(width, local), 128).gemm_blocks(tokens);
        EXPECT_LE(b.local_bytes(), local) << width << ' ' << local << ' ' << tokens;
        EXPECT_EQ(b.block_rows % b.unit_rows, 0U);
        EXPECT_EQ(b.block_panels % b.panels, 0U);
        EXPECT_EQ(b.block_columns % 128, 0U);
        EXPECT_LE(b.block_columns, 512U);  // int8 x int8 sums stay exact in f32
      }
    }
  }
}

}  // namespace
}  // namespace qtrap::scheme
