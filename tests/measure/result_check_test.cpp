// Kernels made wrong in one row: each is found, and by its name.
#include "measure/result_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "chain/chain.hpp"
#include "chain/context.hpp"
#include "chain/layout.hpp"
#include "scheme/changed_kernels.hpp"
#include "support/device_fixture.hpp"
#include "support/tiny_model.hpp"
#include "weights/decoder.hpp"
#include "weights/facts.hpp"

namespace qtrap::measure {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

profile::ModelProfile tiny() { return test::tiny_model({.hidden = 200, .ffn = 330, .layers = 1, .head_dim = 50}); }

class OnCpuResults : public test::CpuTest {
 protected:
  /// What the check of `name` finds with these kernels; all rows, whatever this machine does beside. `family`: of the
  /// products that are checked; empty: the device's, as of the chain.
  SchemeCheck check(const device::KernelSources& sources, const std::string& name, std::uint64_t tokens,
                    const std::string& family = "") {
    device::Device device(info_, sources);
    if (capabilities_.empty()) {
      device.probe_capabilities();
      capabilities_ = device.info().capabilities;
    }
    device.set_capabilities(capabilities_);
    const scheme::PassMaker maker(device, {"", 128});
    const auto info = scheme::find_scheme(name).value();
    const auto model = chain::ResidentModel::make(maker, tiny(), {{info}, {tokens}, 128, 0.5, 1}, 1, 1).value();
    const auto activations = chain::Activations::make(maker, tiny(), tokens, 1).value();
    const auto chain = chain::Chain::make(maker, model, activations, info).value();
    const Timing timing{&device, &clock_};
    const scheme::PassMaker checked(device, {family, 128});
    ResultCheck results(checked, model, timing, {tokens, tokens}, 5);
    return results.check(info, chain.kernels_used(), Seconds(1e6));
  }

