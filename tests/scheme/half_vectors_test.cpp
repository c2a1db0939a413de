// Vectors of f16 at odd places: rows of odd widths begin at any multiple of two bytes, where PoCL 3.1's vload_half8,
// vload_half16 and their stores may fault (kernels/common/common.clh: load_halves8).
#include <regex>

#include "scheme/catalogue/kernel_table.hpp"
#include "scheme/changed_kernels.hpp"
#include "scheme/verify/verify_cases.hpp"
#include "support/device_fixture.hpp"

namespace qtrap::scheme {
namespace {

/// Library functions that take multiples of 16 bytes alone: NaN from another place, and no store there.
constexpr const char* kStrictHalves = R"(
#define STRICT_HALVES(Space, N)                                                                                \
  static inline __attribute__((overloadable)) float##N strict_load##N(size_t i, const Space half* from) {      \
    return (ulong)from % 16 ? (float##N)(NAN) : vload_half##N(i, from);                                         \
  }                                                                                                            \
  static inline __attribute__((overloadable)) void strict_store##N(float##N value, size_t i, Space half* to) { \
    if ((ulong)to % 16 == 0) vstore_half##N##_rte(value, i, to);                                                \
  }
STRICT_HALVES(__global, 8)
STRICT_HALVES(__global, 16)
STRICT_HALVES(__private, 8)
STRICT_HALVES(__private, 16)
#undef vload_half8
#define vload_half8 strict_load8
#undef vload_half16
#define vload_half16 strict_load16
#define _cl_vload_half8 strict_load8 /* what JOIN(vload_half, 8) is on PoCL */
#define _cl_vload_half16 strict_load16
#undef vstore_half8_rte
#define vstore_half8_rte strict_store8
#undef vstore_half16_rte
#define vstore_half16_rte strict_store16
)";

struct OddRows {
  const char* kernel;
  std::vector<Extent> extents;
};

std::vector<Extent> widths(std::uint64_t rows, std::uint64_t tokens) {
  std::vector<Extent> out;
  for (const std::uint64_t columns : {33, 341, 1023})
    out.push_back({.rows = rows, .columns = columns, .tokens = tokens});
  return out;
}

/// Kernels of the CPU family whose rows of f16 begin anywhere: activations, weights, results of an odd number of rows,
/// scales of groups. The others go through their elements in whole vectors from a buffer's beginning on (cast,
/// residual_add, random_f16), or read and write bits (the rest of quantize, dequantize, outliers).
const OddRows kOddRows[] = {
    {"rms_norm_f16_cpu", widths(1, 3)},
    {"rms_norm_f16_cpu", {{.rows = 2, .columns = 48, .tokens = 2, .beside = 3}}},
    {"swiglu_f16_cpu", {{.count = 33, .tokens = 3}, {.count = 48, .tokens = 3, .beside = 3}}},
    {"cast_f16_f32_panels_cpu", widths(1, 17)},
    {"cast_f16_f32_nibbles_cpu", widths(1, 3)},
    {"quantize_f16_i8_nibbles_cpu", widths(1, 3)},
    {"quantize_f16_e4m3_cpu", widths(1, 3)},
    {"quantize_f16_e4m3_panels_cpu", widths(1, 17)},
    {"quantize_weights_f16_i8_cpu", widths(3, 1)},
    {"quantize_weights_f16_i4_cpu", widths(3, 1)},
    {"dequantize_i32_f16_cpu", widths(11, 3)},
    {"dequantize_i32_add_f16_cpu", widths(11, 3)},
    {"gemv_f16_f16_cpu", widths(11, 3)},
    {"gemv_i8_f16_cpu", widths(11, 3)},
    {"gemv_i4_f16_cpu", widths(11, 3)},
    {"gemv_fp8_f16_cpu", widths(11, 3)},
    {"gemv_q8_0_f16_cpu", widths(11, 1)},
    {"gemv_q4_0_f16_cpu", widths(11, 1)},
    {"gemv_q4_1_f16_cpu", widths(11, 1)},
    {"gemm_f16_f16_cpu", widths(35, 17)},
    {"gemm_i8_f16_cpu", widths(35, 17)},
    {"combine_heads_f16_cpu", {{.count = 2, .rows = 4, .columns = 20, .tokens = 3, .splits = 2}}},
    {"attend_f16_cpu",
     {{.count = 2, .rows = 4, .columns = 20, .tokens = 3, .splits = 2},
      {.count = 3, .rows = 3, .columns = 98, .tokens = 2, .splits = 1}}},
    {"attend_i8_cpu", {{.count = 2, .rows = 4, .columns = 20, .tokens = 3, .splits = 2}}},
};

class HalfVectors : public test::CpuTest, public ::testing::WithParamInterface<std::uint32_t> {};

TEST_P(HalfVectors, AreTakenFromOddPlacesByNoFunctionOfTheLibrary) {
  const test::ChangedKernels kernels;
  kernels.rewrite("common/common.clh", [](std::string& text) { text.insert(0, kStrictHalves); });
  info_.float_vector_width = GetParam();
  device::Device strict(info_, kernels.sources());
  strict.probe_capabilities();
  for (const OddRows& row : kOddRows) {
    const KernelEntry* kernel = find_named(row.kernel);
    ASSERT_NE(kernel, nullptr) << row.kernel;
    const VerifyCase& check = verify_case(kernel->operation);
    for (const Extent& extent : row.extents) {
      SCOPED_TRACE(std::string(row.kernel) + " on " + check.describe(extent, 32));
      VerifyBench bench(strict, {"cpu", 32, "cpu"});
      const auto found = check.check(bench, *kernel, extent);
      ASSERT_TRUE(found) << found.error().message();
      EXPECT_EQ(found.value().problem, "");
      EXPECT_LE(found.value().error, found.value().tolerance);
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Of, HalfVectors, ::testing::Values(8U, 16U),
                         [](const ::testing::TestParamInfo<std::uint32_t>& info) {
                           return std::to_string(info.param) + "Elements";
                         });

TEST(HalfVectorsOfTheLibrary, AreThoseOfPrivateVectorsInTheCpuFamily) {
  const std::regex use("(vload|vstore)_half((8|16)(_rte)?\\(|, *VECTOR_WIDTH)[^\n]*");
  const std::regex of_a_vector("\\((const )?half\\*\\)&");
  const auto folder = std::filesystem::path(QTRAP_SOURCE_DIR) / "kernels";
  std::size_t uses = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (!entry.is_regular_file() || name.find("_gpu") != std::string::npos || name == "README.md") continue;
    std::ifstream in(entry.path());
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    for (std::sregex_iterator at(text.begin(), text.end(), use), end; at != end; ++at, ++uses)
      EXPECT_TRUE(std::regex_search(at->str(), of_a_vector)) << name << ": " << at->str();
  }
  EXPECT_GE(uses, 5U);
}

}  // namespace
}  // namespace qtrap::scheme
