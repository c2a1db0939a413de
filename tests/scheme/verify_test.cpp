#include "scheme/verify/verify.hpp"

#include <algorithm>
#include <tuple>

#include "scheme/catalogue/kernel_table.hpp"
#include "scheme/changed_kernels.hpp"
#include "support/device_fixture.hpp"

namespace qtrap::scheme {
namespace {

void expect_all_pass(const std::vector<VerifyRow>& rows) {
  EXPECT_FALSE(rows.empty());
  for (const VerifyRow& row : rows) {
    if (row.status == VerifyStatus::kUnsupported && !find_variant(row.variant)->needs.front().empty()) {
      EXPECT_FALSE(row.reason.empty()) << row.kernel;  // an instruction that this device lacks
      continue;
    }
    EXPECT_EQ(row.status, VerifyStatus::kPass) << row.kernel << " on " << row.shape << ": " << row.worst_relative_error
                                               << " of " << row.tolerance << ' ' << row.reason;
  }
}

class VerifyTest : public test::DeviceTest {
 protected:
  /// The device with a copy of kernels/ in which `file` has `from` replaced by `to` (once).
  std::vector<VerifyRow> verify_mutant(const std::string& file, const std::string& from, const std::string& to,
                                       const std::string& kernel, const std::string& family = "cpu") {
    const test::ChangedKernels kernels;
    kernels.replace(file, from, to);
    device::Device mutant(info_, kernels.sources());
    return verify_kernels(mutant, {{family}, kernel, true});
  }
};

TEST_F(VerifyTest, EveryReferenceKernelPasses) {
  expect_all_pass(verify_kernels(device(), {{"reference"}, "", false}));
}
TEST_F(VerifyTest, EveryGpuKernelPasses) { expect_all_pass(verify_kernels(device(), {{"gpu"}, "", false})); }

/// Variant by variant: what costs is to compile a kernel for each number of tokens, and one test of all took minutes.
class CpuVariantTest : public VerifyTest, public ::testing::WithParamInterface<std::string> {};

TEST_P(CpuVariantTest, EveryKernelPasses) {
  expect_all_pass(verify_kernels(device(), {{"cpu"}, "", false, GetParam()}));
}

std::vector<std::string> cpu_variants() {
  std::vector<std::string> names;
  for (const Variant& variant : all_variants()) {
    if (variant.family == "cpu") names.emplace_back(variant.name);
  }
  return names;
}
INSTANTIATE_TEST_SUITE_P(Cpu, CpuVariantTest, ::testing::ValuesIn(cpu_variants()),
                         [](const ::testing::TestParamInfo<std::string>& info) { return info.param; });

TEST_F(VerifyTest, CpuKernelsPassWithVectorsOf16Too) {
  info_.float_vector_width = 16;
  device::Device wide(info_, device::KernelSources::embedded());
  expect_all_pass(verify_kernels(wide, {{"cpu"}, "", true}));
}

TEST_F(VerifyTest, CoversEveryKernelOfTheTable) {
  const auto rows = verify_kernels(device(), {{"reference", "cpu", "gpu"}, "random", true});
  const auto wanted = std::count_if(all_kernels().begin(), all_kernels().end(),
                                    [](const KernelEntry& k) { return k.operation.kind == OperationKind::kRandom; });
  EXPECT_EQ(static_cast<std::ptrdiff_t>(rows.size()), wanted);
  EXPECT_TRUE(verify_kernels(device(), {{"reference"}, "no_such_kernel", true}).empty());
}

struct Mutation {
  const char* file;
  const char* from;
  const char* to;
  const char* kernel;
};

class VerifyMutationTest : public VerifyTest, public ::testing::WithParamInterface<Mutation> {};

TEST_P(VerifyMutationTest, FailsTheKernelWithTheWrongScale) {
  const Mutation& m = GetParam();
  const auto rows = verify_mutant(m.file, m.from, m.to, m.kernel);
  std::size_t failed = 0;
  for (const VerifyRow& row : rows) {
    const std::string_view own = find_named(row.kernel)->file;
    if (own != m.file && std::string_view(m.file).ends_with(".cl")) continue;  // a variant with a file of its own
    EXPECT_NE(row.status, VerifyStatus::kPass) << row.kernel;
    EXPECT_FALSE(row.reason.empty());
    if (row.status == VerifyStatus::kFail) ++failed;
  }
  EXPECT_GE(failed, 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Scales, VerifyMutationTest,
    ::testing::Values(
        Mutation{"dequantize/dequantize_cpu.cl", "vload_half(r, scales)", "1.001f * vload_half(r, scales)",
                 "dequantize_i8_f16"},
        Mutation{"common/streaming.clh", "__builtin_nontemporal_store(value,",
                 "__builtin_nontemporal_store(value + (ushort16)(1),", "dequantize_i4_f16"},
        Mutation{"format/q4_k.clh", "i < 4 ? first & 63u", "i < 4 ? first & 31u", "dequantize_q4_k_f16"},
        Mutation{"format/nibbles.clh", "codes + 16 * at));\n#ifdef LOOKS_UP",
                 "codes + 16 * at) ^ (uchar16)(1));\n#ifdef LOOKS_UP", "gemm_nf4_f16"},
        Mutation{"matmul/gemv_frame_cpu.cl", "scale[r][i + 1]", "scale[r][i]", "gemv_q6_k_f16"},
        Mutation{"outliers/outliers_cpu.cl", "(ushort)(from[k - first] & 0x7FFF)", "(ushort)(from[k - first])",
                 "find_outliers_f16"},
        Mutation{"outliers/outliers_cpu.cl", "list[found] = k;", "list[found] = k + 1;", "list_outliers_f16"},
        Mutation{"outliers/outliers_cpu.cl", "(float)row[list[j + i]]", "(float)row[list[j + i]] + 1.0f",
                 "gather_i8_f16"},
        Mutation{"quantize/quantize_cpu.cl", "return mask ? bits & LOAD_LOOSE(loose_ushort16, mask + k) : bits;",
                 "return bits;", "quantize_f16_i8_inliers_cpu"},
        Mutation{"dequantize/dequantize_cpu.cl", "vload_half(r, more)", "vload_half(0, more)",
                 "dequantize_i32_add_f16"},
        Mutation{"common/common.clh", "normal - (120u << 3)", "normal - (121u << 3)", "quantize_f16_e4m3"},
        Mutation{"common/frame_activations.clh", "(256.0f * token_scales[t])", "(255.0f * token_scales[t])",
                 "gemv_fp8_e4m3"},
        Mutation{"matmul/gemm_frame_cpu.cl", "e4m3_as_half16(from) * 256.0f", "e4m3_as_half16(from) * 255.0f",
                 "gemm_fp8_e4m3"},
        Mutation{"common/common.clh", "0x1.111112p-4f", "0x1.111114p-4f * 1.001f", "quantize_weights_f16_i4"},
        Mutation{"cast/cast_cpu.cl", "0x1p-4f", "0x1.001p-4f", "cast_f16_f32_nibbles"},
        Mutation{"cast/cast_cpu.cl", "exponent - 21u) << 23", "exponent - 20u) << 23", "cast_f16_i24_nibbles"},
        Mutation{"matmul/gemv_i4_cpu.cl", "WIDEN(sums_g[1], 256)", "WIDEN(sums_g[1], 255)", "gemv_i4_i24"},
        Mutation{"matmul/gemv_i4_cpu.cl", "WIDEN(sums_g[0], 1)", "0", "gemv_i4_i24_cpu"},
        Mutation{"matmul/gemv_cpu.cl", "sum * scale", "sum * scale * 1.01f", "gemv_i8_f16"},
        Mutation{"common/gemm_blocks.clh", "-scale * load_scales", "-1.01f * scale * load_scales", "gemm_i4_f16"}),
    [](const ::testing::TestParamInfo<Mutation>& info) { return std::string(info.param.kernel); });

TEST_F(VerifyTest, FailsAttentionThatLeavesOutTheRestOfAHead) {
  for (const auto& [family, file, from, to] :
       {std::tuple{"gpu", "attention/attend_gpu.cl", "uint d = WHOLE; d < HEAD_DIM", "uint d = WHOLE; d < WHOLE"},
        std::tuple{"cpu", "attention/attend_cpu.cl", "if (WHOLE < HEAD_DIM)", "if (false)"}}) {
    const auto rows = verify_mutant(file, from, to, "attend_f16", family);
    ASSERT_EQ(rows.size(), 1U) << family;
    EXPECT_EQ(rows[0].status, VerifyStatus::kFail) << family;
  }
}

TEST_F(VerifyTest, FailsAttentionOfTheCpuFamilyWithALineSpoiled) {
  for (const auto& [from, to] : {
           std::pair{"done / STREAMS + i / STREAMS", "i / STREAMS"},
           std::pair{"i % STREAMS * stream", "i % STREAMS * (POSITIONS / STREAMS)"},
           std::pair{"done + min(i, count - 1)", "min(i, count - 1)"},
           std::pair{"for (uint p = count; p < POSITIONS; ++p) scores[r][p] = -MAXFLOAT;", ""},
           std::pair{"fma(ends[0], shrink[r], SUM_FLOATV(sums))", "ends[0] + SUM_FLOATV(sums)"},
           std::pair{"+ c * VECTOR_WIDTH) * shrink[r];", "+ c * VECTOR_WIDTH);"},
           std::pair{"if (left > 0) mix_vectors", "if (false) mix_vectors"},
           std::pair{"*= M_LN2_F;", "*= 1.0f;"},
       }) {
    const auto rows = verify_mutant("attention/attend_cpu.cl", from, to, "attend_f16");
    ASSERT_EQ(rows.size(), 1U) << from;
    EXPECT_EQ(rows[0].status, VerifyStatus::kFail) << from;
  }
}

TEST_F(VerifyTest, FailsCachesOfInt8WithAScaleSpoiled) {
  for (const auto& [file, from, to, kernel, family] : {
           std::tuple{"attend_cpu.cl", "SCALED(weights, value_scales, p)", "weights", "attend_i8", "cpu"},
           std::tuple{"attend_cpu.cl", "SCALE_AT(keys, offset[i] / HEAD_DIM + g)",
                      "SCALE_AT(keys, offset[i] / HEAD_DIM)", "attend_i8", "cpu"},
           std::tuple{"attend_gpu.cl", "value_scales[item] = SCALE_AT(values, head)",
                      "value_scales[item] = SCALE_AT(keys, head)", "attend_i8", "gpu"},
           std::tuple{"attend_reference.cl", "weight * SCALE_AT(values, head)", "weight * SCALE_AT(values, own)",
                      "attend_i8", "reference"},
           std::tuple{"rotate.clh", "round_product(pair.y, inverse)", "(int)(pair.y * inverse)", "rotate_store_i8",
                      "reference"},
           std::tuple{"rotate_store_i8_gpu.cl", "top = fmax(top, tops[i])", "top = fmax(top, tops[0])",
                      "rotate_store_i8", "gpu"},
           std::tuple{"rotate_store_i8_reference.cl", "fmax(top, fmax(pair.x, pair.y))", "fmax(top, pair.x)",
                      "rotate_store_i8", "reference"},
           std::tuple{"rotate_store_i8_reference.cl", "[to] = activation_scale", "[to] = 1.001f * activation_scale",
                      "rotate_store_i8", "reference"},
       }) {
    const auto rows = verify_mutant(std::string("attention/") + file, from, to, kernel, family);
    ASSERT_EQ(rows.size(), 1U) << from;
    EXPECT_EQ(rows[0].status, VerifyStatus::kFail) << from;
  }
}

/// First columns and lengths of rows, which joined projections have.
TEST_F(VerifyTest, FailsColumnsThatAreTakenFromElsewhere) {
  for (const auto& [file, from, to, kernel, family] : {
           std::tuple{"activation/activation_cpu.cl", "up + up_first", "up", "swiglu", "cpu"},
           std::tuple{"activation/activation_cpu.cl", "gate_first + t * row", "gate_first + t * width", "swiglu",
                      "cpu"},
           std::tuple{"activation/activation_reference.cl", "gate_first + t", "t", "swiglu", "reference"},
           std::tuple{"norm/norm_cpu.cl", "t / heads * row", "t * width", "rms_norm", "cpu"},
           std::tuple{"norm/norm_gpu.cl", "(t / heads) * row", "t * width", "rms_norm", "gpu"},
           std::tuple{"norm/norm_reference.cl", "first + t", "t", "rms_norm", "reference"},
           std::tuple{"attention/expand_heads_reference.cl", "t * v_row", "t", "expand_heads", "reference"},
           std::tuple{"attention/expand_heads_gpu.cl", "v + v_first", "v", "expand_heads", "gpu"},
           std::tuple{"attention/rotate_store_reference.cl", "of_q ? q_row : kv_row", "kv_row", "rotate_store_f16",
                      "reference"},
           std::tuple{"attention/rotate_store_i8_reference.cl", "v + v_first", "v", "rotate_store_i8", "reference"},
           std::tuple{"attention/rotate_store_i8_gpu.cl", "k + k_first", "k", "rotate_store_i8", "gpu"},
       }) {
    const auto rows = verify_mutant(file, from, to, kernel, family);
    const auto fails = [](const VerifyRow& row) { return row.status == VerifyStatus::kFail; };
    EXPECT_TRUE(std::any_of(rows.begin(), rows.end(), fails)) << file << ' ' << from;
  }
}

TEST_F(VerifyTest, FailsAKernelThatWritesBehindItsOutput) {
  const auto rows =
      verify_mutant("residual/residual_cpu.cl", "for (; i < end; ++i)",
                    "if (end == count) vstore_half(1.0f, end, x);\n  for (; i < end; ++i)", "residual_add_f16");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].status, VerifyStatus::kFail);
  EXPECT_EQ(rows[0].reason, "the kernel wrote behind an output buffer");
}

TEST_F(VerifyTest, FailsAKernelThatDoesNotBuild) {
  const auto rows = verify_mutant("residual/residual_cpu.cl", "CPU_KERNEL", "CPU_KERNEL nonsense", "residual_add_f16");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].status, VerifyStatus::kFail);
  EXPECT_NE(rows[0].reason.find("kernel build failed"), std::string::npos);
}

}  // namespace
}  // namespace qtrap::scheme