  MonotonicClock clock_;
  std::vector<device::Capability> capabilities_;  ///< probed once: it takes longer than a check
};

TEST_F(OnCpuResults, OfEverySchemeAreRightInEveryRow) {
  for (const std::uint64_t tokens : {1U, 3U, 17U}) {
    for (const auto& scheme : scheme::all_schemes()) {
      // A frame's kernels are the same for every number of tokens up to 8 and beyond; its formats are many.
      const bool framed = !format::info(scheme.weights).header_option.empty();
      if (framed && tokens == 1) continue;
      const SchemeCheck found = check(device::KernelSources::embedded(), std::string(scheme.name), tokens);
      EXPECT_EQ(found.sum.problem.value_or(""), "") << scheme.name;
      EXPECT_EQ(found.unchecked_reason.value_or(""), "") << scheme.name;
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
    {"f16", "gemv_f16_f16_cpu", "common/gemv_blocks.clh", "results, uint first, uint rows, __global half* y) {",
     "results_in, uint first, uint rows, __global half* y) {\n  float results[PADDED_RESULTS];\n"
     "  for (uint a = 0; a < PADDED_RESULTS; ++a)\n"
     "    results[a] = results_in[a] * (first + a / TOKENS == 37 ? 1.01f : 1.0f);"},
    {"w8a16-fused", "gemv_i8_f16_cpu", "common/gemv_blocks.clh", "results, uint first, uint rows, __global half* y) {",
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

/// Layers of Q4_K and a head of Q8_0, as they lie; a prompt's head multiplies fewer tokens than its layers.
TEST_F(OnCpuResults, OfADecoderCoverEveryKernel) {
  device::Device device(info_, device::KernelSources::embedded());
  device.probe_capabilities();
  const scheme::PassMaker maker(device, {"", 32});
  const auto source = weights::open_decoder(QTRAP_SOURCE_DIR "/tests/data/weights/llama.gguf").value();
  const profile::ModelProfile shape = weights::make_profile(source.facts, "test");
  const auto info = scheme::find_scheme("q4_k-fused").value();
  chain::Demand demand{{info}, {1}, 32, 0.8, 1};
  demand.workload = model::Workload::kDecoder;
  demand.native_head = chain::find_native_head(source);
  const auto model = chain::ResidentModel::make(maker, shape, demand, 1, 1, &source).value();
  const auto context = std::make_shared<chain::Context>(
      chain::Context::make(device, shape, 1, 1, 16, source.facts.rotary_pairs, source.rope_divisors).value());
  const Timing timing{&device, &clock_};
  for (const auto workload : {model::Workload::kDecoder, model::Workload::kPrefill}) {
    const std::uint64_t run = workload == model::Workload::kPrefill ? 16 : 1;
    const auto activations =
        chain::Activations::make(maker, model::make_step(shape, workload), context, run, 1).value();
    const auto chain = chain::Chain::make(maker, model, activations, info).value();
    ResultCheck results(maker, model, timing, {run, 1}, 5);
    const SchemeCheck found = results.check(info, chain.kernels_used(), Seconds(1e6));
    EXPECT_EQ(found.sum.problem.value_or(""), "");
    EXPECT_EQ(found.unchecked_reason.value_or(""), "");
    EXPECT_EQ(found.kernels, chain.kernels_used()) << "tokens: " << run;
  }
}

TEST_F(OnCpuResults, OfAKernelThatBelongsToNoProjectionAreComparedToo) {
  const test::ChangedKernels kernels;
  kernels.replace("attention/expand_heads_reference.cl", "(h / repeat)", "(h / (repeat + 1))");
  const SchemeCheck found = check(kernels.sources(), "f16", 3);
  ASSERT_TRUE(found.sum.problem.has_value());
  EXPECT_THAT(*found.sum.problem, HasSubstr("expand_heads_f16_reference is wrong on "));
}

TEST_F(OnCpuResults, OfWhatCannotBeComparedAreNotWrongButHaveTheReason) {
  const test::ChangedKernels no_reference;
  no_reference.replace("matmul/matmul_reference.cl", "__kernel ", "#error \"no such product\"\n__kernel ");
  const SchemeCheck found = check(no_reference.sources(), "w8a16-fused", 3);
  EXPECT_THAT(found.unchecked_reason.value_or(""), HasSubstr("no such product"));
  EXPECT_EQ(found.sum.problem.value_or(""), "");
  EXPECT_EQ(found.sum.rows, 10) << "of rms_norm, expand_heads and swiglu 3, of residual_add 1: compared all the same";
}

TEST_F(OnCpuResults, WithoutInputsAreNotWrongButHaveTheReason) {
  const test::ChangedKernels no_inputs;  // those of the chain come from the file of CPUs
  no_inputs.replace("random/random_reference.cl", "__kernel ", "#error \"no such numbers\"\n__kernel ");
  const SchemeCheck found = check(no_inputs.sources(), "w8a16-fused", 3, "gpu");
  EXPECT_THAT(found.unchecked_reason.value_or(""), HasSubstr("no such numbers"));
  EXPECT_EQ(found.sum.problem.value_or(""), "");
}

TEST(OutputError, GrowsWithTheFourthRootOfTheLayersAndCompoundsOverSteps) {
  const auto w8 = scheme::find_scheme("w8a16-fused").value();
  // 0.015 x 28^(1/4) x 1.5^3 x (1 + 8 / 32)
  EXPECT_NEAR(output_error_bound(w8, 28, 4, 1024), 0.1456, 0.0001);
  // What right kernels gave in two hops of four steps (qwen3-0.6b), which a root of the steps refused.
  EXPECT_FALSE(judge_output(w8, {0.023, {0.092, 0.27}}, 28, 4, 1024));
  EXPECT_FALSE(judge_output(scheme::find_scheme("w8a8").value(), {0.047, {0.145, 0.384}}, 28, 4, 1024));
  EXPECT_EQ(output_error_bound(scheme::find_scheme("f16").value(), 28, 4, 1024), 0);
}

TEST(OutputError, OfTheFirstStepDoesNotHideUnderTheBoundOfAHop) {
  const auto w8 = scheme::find_scheme("w8a16-fused").value();
  // Twice what rounding gives in a step, beside outputs of eight steps as they were measured.
  EXPECT_FALSE(judge_output(w8, {0.023, {0.27}}, 28, 8, 8192));
  EXPECT_THAT(judge_output(w8, {0.046, {0.27}}, 28, 8, 8192).value(), HasSubstr("after the first step is 0.046 "));
  EXPECT_FALSE(judge_output(w8, {0.46, {0.9}}, 28, 8, 8192, model::Workload::kDecoder, true)) << "trained weights";
  EXPECT_THAT(judge_output(w8, {NAN, {0.27}}, 28, 8, 8192, model::Workload::kDecoder, true).value(),
              HasSubstr("is not a finite number"));
  EXPECT_THAT(judge_output(w8, {0.023, {1.1}}, 28, 8, 8192).value(), HasSubstr("after hop 1 is 1.1 "));
}

/// Errors of right kernels in one step, PoCL and bench/results: 8-bit weights, 8-bit weights and activations, 4-bit
/// weights.
struct Measured {
  std::int64_t layers;
  std::int64_t elements;
  double w8a16, w8a8, w4a8;
};
const Measured kMeasured[] = {
    {1, 1024, 0.00901, 0.01639, 0.1262},    // qwen3-0.6b, batch 1
    {1, 65536, 0.00865, 0.01559, 0.1200},   // batch 64: a root of the layers refused its 4-bit weights
    {2, 1024, 0.01189, 0.02244, 0.1632},    // batch 1
    {2, 65536, 0.01121, 0.02040, 0.1541},   // batch 64
    {4, 65536, 0.01417, 0.02592, 0.1939},   // batch 64
    {8, 8192, 0.01749, 0.03195, 0.2318},    // batch 8
    {14, 65536, 0.02013, 0.03712, 0.2714},  // batch 64
    {28, 2048, 0.02699, 0.04738, 0.3412},   // qwen3-1.7b, batch 1
    {28, 16384, 0.02499, 0.04772, 0.3222},  // batch 8
    {36, 2560, 0.02697, 0.05652, 0.3542},   // qwen3-4b, batch 1
};

TEST(OutputError, OfAllMeasuredPointsIsWithinItsBound) {
  for (const Measured& one : kMeasured) {
    for (const auto& [name, error] : {std::pair("w8a16-split", one.w8a16), {"w8a8", one.w8a8}, {"w4a8", one.w4a8}}) {
      const auto scheme = scheme::find_scheme(name).value();
      const auto refused = judge_output(scheme, {error, {error}}, one.layers, 1, one.elements);
      EXPECT_FALSE(refused) << name << ", " << one.layers << " layers: " << refused.value_or("");
      EXPECT_TRUE(judge_output(scheme, {2.5 * error, {2.5 * error}}, one.layers, 1, one.elements)) << name;
    }
  }
}

TEST(OutputError, ThatIsNotANumberNamesTheHop) {
  const auto f16 = scheme::find_scheme("f16").value();
  EXPECT_THAT(judge_output(f16, {0, {0, std::nan("")}}, 28, 4, 1024).value(),
              HasSubstr("after hop 2 is not a finite number"));
  EXPECT_FALSE(judge_output(f16, {0, {0, 0}}, 28, 4, 1024));
}

}  // namespace
}  // namespace qtrap::measure
