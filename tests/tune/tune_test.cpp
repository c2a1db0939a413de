// The search of tunables on whatever CPU device OpenCL offers, with clocks and kernels that decide its outcome.
#include "tune/tune.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "scheme/changed_kernels.hpp"
#include "support/device_fixture.hpp"
#include "support/stepping_clock.hpp"

namespace qtrap::tune {
namespace {

TuneOptions small_search() {
  TuneOptions options;
  options.tokens = {1};
  options.shape = {512, 2048};  // few matrices exceed the cache
  options.max_seconds = 1e9;
  return options;
}

class OnCpuTune : public test::CpuTest {
 protected:
  std::vector<TunedKernel> tune(device::KernelSources sources, const TuneOptions& options, const Clock& clock) {
    device::Device device(info_, std::move(sources));
    std::vector<TunedKernel> all;
    const TuneSink sink{[](const std::string&, std::uint64_t) {},
                        [&](const TunedKernel& tuned) { all.push_back(tuned); }};
    EXPECT_TRUE(tune_kernels(device, clock, options, sink, [] { return false; }));
    for (const TunedKernel& tuned : all) EXPECT_EQ(tuned.reason, "") << tuned.kernel;
    return all;
  }
};

TEST_F(OnCpuTune, KeepsTheDefaultsWhereNothingIsFaster) {
  const test::SteppingClock clock(Seconds(1));  // all windows take the same time
  const auto all = tune(device::KernelSources::embedded(), small_search(), clock);
  ASSERT_EQ(all.size(), 5U);  // the gemv kernels of five formats
  for (const TunedKernel& tuned : all) {
    EXPECT_TRUE(tuned.choices.empty()) << tuned.kernel;
    EXPECT_EQ(tuned.speed.value, 1);
    EXPECT_GE(tuned.candidates, 3) << tuned.kernel;  // rows
    EXPECT_EQ(tuned.refused, 0) << tuned.kernel;
    EXPECT_TRUE(tuned.complete);
  }
}

TEST_F(OnCpuTune, StopsAtItsTimeLimitAndSaysSo) {
  const test::SteppingClock clock(Seconds(1));  // all windows take the same time
  TuneOptions options = small_search();
  options.max_seconds = 0.5;
  for (const TunedKernel& tuned : tune(device::KernelSources::embedded(), options, clock)) {
    EXPECT_FALSE(tuned.complete);
    EXPECT_EQ(tuned.candidates, 0);
  }
}

TEST_F(OnCpuTune, NeverTakesACandidateThatIsWrong) {
  // Blocks of any other size than the default's do nothing at all: as fast as can be, and wrong.
  const test::ChangedKernels kernels;
  const scheme::Tuning defaults = scheme::make_tuning(info_, small_search().group_size);
  std::size_t places = 0;
  for (const auto& [file, rows] : {std::pair("matmul/gemv_cpu.cl", defaults.gemv_rows(1)),
                                   std::pair("matmul/gemv_i4_cpu.cl", defaults.gemv_i4_rows(1)),
                                   std::pair("matmul/gemv_i4_avx512_cpu.cl", defaults.row_by_row_rows())}) {
    const std::string first = "  const uint first = (uint)get_global_id(0) * ROWS;\n";
    const std::string guard = fmt::format("  if (ROWS != {}) return;\n", rows);
    kernels.rewrite(file, [&](std::string& text) {
      for (auto at = text.find(first); at != std::string::npos; at = text.find(first, at + first.size() + 1)) {
        text.insert(at + first.size(), guard);
        ++places;
      }
    });
  }
  ASSERT_EQ(places, 8U);  // every gemv kernel
  const MonotonicClock clock;
  for (const TunedKernel& tuned : tune(kernels.sources(), small_search(), clock)) {
    EXPECT_GE(tuned.refused, 3) << tuned.kernel;
    for (const auto& choice : tuned.choices) EXPECT_NE(choice.tunable, "rows") << tuned.kernel;
  }
}

}  // namespace
}  // namespace qtrap::tune
