// The ceilings on whatever CPU device OpenCL offers; how fast it is decides nothing here.
#include "measure/ceilings/ceilings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "scheme/changed_kernels.hpp"
#include "support/device_fixture.hpp"
#include "support/stepping_clock.hpp"

namespace qtrap::measure {
namespace {

using ::testing::HasSubstr;

/// A step of the clock: one launch fills a window.
const Seconds kAWindow(0.5);

class OnCpuCeilings : public test::CpuTest {
 protected:
  void SetUp() override {
    CpuTest::SetUp();
    if (IsSkipped()) return;
    info_.memory_bytes = std::uint64_t{64} << 20;  // sets of an eighth of it
  }

  result::Ceilings measure(const device::KernelSources& sources) {
    device::Device device(info_, sources);
    return measure_ceilings(device, test::SteppingClock(kAWindow), false);
  }
};

TEST_F(OnCpuCeilings, ACeilingThatDoesNotBuildCostsItselfAlone) {
  const test::ChangedKernels changed;
  changed.replace("probe/ceilings.cl", "__kernel void fma_rate(", "#error \"no such unit\"\n__kernel void fma_rate(");
  const auto ceilings = measure(changed.sources());
  EXPECT_FALSE(ceilings.fp32_macs_per_s.has_value());
  ASSERT_TRUE(ceilings.reasons->contains("fp32_macs_per_s"));
  EXPECT_THAT(ceilings.reasons->at("fp32_macs_per_s"), HasSubstr("no such unit"));
  for (const auto member : {&result::Ceilings::read_bytes_per_s, &result::Ceilings::copy_bytes_per_s,
                            &result::Ceilings::int8_macs_per_s, &result::Ceilings::empty_launch_s}) {
    EXPECT_TRUE((ceilings.*member).has_value());
  }
  EXPECT_EQ(ceilings.set_bytes, std::int64_t{8} << 20);
}

TEST_F(OnCpuCeilings, EveryAbsentCeilingHasItsReasonAndEveryRateItsInstructions) {
  info_.cache_bytes = std::uint64_t{4} << 20;
  const auto ceilings = measure(device::KernelSources::embedded());
  for (const CeilingRow& row : ceiling_rows()) {
    const bool measured = (ceilings.*row.value).has_value();
    EXPECT_NE(measured, ceilings.reasons->contains(std::string(row.name))) << row.name;
    if (measured) EXPECT_LE(*(ceilings.*row.low), *(ceilings.*row.high)) << row.name;
    if (row.unit == "MAC/s") EXPECT_EQ(measured, ceilings.instructions->contains(std::string(row.name))) << row.name;
  }
  EXPECT_THAT(ceilings.reasons->at("matrix_f16_macs_per_s"), HasSubstr("no matrix unit"));
  EXPECT_THAT(ceilings.reasons->at("set_bytes"), HasSubstr("no set of 16 times the cache"));
}

TEST_F(OnCpuCeilings, ADeviceThatRefusesEveryLaunchHasReasonsInPlaceOfCeilings) {
  // Every kernel demands a work-group that no launch has.
  const test::ChangedKernels changed;
  changed.rewrite("probe/ceilings.cl", [](std::string& text) {
    const std::string kernel = "__kernel ";
    for (std::size_t at = text.find(kernel); at != std::string::npos; at = text.find(kernel, at + 80)) {
      text.insert(at, "__attribute__((reqd_work_group_size(3, 1, 1))) ");
      at += 47;
    }
  });
  const auto ceilings = measure(changed.sources());
  for (const CeilingRow& row : ceiling_rows()) {
    EXPECT_FALSE((ceilings.*row.value).has_value()) << row.name;
    EXPECT_TRUE(ceilings.reasons->contains(std::string(row.name))) << row.name;
  }
  EXPECT_TRUE(ceilings.instructions->empty()) << "of no ceiling";
  EXPECT_THAT(ceilings.reasons->at("read_bytes_per_s"), HasSubstr("launch of read_bandwidth"));
  EXPECT_THAT(ceilings.reasons->at("host_sync_s"), HasSubstr("see empty_launch_s"));
}

TEST_F(OnCpuCeilings, ACountThatTheHostDoesNotGiveDoesNotBuild) {
  device::Device device(info_, device::KernelSources::embedded());
  for (const auto& [define, missing] : {std::pair{"-DCEILING_COPY -UVECTOR_BYTES", "VECTOR_BYTES"},
                                        {"-DCEILING_READ", "READ_STREAMS"},
                                        {"-DCEILING_FMA", "FMA_CHAINS"},
                                        {"-DCEILING_INT8", "DOT_CHAINS"}}) {
    const std::string given = "-DVECTOR_BYTES=16 -DSTRIDED=0 -DSTEPS=1 -DWIDTH=4 ";
    const auto kernel = device.make_kernel("probe/ceilings.cl", "fma_rate", given + define);
    ASSERT_FALSE(kernel) << define;
    EXPECT_THAT(kernel.error().message(), HasSubstr(missing));
  }
}

TEST(LeftOutCeilings, AllHaveTheSameReasonAndWhatIsKnownOfTheCacheStays) {
  result::Ceilings known;
  known.cache_bytes = 4096;
  const auto ceilings = leave_out_ceilings("it died", known);
  EXPECT_EQ(ceilings.cache_bytes, 4096);
  for (const CeilingRow& row : ceiling_rows()) EXPECT_EQ(ceilings.reasons->at(std::string(row.name)), "it died");
}

TEST(ChooseSetBytes, IsAGibibyteOrSixteenCachesAsMemoryAllows) {
  device::DeviceInfo info;
  info.memory_bytes = std::uint64_t{80} << 30;
  info.max_alloc_bytes = std::uint64_t{20} << 30;
  info.cache_bytes = std::uint64_t{50} << 20;
  EXPECT_EQ(choose_set_bytes(info), std::uint64_t{1} << 30);
  info.cache_bytes = std::uint64_t{256} << 20;
  EXPECT_EQ(choose_set_bytes(info), std::uint64_t{4} << 30);
  info.memory_bytes = std::uint64_t{4} << 30;
  EXPECT_EQ(choose_set_bytes(info), std::uint64_t{512} << 20);
  info.max_alloc_bytes = std::uint64_t{100} << 20;
  EXPECT_EQ(choose_set_bytes(info), std::uint64_t{100} << 20);
}

result::Ceilings made_up_ceilings() {
  result::Ceilings ceilings;
  ceilings.read_bytes_per_s = 100;
  ceilings.fp32_macs_per_s = 700;
  ceilings.int8_macs_per_s = 2800;
  ceilings.int4_int8_macs_per_s = 2100;
  return ceilings;
}

scheme::SchemeInfo scheme_of(const char* name) { return scheme::find_scheme(name).value(); }

TEST(DeviceRates, AreThoseOfTheInstructionsThatASchemeMultipliesWith) {
  const result::Ceilings ceilings = made_up_ceilings();
  EXPECT_EQ(rates_of(ceilings, scheme_of("w8a16-fused"))->macs_per_s, 700);
  EXPECT_EQ(rates_of(ceilings, scheme_of("w8a8"))->macs_per_s, 2800);
  EXPECT_EQ(rates_of(ceilings, scheme_of("w4a8"))->macs_per_s, 2100);
  EXPECT_EQ(rates_of(ceilings, scheme_of("w4a16-fused"))->macs_per_s, 700);  // three products of bytes each
  EXPECT_EQ(rates_of(ceilings, scheme_of("w8a8"))->anchor_macs_per_s, 700);
  EXPECT_EQ(rates_of(ceilings, scheme_of("w8a8"))->read_bytes_per_s, 100);
}

TEST(DeviceRates, AreOfTheMatrixUnitWhereThereIsOne) {
  result::Ceilings ceilings = made_up_ceilings();
  ceilings.matrix_f16_macs_per_s = 9000;
  EXPECT_EQ(rates_of(ceilings, scheme_of("q4_0-fused"))->macs_per_s, 9000);
  EXPECT_EQ(rates_of(ceilings, scheme_of("q4_0-fused"))->vector_ops_per_s, 700);
  EXPECT_EQ(rates_of(ceilings, scheme_of("w8a8"))->macs_per_s, 2800) << "the unit of int8 was not measured";
  EXPECT_EQ(rates_of(ceilings, scheme_of("w8a8-fp8"))->macs_per_s, 700) << "no kernel multiplies e4m3 on it";
}

TEST(DeviceRates, AreNoneWithoutACeiling) {
  for (const auto missing : {&result::Ceilings::read_bytes_per_s, &result::Ceilings::fp32_macs_per_s}) {
    result::Ceilings ceilings = made_up_ceilings();
    (ceilings.*missing).reset();
    EXPECT_FALSE(rates_of(ceilings, scheme_of("w4a8")));
  }
}

TEST_F(OnCpuCeilings, OfAWindowThatIsNoneAreRefused) {
  for (const char* text : {"0", "-1", "", "1", "nan", "0.02s"}) {
    ::setenv(kCeilingWindow, text, 1);
    try {
      (void)measure(device::KernelSources::embedded());
      ADD_FAILURE() << text;
    } catch (const Failure& failure) {
      EXPECT_THAT(failure.error().message(), HasSubstr("QTRAP_CEILING_WINDOW_S is no time above 0 and up to 0.5 s"));
      EXPECT_THAT(failure.error().message(), HasSubstr(text));
    }
  }
  ::unsetenv(kCeilingWindow);
}

}  // namespace
}  // namespace qtrap::measure
