// Kernels made wrong in one row: each is found, and by its name.
#include "measure/result_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "chain/chain.hpp"
#include "scheme/changed_kernels.hpp"

namespace qtrap::measure {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

profile::ModelProfile tiny() {
  profile::ModelProfile model;
  model.name = "tiny";
  model.hidden = 200;
  model.ffn = 330;
  model.layers = 1;
  model.heads = 4;
  model.kv_heads = 2;
  model.head_dim = 50;
  model.vocab = 1000;
  return model;
}

class OnCpuResults : public ::testing::Test {
 protected:
  /// What the check of `name` finds with these kernels; all rows, whatever this machine does beside.
  SchemeCheck check(const device::KernelSources& sources, const std::string& name, std::uint64_t tokens) {
    const auto devices = device::list_devices();
    device::Device device(device::select_device(devices.value(), "cpu").value(), sources);
    device.probe_capabilities();
    const scheme::PassMaker maker(device, {"", 128});
    const auto info = scheme::find_scheme(name).value();
    const auto model = chain::ResidentModel::make(maker, tiny(), {{info}, {tokens}, 128, 0.5, 1}, 1, 1).value();
    const auto activations = chain::Activations::make(maker, tiny(), tokens, 1).value();
    const auto chain = chain::Chain::make(maker, model, activations, info).value();
    const Timing timing{&device, &clock_};
    ResultCheck results(maker, model, timing, tokens, 5);
    return results.check(info, chain.kernels_used(), Seconds(1e6)).value();
  }

  void SetUp() override {
    const auto devices = device::list_devices();
    if (!devices || !device::select_device(devices.value(), "cpu")) GTEST_SKIP() << "no CPU device";
  }

  MonotonicClock clock_;
};

TEST_F(OnCpuResults, OfEverySchemeAreRightInEveryRow) {
  for (const std::uint64_t tokens : {1U, 3U, 17U}) {
    for (const auto& scheme : scheme::all_schemes()) {
      const SchemeCheck found = check(device::KernelSources::embedded(), std::string(scheme.name), tokens);
      EXPECT_EQ(found.sum.problem.value_or(""), "") << scheme.name;
      EXPECT_EQ(found.sum.rows_checked, found.sum.rows) << scheme.name << ", " << tokens;
      // rms_norm, swiglu, residual and expand_heads, the rows of 200, 100 and 330 at least.
      EXPECT_GE(found.sum.rows, 4 * static_cast<std::int64_t>(tokens) + 630) << scheme.name;
      EXPECT_GE(found.kernels.size(), 5U);
      EXPECT_LT(found.sum.worst, 1);
    }
  }
}

struct Wrong {
  const char* scheme;
  const char* kernel;
  const char* file;
  const char* from;
  const char* to;
};
// The 38th row, by a factor of 1.01 or one step of an integer.
const Wrong kWrong[] = {
    {"f16", "gemv_f16_f16_cpu", "matmul/gemv_cpu.cl", "results, uint first, uint rows, __global half* y) {",
     "results_in, uint first, uint rows, __global half* y) {\n  float results[PADDED_RESULTS];\n"
     "  for (uint a = 0; a < PADDED_RESULTS; ++a)\n"
     "    results[a] = results_in[a] * (first + a / TOKENS == 37 ? 1.01f : 1.0f);"},
    {"w8a16-fused", "gemv_i8_f16_cpu", "matmul/gemv_cpu.cl", "results, uint first, uint rows, __global half* y) {",
     "results_in, uint first, uint rows, __global half* y) {\n  float results[PADDED_RESULTS];\n"
     "  for (uint a = 0; a < PADDED_RESULTS; ++a)\n"
     "    results[a] = results_in[a] * (first + a / TOKENS == 37 ? 1.01f : 1.0f);"},
    {"w8a16-split", "dequantize_i8_f16_cpu", "dequantize/dequantize_cpu.cl",
     "const float scale = vload_half(r, scales);",
     "const float scale = vload_half(r, scales) * (r == 37 ? 1.01f : 1.0f);"},
};

class OnCpuWrongResults : public OnCpuResults, public ::testing::WithParamInterface<Wrong> {};
INSTANTIATE_TEST_SUITE_P(Kernels, OnCpuWrongResults, ::testing::ValuesIn(kWrong),
                         [](const auto& info) { return std::string(info.param.kernel); });

TEST_P(OnCpuWrongResults, InOneRowByAFactorOf1Point01NameTheKernelAndTheRow) {
  const test::ChangedKernels kernels;
  kernels.replace(GetParam().file, GetParam().from, GetParam().to);
  const SchemeCheck found = check(kernels.sources(), GetParam().scheme, 1);
  ASSERT_TRUE(found.sum.problem.has_value());
  EXPECT_THAT(*found.sum.problem, AllOf(HasSubstr(GetParam().kernel), HasSubstr("is wrong in row 37 of ")));
  EXPECT_GT(found.sum.worst, 1);
}

TEST_F(OnCpuResults, OfAKernelThatBelongsToNoProjectionAreComparedToo) {
  const test::ChangedKernels kernels;
  kernels.replace("attention/expand_heads_reference.cl", "(heads / repeat)", "(heads / (repeat + 1))");
  const SchemeCheck found = check(kernels.sources(), "f16", 3);
  ASSERT_TRUE(found.sum.problem.has_value());
  EXPECT_THAT(*found.sum.problem, HasSubstr("expand_heads_f16_reference is wrong on "));
}

TEST(OutputError, GrowsWithTheRootOfTheLayersAndCompoundsOverSteps) {
  const auto w8 = scheme::find_scheme("w8a16-fused").value();
  // 0.010 x sqrt(28) x 1.5^3 x (1 + 8 / 32)
  EXPECT_NEAR(output_error_bound(w8, 28, 4, 1024), 0.223, 0.001);
  // What right kernels gave in two hops of four steps (qwen3-0.6b), which a root of the steps refused.
  EXPECT_FALSE(judge_output(w8, {0.092, 0.27}, 28, 4, 1024));
  EXPECT_FALSE(judge_output(scheme::find_scheme("w8a8").value(), {0.145, 0.384}, 28, 4, 1024));
  EXPECT_EQ(output_error_bound(scheme::find_scheme("f16").value(), 28, 4, 1024), 0);
}

TEST(OutputError, OfAllMeasuredPointsIsWithinItsBound) {
  // The largest of bench/results over root(layers x steps): 0.0051, 0.0094, 0.0645.
  for (const auto& [name, error] : {std::pair("w8a16-split", 0.0051), {"w8a8", 0.0094}, {"w4a8", 0.0645}}) {
    const auto scheme = scheme::find_scheme(name).value();
    EXPECT_FALSE(judge_output(scheme, {error * std::sqrt(28.0)}, 28, 1, 1024)) << name;
    // A product that is 0: the output is 1.008 from the anchor's, as injected in two layers.
    EXPECT_TRUE(judge_output(scheme, {1.008}, 2, 1, 1024)) << name;
  }
}

TEST(OutputError, ThatIsNotANumberNamesTheHop) {
  const auto f16 = scheme::find_scheme("f16").value();
  EXPECT_THAT(judge_output(f16, {0, std::nan("")}, 28, 4, 1024).value(),
              HasSubstr("after hop 2 is not a finite number"));
  EXPECT_FALSE(judge_output(f16, {0, 0}, 28, 4, 1024));
}

}  // namespace
}  // namespace qtrap::measure
