// The CPU family's gemv kernels that go through a block row by row, on rows that are longer than their blocks: each
// agrees with the host as it stands, and one with a wrong line does not. A machine without AVX-512 skips visibly.
#include <gtest/gtest.h>

#include <ostream>
#include <stdexcept>
#include <string>

#include "scheme/catalogue/kernel_table.hpp"
#include "scheme/changed_kernels.hpp"
#include "scheme/verify/verify_cases.hpp"
#include "support/device_fixture.hpp"

namespace qtrap::scheme {
namespace {

struct WrongLine {
  const char* kernel;
  const char* file;
  const char* from;
  const char* to;
  std::uint64_t columns, tokens;
  std::uint32_t group;
};
std::ostream& operator<<(std::ostream& out, const WrongLine& wrong) { return out << wrong.kernel << ": " << wrong.to; }

constexpr const char* kInt4 = "matmul/gemv_i4_avx512_cpu.cl";
constexpr const char* kFrame = "matmul/gemv_frame_avx512_cpu.cl";

// 2088: whole blocks of 256 columns (frames) and 1024 (int4), and 40 behind them; 1224: a block of int4 of one vector.
constexpr WrongLine kWrongLines[] = {
    {"gemv_i4_i8_cpu_avx512_vnni", kInt4, "EVERY(2, 3), EVERY(6, 7)", "EVERY(2, 3), EVERY(7, 6)", 2088, 1, 128},
    {"gemv_i4_i8_cpu_avx512", kInt4, "EVERY(1), EVERY(3)", "EVERY(1), EVERY(2)", 2088, 2, 32},
    {"gemv_i4_i8_cpu_avx512", kInt4, "(float8)(scale[0]), (float8)(scale[1])", "(float8)(scale[0]), (float8)(scale[0])",
     2088, 1, 64},
    {"gemv_i4_i8_cpu_avx512", kInt4, "const uint g = g0 + p * SCALE_BLOCK;\n    const uint count",
     "const uint g = g0;\n    const uint count", 2088, 1, 32},
    {"gemv_i4_i8_cpu_avx512_vnni", kInt4, "acc[r][t] = sum[t];\n    }\n  }", "acc[r][0] = sum[t];\n    }\n  }", 2088, 3,
     128},
    {"gemv_i4_i8_cpu_avx512", kInt4, "v < count; ++v) { ADD_VECTOR(v) }\n      }\n#undef ADD_VECTOR\n      UNROLLED",
     "v < count; ++v) { ADD_VECTOR(0) }\n      }\n#undef ADD_VECTOR\n      UNROLLED", 1352, 1, 128},
    {"gemv_i4_i24_cpu_avx512_vnni", kInt4, "(dot[2] << 16)", "(dot[2] << 15)", 1224, 1, 128},
    {"gemv_i4_i24_cpu_avx512", kInt4, "odd = 2 * LANES16;", "odd = LANES16;", 1224, 1, 64},
    {"gemv_i4_i24_cpu_avx512", kInt4, "value[2 * GROUP + place] * 65536", "value[2 * GROUP + place] * 256", 40, 1, 32},
    {"gemv_q4_k_f16_cpu_avx512", "format/q4_k.clh", "minimum_bits >> 2 & 0x30303030u",
     "minimum_bits >> 2 & 0x10101010u", 2088, 1, 128},
    {"gemv_nvfp4_f16_cpu_avx512", kFrame, "high_affine = FORMAT_HALVES * (i + 1) - 1", "high_affine = low_affine", 2088,
     2, 128},
    {"gemv_nf4_f16_cpu_avx512", kFrame, "const float16 high = lookup16(WEIGHT(float16, numbers, second), bytes >> 4)",
     "const float16 high = lookup16(WEIGHT(float16, numbers, second), bytes >> 3)", 2088, 4, 128},
    {"gemv_q8_0_f16_cpu_avx512", kFrame, "(sum[t][0] + sum[t][1]) + (sum[t][2] + sum[t][3])",
     "(sum[t][0] + sum[t][1]) + sum[t][2]", 2088, 1, 128},
    {"gemv_fp8_f16_cpu_avx512", "format/fp8.clh", "(int16)(0xBFFFBFFF)", "(int16)(0xBFFF3FFF)", 2088, 1, 128},
    {"gemv_fp8_e4m3_cpu_avx512", kFrame, "activations16(from + first + 16 * i)", "activations16(from + 16 * i)", 2088,
     1, 128},
    {"gemv_i2_f16_cpu_avx512", kFrame, "fma((float16)(shift[i]), x->sum[t][i]", "fma((float16)(scale[i]), x->sum[t][i]",
     2088, 8, 32},
};

class RowByRowTest : public test::DeviceTest, public ::testing::WithParamInterface<WrongLine> {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (IsSkipped()) return;
    device().probe_capabilities();
    const Variant& variant = *find_variant(find_named(GetParam().kernel)->variant);
    if (const auto missing = missing_capability(variant, device().info())) GTEST_SKIP() << *missing;
  }

  /// Part of the tolerance that the worst result takes.
  static double error_of(device::Device& device) {
    const WrongLine& wrong = GetParam();
    const KernelEntry& kernel = *find_named(wrong.kernel);
    VerifyBench bench(device, {"cpu", wrong.group, std::string(kernel.variant)});
    const auto found = verify_case(kernel.operation)
                           .check(bench, kernel, {.rows = 11, .columns = wrong.columns, .tokens = wrong.tokens});
    if (!found) throw std::runtime_error(found.error().message());
    return found.value().error / found.value().tolerance;
  }
};

TEST_P(RowByRowTest, AgreesWithTheHostUntilALineIsWrong) {
  EXPECT_LE(error_of(device()), 1);
  const test::ChangedKernels kernels;
  kernels.replace(GetParam().file, GetParam().from, GetParam().to);
  device::Device changed(device().info(), kernels.sources());
  EXPECT_GT(error_of(changed), 1);
}

INSTANTIATE_TEST_SUITE_P(Lines, RowByRowTest, ::testing::ValuesIn(kWrongLines),
                         [](const ::testing::TestParamInfo<WrongLine>& info) {
                           return std::string(info.param.kernel) + '_' + std::to_string(info.index);
                         });

}  // namespace
}  // namespace qtrap::scheme
