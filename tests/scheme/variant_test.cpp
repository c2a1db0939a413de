// The choice among kernel variants, and the vendor variants themselves with every instruction replaced by plain C: what
// surrounds the instructions is then checked on any device.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <ostream>

#include "scheme/catalogue/kernel_table.hpp"
#include "scheme/catalogue/program_list.hpp"
#include "scheme/changed_kernels.hpp"
#include "scheme/operation_of.hpp"
#include "scheme/pass_factory.hpp"
#include "scheme/verify/verify.hpp"
#include "support/device_fixture.hpp"

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
  return choose_kernel(test::operation_of(operation), family, variant, info)->name();
}

TEST(VariantChoice, TakesThePlainKernelWithoutProbes) {
  EXPECT_EQ(chosen("gemv_i8_i8", {}), "gemv_i8_i8_gpu");
  device::DeviceInfo failed;
  failed.capabilities = {{"dot8", true, false, "wrong value"}};
  EXPECT_EQ(chosen("gemv_i8_i8", failed), "gemv_i8_i8_gpu");
}

TEST(VariantChoice, LeavesOneTokenToTheVectorUnit) {
  const auto hopper = device_that_can({"dp4a", "ptx_shuffle", "ptx_half2", "mma"});
  for (const std::string_view text : {"gemv_f16_f16", "gemv_i8_i8", "gemv_i4_i8", "gemv_q4_k_f16"}) {
    const OperationId operation = test::operation_of(text);
    EXPECT_EQ(choose_kernel(operation, "gpu", "", hopper, 1)->variant, "ptx") << text;
    EXPECT_EQ(choose_kernel(operation, "gpu", "", hopper, 2)->variant, "mma") << text;
    EXPECT_EQ(choose_kernel(operation, "gpu", "mma", hopper, 1)->variant, "mma") << "demanded: " << text;
    EXPECT_EQ(choose_kernel(operation, "gpu", "", device_that_can({"mma"}), 1)->variant, "gpu") << text;
  }
}

TEST(VariantChoice, TakesTheFirstVariantWhoseCapabilitiesAreAllThere) {
  EXPECT_EQ(chosen("gemv_i8_i8", device_that_can({"dot8"})), "gemv_i8_i8_gpu_khronos");
  EXPECT_EQ(chosen("gemv_i8_i8", device_that_can({"dp4a", "ptx_shuffle", "dot8"})), "gemv_i8_i8_gpu_khronos");
  EXPECT_EQ(chosen("gemv_i8_i8", device_that_can({"dp4a", "ptx_shuffle", "ptx_half2", "dot8"})), "gemv_i8_i8_gpu_ptx");
  EXPECT_EQ(chosen("gemm_i4_i8", device_that_can({"sdot4", "amd_shuffle", "half2"})), "gemm_i4_i8_gpu_gcn");
  EXPECT_EQ(chosen("gemv_i4_f16", device_that_can({"half2"})), "gemv_i4_f16_gpu_half2");
  EXPECT_EQ(chosen("gemv_i4_i8", device_that_can({"avx2"}), "", "cpu"), "gemv_i4_i8_cpu_avx2");
  EXPECT_EQ(chosen("gemv_i4_i8", device_that_can({"dp4a"}), "", "cpu"), "gemv_i4_i8_cpu");
  EXPECT_EQ(chosen("gemv_nf4_f16", device_that_can({"avx2"}), "", "cpu"), "gemv_nf4_f16_cpu_avx2");
  EXPECT_EQ(chosen("gemv_nf4_f16", device_that_can({"avx2", "avx512"}), "", "cpu"), "gemv_nf4_f16_cpu_avx512");
  EXPECT_EQ(chosen("gemv_q4_0_f16", device_that_can({"avx2", "avx512"}), "", "cpu"), "gemv_q4_0_f16_cpu_avx512");
  EXPECT_EQ(chosen("gemv_q4_0_f16", device_that_can({"avx2"}), "", "cpu"), "gemv_q4_0_f16_cpu");
  EXPECT_EQ(chosen("gemm_q4_0_f16", device_that_can({"avx2", "avx512"}), "", "cpu"), "gemm_q4_0_f16_cpu");
  for (const std::string operation : {"gemv_i4_i8", "gemv_i4_i24"}) {
    EXPECT_EQ(chosen(operation, device_that_can({"avx2", "avx512", "avx512_vnni"}), "", "cpu"),
              operation + "_cpu_avx512_vnni");
    EXPECT_EQ(chosen(operation, device_that_can({"avx2", "avx512"}), "", "cpu"), operation + "_cpu_avx512");
    EXPECT_EQ(chosen(operation, device_that_can({"avx512_vnni"}), "", "cpu"), operation + "_cpu");
  }
  EXPECT_EQ(chosen("gemv_q4_0_f16", device_that_can({"dp4a", "ptx_shuffle", "ptx_half2"})), "gemv_q4_0_f16_gpu_ptx");
  EXPECT_EQ(chosen("gemv_i4_i8", device_that_can({"avx2"}), "cpu", "cpu"), "gemv_i4_i8_cpu");
  const auto cdna = device_that_can({"sdot4", "amd_shuffle", "half2", "mfma"});
  const auto rdna = device_that_can({"sudot4", "amd_shuffle", "half2", "wmma"});
  EXPECT_EQ(chosen("gemm_f16_f16", cdna), "gemm_f16_f16_gpu_mfma");
  EXPECT_EQ(chosen("gemm_i8_i8", cdna), "gemm_i8_i8_gpu_mfma");
  EXPECT_EQ(chosen("gemm_i4_i8", cdna), "gemm_i4_i8_gpu_gcn");
  EXPECT_EQ(chosen("gemm_i4_f16", cdna), "gemm_i4_f16_gpu_mfma");
  EXPECT_EQ(chosen("gemm_q4_k_f16", cdna), "gemm_q4_k_f16_gpu_mfma");
  EXPECT_EQ(chosen("gemv_q4_k_f16", cdna), "gemv_q4_k_f16_gpu_gcn");
  EXPECT_EQ(chosen("gemm_f16_f16", rdna), "gemm_f16_f16_gpu_wmma");
  EXPECT_EQ(chosen("gemm_i8_f16", rdna), "gemm_i8_f16_gpu_wmma");
  EXPECT_EQ(chosen("gemm_i8_i8", rdna), "gemm_i8_i8_gpu_wmma");
}

