// The numbers that host and kernels share (KernelNumbers): a kernel that lacks one, or gets another, does not build.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "scheme/catalogue/kernel_table.hpp"
#include "scheme/operation_of.hpp"
#include "support/device_fixture.hpp"

namespace qtrap::scheme {
namespace {

class SharedNumbers : public test::DeviceTest {
 protected:
  /// Empty where it builds.
  std::string build(const KernelEntry& kernel, const std::string& options) {
    const auto built = device_->make_kernel(std::string(kernel.file), kernel.entry(), options);
    return built ? "" : built.error().message();
  }
};

struct Row {
  const char* operation;
  const char* family;
  const char* number;
};

constexpr Row kRows[] = {
    {"cast_f16_f32_panels", "cpu", "PANEL_TOKENS"},
    {"quantize_f16_i8_panels", "cpu", "PANEL_TOKENS"},
    {"gemm_f16_f16", "cpu", "PANEL_TOKENS"},
    {"gemm_q4_0_f16", "cpu", "PANEL_TOKENS"},
    {"cast_f16_i24_nibbles", "cpu", "DIGITS"},
    {"gemv_i4_i24", "cpu", "DIGITS"},
    {"random_f16", "reference", "RANDOM_VALUES"},
    {"cast_f16_f32", "gpu", "CAST_VALUES"},
    {"dequantize_i8_f16", "gpu", "DEQUANTIZED_COLUMNS"},
    {"dequantize_q4_0_f16", "gpu", "DEQUANTIZED_COLUMNS"},
    {"dequantize_i32_f16", "gpu", "RESCALED_ROWS"},
    {"find_outliers_f16", "cpu", "OUTLIER_COLUMNS"},
    {"find_outliers_f16", "gpu", "OUTLIER_COLUMNS"},
    {"gemm_i8_f16", "gpu", "TILE"},
    {"gemm_i4_i8", "gpu", "TILE_ROW_ITEMS"},
    {"gemm_q4_0_f16", "gpu", "TILE_TOKEN_ITEMS"},
};

TEST_F(SharedNumbers, AreMissedByTheKernelsThatNeedThem) {
  for (const Row& row : kRows) {
    const KernelEntry& kernel = *find_kernel(test::operation_of(row.operation), row.family);
    const std::string options =
        kernel.build_options(make_tuning(device_->info(), 128), {.count = 64, .rows = 64, .columns = 256, .tokens = 1});
    const std::regex given(std::string(" ?-D") + row.number + "=[0-9]+");
    ASSERT_TRUE(std::regex_search(options, given)) << kernel.name() << ": " << options;
    EXPECT_EQ(build(kernel, options), "") << kernel.name();
    EXPECT_THAT(build(kernel, std::regex_replace(options, given, "")), ::testing::HasSubstr(row.number));
    EXPECT_NE(build(kernel, std::regex_replace(options, given, std::string(" -D") + row.number + "=5")), "")
        << kernel.name();
  }
}

}  // namespace
}  // namespace qtrap::scheme
