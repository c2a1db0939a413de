// The choice among kernel variants, and the vendor variants themselves with every instruction replaced by plain C: what
// surrounds the instructions is then checked on any device.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "scheme/changed_kernels.hpp"
#include "scheme/device_fixture.hpp"
#include "scheme/kernel_table.hpp"
#include "scheme/program_list.hpp"
#include "scheme/verify.hpp"

namespace qtrap::scheme {
namespace {

namespace fs = std::filesystem;

device::DeviceInfo device_that_can(const std::vector<std::string>& capabilities) {
  device::DeviceInfo info;
  for (const std::string& name : capabilities) info.capabilities.push_back({name, false, true, ""});
  return info;
}

std::string chosen(std::string_view operation, const device::DeviceInfo& info, std::string_view variant = "",
                   std::string_view family = "gpu") {
  return choose_kernel(operation, family, variant, info)->name();
}

TEST(VariantChoice, TakesThePlainKernelWithoutProbes) {
  EXPECT_EQ(chosen("gemv_i8_i8", {}), "gemv_i8_i8_gpu");
  device::DeviceInfo failed;
  failed.capabilities = {{"dot8", true, false, "wrong value"}};
  EXPECT_EQ(chosen("gemv_i8_i8", failed), "gemv_i8_i8_gpu");
}

TEST(VariantChoice, TakesTheFirstVariantWhoseCapabilitiesAreAllThere) {
  EXPECT_EQ(chosen("gemv_i8_i8", device_that_can({"dot8"})), "gemv_i8_i8_gpu_khronos");
  EXPECT_EQ(chosen("gemv_i8_i8", device_that_can({"dp4a", "ptx_shuffle", "dot8"})), "gemv_i8_i8_gpu_khronos");
  EXPECT_EQ(chosen("gemv_i8_i8", device_that_can({"dp4a", "ptx_shuffle", "ptx_half2", "dot8"})), "gemv_i8_i8_gpu_ptx");
  EXPECT_EQ(chosen("gemm_i4_i8", device_that_can({"sdot4", "amd_shuffle", "half2"})), "gemm_i4_i8_gpu_gcn");
  EXPECT_EQ(chosen("gemv_i4_f16", device_that_can({"half2"})), "gemv_i4_f16_gpu_half2");
  EXPECT_EQ(chosen("gemv_i4_i8", device_that_can({"avx2"}), "", "cpu"), "gemv_i4_i8_cpu_avx2");
  EXPECT_EQ(chosen("gemv_i4_i8", device_that_can({"dp4a"}), "", "cpu"), "gemv_i4_i8_cpu");
  EXPECT_EQ(chosen("gemv_i4_i8", device_that_can({"avx2"}), "cpu", "cpu"), "gemv_i4_i8_cpu");
}

TEST(VariantChoice, TheForcedVariantIsTakenWhereAnOperationHasIt) {
  const auto all = device_that_can({"dp4a", "ptx_shuffle", "ptx_half2", "dot8"});
  EXPECT_EQ(chosen("gemv_i8_i8", all, "khronos"), "gemv_i8_i8_gpu_khronos");
  EXPECT_EQ(chosen("gemv_f16_f16", all, "khronos"), "gemv_f16_f16_gpu");
  EXPECT_EQ(chosen("gemv_i8_i8", all, "gpu"), "gemv_i8_i8_gpu");
  EXPECT_EQ(chosen("rms_norm_f16", all, "ptx"), "rms_norm_f16_gpu");
  EXPECT_EQ(chosen("random_f16", all, "ptx"), "random_f16_reference");
}

TEST(VariantChoice, SaysWhichCapabilityIsMissingAndWhy) {
  device::DeviceInfo info;
  EXPECT_EQ(missing_capability(*find_variant("ptx"), info), "dp4a was not probed");
  info.capabilities = {{"dp4a", false, false, "item 3 gave 1 instead of 2"}};
  EXPECT_EQ(missing_capability(*find_variant("ptx"), info), "dp4a item 3 gave 1 instead of 2");
  EXPECT_EQ(missing_capability(*find_variant("gpu"), info), std::nullopt);
  EXPECT_EQ(find_variant("sse9"), nullptr);
}

TEST(VariantTable, EveryKernelNamesAVariantOfItsFamilyWithAPlainKernelBeside) {
  for (const KernelEntry& kernel : all_kernels()) {
    const Variant* variant = find_variant(kernel.variant);
    ASSERT_NE(variant, nullptr) << kernel.name();
    EXPECT_EQ(variant->family, kernel.family) << kernel.name();
    EXPECT_EQ(find_kernel(kernel.operation, kernel.family)->entry(), kernel.entry());
  }
}

TEST(ProgramList, HoldsEachKernelAndEachProgramOnce) {
  std::vector<std::string> seen, kernels;
  for (const KernelProgram& program : list_programs()) {
    seen.push_back(program.kernel->name() + program.options);
    kernels.push_back(program.kernel->name());
    EXPECT_GT(program.work_group, 0U);
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
  for (const KernelEntry& kernel : all_kernels()) {
    EXPECT_NE(std::find(kernels.begin(), kernels.end(), kernel.name()), kernels.end()) << kernel.name();
  }
}

/// Statement with an NVIDIA instruction, up to its constraints, and what computes the same.
struct Emulation {
  const char* instruction;
  const char* replacement;
};

constexpr Emulation kEmulations[] = {
    {"__asm__(\"dp4a",
     "out = sum; for (uint i = 0; i < 32; i += 8) out += (int)as_char4(a >> i).x * (int)as_char4(b >> i).x;"},
    {"__asm__(\"prmt",
     "out = 0; for (uint i = 0; i < 4; ++i) out |= (uint)(((ulong)high << 32 | low) >> 8 * ((selector >> 4 * i) & 7) & "
     "255) "
     "<< 8 * i;"},
    {"__asm__(\"ld.global.nc.v4", "out = *(__global const uint4*)from;"},
    // Serves the probe alone, whose input is i - 32: the kernels add up in local memory here, without HAS_LANES.
    {"__asm__ volatile(\"shfl", "out = ((uint)get_local_id(0) ^ mask) - 32u + 0u * value;"},
    {"__asm__(\"fma.rn.f16x2",
     "const ushort2 u = as_ushort2(a), v = as_ushort2(b), w = as_ushort2(c); ushort2 p; "
     "vstore_half2_rte(vload_half2(0, (const "
     "half*)&u) * vload_half2(0, (const half*)&v) + vload_half2(0, (const half*)&w), 0, (half*)&p); out = as_uint(p);"},
    {"__asm__(\"mul.rn.f16x2",
     "const ushort2 u = as_ushort2(a), v = as_ushort2(b); ushort2 p; vstore_half2_rte(vload_half2(0, (const half*)&u) "
     "* "
     "vload_half2(0, (const half*)&v), 0, (half*)&p); out = as_uint(p);"},
};

class ChangedKernelsTest : public test::DeviceTest {
 protected:
  std::vector<VerifyRow> verify(const std::string& variant) {
    device::Device device(info_, kernels_.sources());
    return verify_kernels(device, {{std::string(find_variant(variant)->family)}, "", false, variant});
  }

  const test::ChangedKernels kernels_;
};

void expect_all_pass(const std::vector<VerifyRow>& rows, std::size_t least) {
  EXPECT_GE(rows.size(), least);
  for (const VerifyRow& row : rows) {
    EXPECT_EQ(row.status, VerifyStatus::kPass) << row.kernel << " on " << row.shape << ": " << row.worst_relative_error
                                               << " of " << row.tolerance << ' ' << row.reason;
  }
}

void expect_none_runs(const std::vector<VerifyRow>& rows) {
  EXPECT_FALSE(rows.empty());
  for (const VerifyRow& row : rows) {
    EXPECT_EQ(row.status, VerifyStatus::kUnsupported) << row.kernel;
    EXPECT_NE(row.reason.find("instead of"), std::string::npos) << row.reason;
  }
}

using Avx2Test = ChangedKernelsTest;

TEST_F(Avx2Test, AWrongProductFailsTheProbeAndNothingRuns) {
  device().probe_capabilities();
  if (missing_capability(*find_variant("avx2"), device().info())) GTEST_SKIP() << "no device with AVX2";
  expect_all_pass(verify("avx2"), 3);
  kernels_.replace("common/x86.clh", "pmaddwd256(__builtin_astype(a, shorts16), __builtin_astype(b,",
                   "pmaddwd256(__builtin_astype(a, shorts16), __builtin_astype(a,");
  expect_none_runs(verify("avx2"));
}

class EmulatedPtxTest : public ChangedKernelsTest {
 protected:
  void SetUp() override {
    ChangedKernelsTest::SetUp();
    if (IsSkipped()) return;
    kernels_.rewrite("common/instructions.clh", [](std::string& text) {
      for (const Emulation& emulation : kEmulations) {
        const std::size_t at = text.find(emulation.instruction);
        ASSERT_NE(at, std::string::npos) << emulation.instruction;
        text.replace(at, text.find(");\n", at) + 2 - at, emulation.replacement);
      }
    });
    kernels_.replace("common/instructions.clh", "#define HAS_LANES", "");
    kernels_.replace("common/instructions.clh", "&& !defined(__NVPTX__)", "&& 0");
  }
};

TEST_F(EmulatedPtxTest, EveryKernelPasses) { expect_all_pass(verify("ptx"), 8); }

TEST_F(EmulatedPtxTest, AWrongByteOrderFailsTheProbeAndNothingRuns) {
  kernels_.replace("common/instructions.clh", "0x6420", "0x6421");
  expect_none_runs(verify("ptx"));
}

class EmulatedMatrixUnitTest : public ChangedKernelsTest {
 protected:
  void SetUp() override {
    ChangedKernelsTest::SetUp();
    if (IsSkipped()) return;
    fs::copy_file(fs::path(QTRAP_SOURCE_DIR) / "tests/scheme/emulated_matrix_unit.clh",
                  kernels_.folder() / "common/matrix_unit.clh", fs::copy_options::overwrite_existing);
    // Each product is two barriers here: unrolled, the device's compiler would take minutes.
    kernels_.replace("matmul/gemm_mma_gpu.cl", "_Pragma(\"unroll\")", "");
  }
};

TEST_F(EmulatedMatrixUnitTest, EveryKernelPasses) { expect_all_pass(verify("mma"), 2); }

TEST_F(EmulatedMatrixUnitTest, AKernelWithSwappedFragmentsFails) {
  kernels_.replace("matmul/gemm_mma_gpu.cl", "lane / 8 % 2 * 16", "(1 - lane / 8 % 2) * 16");
  for (const VerifyRow& row : verify("mma")) EXPECT_EQ(row.status, VerifyStatus::kFail) << row.kernel;
}

TEST_F(EmulatedMatrixUnitTest, AUnitWithAnotherLayoutFailsTheProbeAndNothingRuns) {
  kernels_.replace("common/matrix_unit.clh", "k % 8 / 2", "k % 8 / 2 ^ 1");
  kernels_.replace("common/matrix_unit.clh", "row >= 8 ? 4", "row >= 8 ? 8");
  expect_none_runs(verify("mma"));
}

}  // namespace
}  // namespace qtrap::scheme