TEST(VariantChoice, WhatAProbeRefusesLeavesTheProcessorItsNextBestKernel) {
  device::DeviceInfo info = device_that_can({"avx2"});
  for (const char* refused : {"avx512_vnni", "avx512"})
    info.capabilities.push_back({refused, false, false, "item 0 gave 1000 instead of -32"});
  EXPECT_EQ(chosen("gemv_i4_i8", info, "", "cpu"), "gemv_i4_i8_cpu_avx2");
  EXPECT_EQ(chosen("gemv_i4_i24", info, "", "cpu"), "gemv_i4_i24_cpu_avx2");
  EXPECT_EQ(chosen("gemv_nvfp4_f16", info, "", "cpu"), "gemv_nvfp4_f16_cpu_avx2");
  EXPECT_EQ(chosen("gemv_fp8_e4m3", info, "", "cpu"), "gemv_fp8_e4m3_cpu");
  info.capabilities.back().probed = true;  // AVX-512 without VNNI
  EXPECT_EQ(chosen("gemv_i4_i8", info, "", "cpu"), "gemv_i4_i8_cpu_avx512");
  EXPECT_EQ(chosen("gemv_fp8_e4m3", info, "", "cpu"), "gemv_fp8_e4m3_cpu_avx512");
}

TEST(VariantChoice, TheForcedVariantIsTakenWhereAnOperationHasIt) {
  const auto all = device_that_can({"dp4a", "ptx_shuffle", "ptx_half2", "dot8"});
  EXPECT_EQ(chosen("gemv_i8_i8", all, "khronos"), "gemv_i8_i8_gpu_khronos");
  EXPECT_EQ(chosen("gemv_f16_f16", all, "khronos"), "gemv_f16_f16_gpu");
  EXPECT_EQ(chosen("gemv_i8_i8", all, "gpu"), "gemv_i8_i8_gpu");
  EXPECT_EQ(chosen("rms_norm_f16", all, "ptx"), "rms_norm_f16_gpu_ptx");
  EXPECT_EQ(chosen("dequantize_i8_f16", all, "ptx"), "dequantize_i8_f16_gpu");
  EXPECT_EQ(chosen("random_f16", all, "ptx"), "random_f16_reference");
}

TEST(VariantChoice, ProductsOfBytesAreTakenWhereOneInstructionMakesThem) {
  const auto has_products = [](std::string_view family, std::string_view variant, const device::DeviceInfo& info) {
    return choose_kernel_set(family, variant, info).byte_products;
  };
  const auto avx2 = device_that_can({"avx2"});
  EXPECT_TRUE(has_products("cpu", "", avx2));
  EXPECT_TRUE(has_products("cpu", "avx2", avx2));
  EXPECT_FALSE(has_products("cpu", "cpu", avx2));
  EXPECT_FALSE(has_products("cpu", "", {}));
  EXPECT_FALSE(has_products("gpu", "", avx2));
  EXPECT_FALSE(has_products("reference", "", avx2));
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

TEST(VariantTable, NamesTheMatrixUnitForTheResults) {
  EXPECT_EQ(find_variant("mma")->matrix_unit, "mma.sync");
  EXPECT_EQ(find_variant("mfma")->matrix_unit, "mfma");
  EXPECT_EQ(find_variant("wmma")->matrix_unit, "wmma");
  EXPECT_EQ(find_variant("gcn")->matrix_unit, "none");
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
     "out = 0; for (uint i = 0; i < 4; ++i) { const uint n = selector >> 4 * i; "
     "const uint byte = (uint)(((ulong)high << 32 | low) >> 8 * (n & 7)) & 255; "
     "out |= (n & 8 ? (byte >> 7) * 255 : byte) << 8 * i; }"},
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
  std::vector<VerifyRow> verify(const std::string& variant, bool small = false, const std::string& kernel = "") {
    device::Device device(info_, kernels_.sources());
    return verify_kernels(device, {{std::string(find_variant(variant)->family)}, kernel, small, variant});
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
  expect_all_pass(verify("avx2", true), 3);
  kernels_.replace("common/x86.clh", "pmaddwd256(__builtin_astype(a, shorts16), __builtin_astype(b,",
                   "pmaddwd256(__builtin_astype(a, shorts16), __builtin_astype(a,");
  expect_none_runs(verify("avx2"));
}

using Avx512Test = ChangedKernelsTest;

TEST_F(Avx512Test, AWrongInstructionFailsTheProbeAndNothingRuns) {
  device().probe_capabilities();
  if (missing_capability(*find_variant("avx512"), device().info())) GTEST_SKIP() << "no device with AVX-512";
  expect_all_pass(verify("avx512", true, "gemv_"), 10);
  for (const auto& [from, to] :
       {std::pair{"pairs, __builtin_astype((int16)(0x00010001)", "pairs, __builtin_astype((int16)(1)"},
        std::pair{"65 + 16 * l", "66 + 16 * l"}, std::pair{"(ushort)0xFFFF", "(ushort)0x7FFF"}}) {
    const test::ChangedKernels changed;
    changed.replace("common/x86.clh", from, to);
    device::Device device(info_, changed.sources());
    expect_none_runs(verify_kernels(device, {{"cpu"}, "gemv_i4", true, "avx512"}));
  }
}

TEST_F(Avx512Test, WrongProductsOfVnniFailItsProbeAndNothingRuns) {
  device().probe_capabilities();
  if (missing_capability(*find_variant("avx512_vnni"), device().info())) GTEST_SKIP() << "no device with VNNI";
  expect_all_pass(verify("avx512_vnni", true), 2);
  kernels_.replace("common/x86.clh", "\"v\"(high), \"v\"(x_high)", "\"v\"(high), \"v\"(x_low)");
  expect_none_runs(verify("avx512_vnni"));
}

/// Capabilities that a device is said to have, so that its variants are chosen wherever the test runs.
device::DeviceInfo with_capability(device::DeviceInfo info, const char* name) {
  info.capabilities.push_back({name, false, true, "said"});
  return info;
}

class FallbackTest : public ChangedKernelsTest {
 protected:
  /// The pass of a product of 8 rows and 256 columns, whose variant `needs` does not build.
  std::string kernel_used(device::Device& device, const PassOptions& options) {
    const Extent extent{.rows = 8, .columns = 256, .tokens = 1};
    const auto built = build_kernel(device, options, test::operation_of("gemv_i4_i8"), extent);
    if (!built) return built.error().message();
    return choose_kernel(test::operation_of("gemv_i4_i8"), "cpu", options.variant, device.info())->name();
  }
};

TEST_F(FallbackTest, AVariantThatDoesNotBuildGivesWayToThePlainKernelWithAHazard) {
  kernels_.rewrite("common/x86.clh",
                   [](std::string& text) { text = "#error \"this compiler is another one\"\n" + text; });
  device::Device device(with_capability(info_, "avx2"), kernels_.sources());
  const PassOptions options{"cpu", 128};
  EXPECT_EQ(kernel_used(device, options), "gemv_i4_i8_cpu");
  ASSERT_EQ(device.info().avoided.size(), 1U);
  const std::string hazard = describe_avoided(device.info().avoided.front(), device.info());
  EXPECT_TRUE(hazard.starts_with("gemv_i4_i8_cpu_avx2 failed and gemv_i4_i8_cpu took its place (--variant cpu"))
      << hazard;
  EXPECT_NE(hazard.find("this compiler is another one"), std::string::npos) << hazard;
}

TEST_F(FallbackTest, AVariantThatIsDemandedIsNotReplaced) {
  kernels_.rewrite("common/x86.clh", [](std::string& text) { text = "#error \"another one\"\n" + text; });
  device::Device device(with_capability(info_, "avx2"), kernels_.sources());
  EXPECT_NE(kernel_used(device, {"cpu", 128, "avx2"}).find("kernel build failed"), std::string::npos);
  EXPECT_TRUE(device.info().avoided.empty());
}

TEST_F(FallbackTest, AnAvoidedPlainKernelIsRefusedWithTheReason) {
  device().avoid_kernel("gemv_i4_i8_cpu", "its compiler died");
  const std::string refused = kernel_used(device(), {"cpu", 128, "cpu"});
  EXPECT_NE(refused.find("kernel is left out (gemv_i4_i8_cpu: its compiler died)"), std::string::npos) << refused;
  EXPECT_NE(describe_avoided(device().info().avoided.front(), device().info()).find("every scheme that uses it fails"),
            std::string::npos);
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

/// AMD's matrix units, their instructions in plain C: emulated_VARIANT.clh for kernels/common/VARIANT.clh. The frames
/// of NVIDIA's are not made of functions that stand in for its instructions: tests/ptx runs them.
struct EmulatedUnit {
  const char* variant;
  const char* without;               ///< line that the emulation of an older generation lacks; empty: none
  std::vector<const char*> kernels;  ///< parts of names: what is run with one tile
};
std::ostream& operator<<(std::ostream& out, const EmulatedUnit& unit) {
  return out << unit.variant << (*unit.without == 0 ? "" : " without ") << unit.without;
}

void emulate_amd_unit(const test::ChangedKernels& kernels, const std::string& variant) {
  for (const std::string& name : {variant, std::string("amd_pairs")}) {
    fs::copy_file(fs::path(QTRAP_SOURCE_DIR) / "tests/scheme" / ("emulated_" + name + ".clh"),
                  kernels.folder() / "common" / (name + ".clh"), fs::copy_options::overwrite_existing);
  }
  // Each product is two barriers here: unrolled, the device's compiler would take minutes.
  for (const char* file : {"matmul/gemm_amd_units_gpu.cl", "matmul/gemm_frame_amd_gpu.cl"})
    kernels.replace(file, "_Pragma(\"unroll\")", "");
}

/// PoCL 3.1 with several threads gives these emulations' work-groups wrong sums now and then; with one thread they are
/// right. The variable counts until the process creates its first
/// platform: under ctest, where each test is a process, it always does.
class OneThreadTest : public ChangedKernelsTest {
 protected:
  void SetUp() override {
    ::setenv("POCL_MAX_PTHREAD_COUNT", "1", 1);
    ChangedKernelsTest::SetUp();
    if (IsSkipped()) return;
    if (info_.platform.find("Portable Computing Language") != std::string::npos && info_.compute_units > 1)
      GTEST_SKIP() << "PoCL already runs several threads: run this test alone";
  }
};

class EmulatedMatrixUnitTest : public OneThreadTest, public testing::WithParamInterface<EmulatedUnit> {
 protected:
  void SetUp() override {
    OneThreadTest::SetUp();
    if (IsSkipped()) return;
    emulate_amd_unit(kernels_, GetParam().variant);
    kernels_.replace(std::string("common/") + GetParam().variant + ".clh", GetParam().without, "");
  }

  std::vector<VerifyRow> verify_unit(bool small, const std::string& kernel) {
    return verify(GetParam().variant, small, kernel);
  }
};

TEST_P(EmulatedMatrixUnitTest, EveryKernelPasses) {
  for (const char* kernel : GetParam().kernels) expect_all_pass(verify_unit(true, kernel), 1);
}

constexpr const char* kPlainKernels[] = {"gemm_i8_i8", "gemm_i8_f16"};

TEST_P(EmulatedMatrixUnitTest, AKernelWithSwappedFragmentsFails) {
  kernels_.replace("matmul/gemm_amd_units_gpu.cl", "add(a[m], b[n], acc[m][n])",
                   "add(a[m], b[PRODUCTS - 1 - n], acc[m][n])");
  kernels_.replace("matmul/gemm_frame_amd_gpu.cl", "add_half_f16(a[m][f], b[n],",
                   "add_half_f16(a[m][f], b[TOKEN_TILES - 1 - n],");
  for (const char* kernel : kPlainKernels) {
    const auto rows = verify_unit(true, kernel);
    EXPECT_EQ(rows.size(), 1U) << kernel;
    for (const VerifyRow& row : rows) EXPECT_EQ(row.status, VerifyStatus::kFail) << row.kernel;
  }
}

/// One of each way that a format goes through the frame: no scale in the loop, minima, two scales a step, zero points
/// of groups, two f16 for a code.
const std::vector<const char*> kEachWay{"gemm_i8_i8", "gemm_i8_f16", "gemm_q4_1",
                                        "gemm_q6_k",  "gemm_i4_f16", "gemm_nf4"};
/// Codes that CDNA2 would take as 0 where they stood in the bits of subnormal f16, and its own products of int8.
const std::vector<const char*> kSubnormalCodes{"gemm_i8_i8", "gemm_mxfp4", "gemm_fp8", "gemm_nf4"};
INSTANTIATE_TEST_SUITE_P(Units, EmulatedMatrixUnitTest,
                         testing::Values(EmulatedUnit{"mfma", "", {"gemm_"}},
                                         EmulatedUnit{"mfma", "#define HAS_MFMA_I8_K32", kSubnormalCodes},
                                         EmulatedUnit{"wmma", "", kEachWay}));

/// Every tile, whole steps and odd widths.
class EmulatedTileTest : public EmulatedMatrixUnitTest {};

TEST_P(EmulatedTileTest, EveryTilePasses) {
  for (const char* kernel : GetParam().kernels) expect_all_pass(verify_unit(false, kernel), 1);
}

TEST_P(EmulatedTileTest, AKernelThatKeepsWhatLiesBehindARowFails) {
  kernels_.replace("matmul/gemm_amd_units_gpu.cl", "at < row_bytes ? held[c] : (uint4)(0)", "held[c]");
  kernels_.replace("matmul/gemm_frame_amd_gpu.cl", "if (k >= columns) *(__local", "if (false) *(__local");
  for (const char* kernel : kPlainKernels) {
    for (const VerifyRow& row : verify_unit(false, kernel)) EXPECT_EQ(row.status, VerifyStatus::kFail) << row.kernel;
  }
}

INSTANTIATE_TEST_SUITE_P(Units, EmulatedTileTest,
                         testing::Values(EmulatedUnit{"mfma", "", {"gemm_i8_f16", "gemm_q6_k"}},
                                         EmulatedUnit{"wmma", "", {"gemm_i8_i8", "gemm_i8_f16", "gemm_q6_k"}}));

/// Faults of the frame that no probe of the unit can see.
struct FrameFault {
  const char* variant;
  const char* kernel;
  const char* file;
  const char* from;
  const char* to;
};
std::ostream& operator<<(std::ostream& out, const FrameFault& fault) {
  return out << fault.variant << ' ' << fault.kernel << ": " << fault.to;
}

class EmulatedFrameTest : public OneThreadTest, public testing::WithParamInterface<FrameFault> {};

TEST_P(EmulatedFrameTest, AKernelWithTheFaultFails) {
  const FrameFault& fault = GetParam();
  emulate_amd_unit(kernels_, fault.variant);
  kernels_.replace(fault.file, fault.from, fault.to);
  const auto rows = verify(fault.variant, true, fault.kernel);
  EXPECT_EQ(rows.size(), 1U);
  for (const VerifyRow& row : rows) EXPECT_EQ(row.status, VerifyStatus::kFail) << row.kernel;
}

constexpr const char* kUnit = "common/matrix_unit.clh";
constexpr const char* kFrame = "matmul/gemm_frame_amd_gpu.cl";
INSTANTIATE_TEST_SUITE_P(
    Faults, EmulatedFrameTest,
    testing::Values(
        FrameFault{"wmma", "gemm_q4_0", kUnit, "#define sum_place(row) ((row) % 2 * 8 + (row) / 2)",
                   "#define sum_place(row) (row)"},
        FrameFault{"mfma", "gemm_q4_0", kUnit, "#define sum_place(row) (row)", "#define sum_place(row) (15 - (row))"},
        FrameFault{"mfma", "gemm_q4_0", kFrame, "(uint4)(a.lo, b.lo)", "(uint4)(b.lo, a.lo)"},
        FrameFault{"mfma", "gemm_i2", kFrame, "(uint4)(a.x, b.x, c.x, d.x)", "(uint4)(a.x, c.x, b.x, d.x)"},
        FrameFault{"mfma", "gemm_q6_k", kFrame, "h) * UNIT_TILE + own_place]", "1 - h) * UNIT_TILE + own_place]"},
        FrameFault{"wmma", "gemm_i8_f16", kFrame, "from[w * (ITEMS / STEP_WAVES)]", "from[0]"}));

/// A fault in the layout that kernels/common/matrix_unit.clh takes for granted, or in the unit.
struct LayoutFault {
  const char* variant;
  const char* file;
  const char* from;
  const char* to;
};
std::ostream& operator<<(std::ostream& out, const LayoutFault& fault) {
  return out << fault.variant << ": " << fault.to;
}

class MatrixUnitLayoutTest : public ChangedKernelsTest, public testing::WithParamInterface<LayoutFault> {};

TEST_P(MatrixUnitLayoutTest, AWrongOneFailsTheProbeAndNothingRuns) {
  const LayoutFault& fault = GetParam();
  const std::string file = std::string("common/") + fault.variant + ".clh";
  fs::copy_file(fs::path(QTRAP_SOURCE_DIR) / "tests/scheme" / (std::string("emulated_") + fault.variant + ".clh"),
                kernels_.folder() / file, fs::copy_options::overwrite_existing);
  kernels_.replace(fault.file, fault.from, fault.to);
  expect_none_runs(verify(fault.variant));
}

constexpr const char* kFragments = "common/matrix_unit.clh";
INSTANTIATE_TEST_SUITE_P(
    Faults, MatrixUnitLayoutTest,
    testing::Values(
        LayoutFault{"mma", "common/mma.clh", "(row % 8 * 4 + k % 8 / 2)", "(row % 8 * 4 + (k % 8 / 2 ^ 1))"},
        LayoutFault{"mma", "common/mma.clh", "row >= 8 ? 4", "row >= 8 ? 8"},
        LayoutFault{"mma", kFragments, "(lane) / 8 % 2 * 16", "(1 - (lane) / 8 % 2) * 16"},
        LayoutFault{"mma", kFragments, "(i) / 2 % 2 * 8", "(i) / 4 * 8"},
        LayoutFault{"mfma", "common/mfma.clh", "a = wave + (k / 4 * 16 + row)", "a = wave + ((15 - k) / 4 * 16 + row)"},
        LayoutFault{"mfma", "common/mfma.clh", "row = lane / 16 * 4", "row = lane / 16"},
        LayoutFault{"mfma", kFragments, "#define load_b load_a",
                    "#define load_b(from, pitch, lane) load_a(from, pitch, (lane) ^ 16)"},
        LayoutFault{"mfma", kFragments, "mfma_f16((a).hi, (b).hi", "mfma_f16((a).hi, (b).lo"},
        LayoutFault{"mfma", kFragments, "mfma_i8_k32((a).hi, (b).hi", "mfma_i8_k32((a).hi, (b).lo"},
        LayoutFault{"mfma", kFragments, "(lane) / 16 * 4 + (i)", "(lane) / 16 + (i) * 4"},
        LayoutFault{"wmma", "common/wmma.clh", "2 * i + odd", "i + 8 * odd"},
        LayoutFault{"wmma", "common/wmma.clh", "float_of_half(half_wave + row * 16, k)",
                    "float_of_half(half_wave + row * 16, k ^ 1)"},
        LayoutFault{"wmma", kFragments, "from + lane % 16 * pitch", "from + lane / 2 * pitch"},
        LayoutFault{"wmma", kFragments, "wmma_i8((a).hi, (b).hi", "wmma_i8((a).hi, (b).lo"},
        LayoutFault{"wmma", kFragments, "2 * (i) + (lane) / 16", "(i) + (lane) / 16 * 8"}));

}  // namespace
}  // namespace qtrap::scheme
