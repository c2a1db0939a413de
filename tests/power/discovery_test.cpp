#include "power/discovery.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/power_fakes.hpp"
#include "support/virtual_time.hpp"

namespace qtrap::power {
namespace {

using testing::HasSubstr;

const test::VirtualTime kTime;

TEST(Discovery, SaysForEveryFamilyWhatWasLookedForAndWhatWouldHelp) {
  const auto findings = discover_meters(MeterEnvironment::simulated("/nonexistent", "/nonexistent"), kTime);
  std::vector<std::string> families;
  for (const Finding& finding : findings) {
    EXPECT_FALSE(finding.meter);
    EXPECT_FALSE(finding.where.empty()) << finding.name;
    EXPECT_FALSE(finding.reason.empty()) << finding.name;
    EXPECT_FALSE(finding.fix.empty()) << finding.name;
    families.push_back(finding.name);
  }
  for (const char* family : {"nvml", "amd", "intel", "rapl", "jetson"}) {
    EXPECT_THAT(families, testing::Contains(family));
  }
}

TEST(Discovery, NeverLoadsALibraryFromOutsideASimulatedFolder) {
  const auto environment = MeterEnvironment::simulated("/nonexistent", "/some/folder");
  EXPECT_EQ(environment.library_path("libnvidia-ml.so.1"), "/some/folder/libnvidia-ml.so.1");
  EXPECT_EQ(MeterEnvironment::system().library_path("libnvidia-ml.so.1"), "libnvidia-ml.so.1");
  EXPECT_EQ(MeterEnvironment::system().sysfs_root(), "/sys");
  EXPECT_FALSE(MeterEnvironment::system().is_simulated());
}

TEST(MeterSpec, HasTheFormsOfTheContract) {
  EXPECT_EQ(parse_meter_spec("auto").value().kind, MeterKind::kAuto);
  EXPECT_EQ(parse_meter_spec("none").value().kind, MeterKind::kNone);
  for (const char* family : {"nvml", "amd", "intel", "rapl", "jetson"}) {
    EXPECT_EQ(parse_meter_spec(family).value().family, family);
  }
  EXPECT_EQ(parse_meter_spec("nvml:0000:3b:00.0").value().which, "0000:3b:00.0");
  EXPECT_EQ(parse_meter_spec("tdp:350.5").value().watts, Watts(350.5));
  EXPECT_EQ(parse_meter_spec("replay:a:b.csv").value().file, "a:b.csv");
}

TEST(MeterSpec, RefusesEverythingElseInWords) {
  struct Case {
    const char* text;
    const char* message;
  };
  for (const Case& c :
       {Case{"", "unknown meter"}, Case{"nvidia", "use auto, none, nvml"}, Case{"AUTO", "unknown meter (AUTO)"},
        Case{"auto:1", "unknown meter"}, Case{"nvml:", "unknown meter"}, Case{"tdp", "not a power in watts (tdp)"},
        Case{"tdp:", "tdp:350"}, Case{"tdp:0", "above 0"}, Case{"tdp:-5", "above 0"}, Case{"tdp:nan", "above 0"},
        Case{"tdp:inf", "above 0"}, Case{"tdp:350W", "tdp:350W"}, Case{"replay:", "no trace"}}) {
    const auto spec = parse_meter_spec(c.text);
    ASSERT_FALSE(spec.ok()) << c.text;
    EXPECT_EQ(spec.error().kind, ErrorKind::kUsage) << c.text;
    EXPECT_THAT(spec.error().message(), HasSubstr(c.message)) << c.text;
  }
}

class Selection : public testing::Test {
 protected:
  void SetUp() override {
    for (const unsigned bus : {0x3bU, 0xafU}) {
      test::FakeBoard board;
      board.name = "NVIDIA A100";
      board.bus = bus;
      board.instant_w = [] { return 100.0; };
      library_->boards.push_back(board);
    }
    findings_ = discover_meters(MeterEnvironment::simulated("/nonexistent", test::fake_libraries("complete")), kTime);
    gpu_.name = "NVIDIA A100";
    gpu_.type = "gpu";
    gpu_.vendor = "NVIDIA Corporation";
  }
  Result<Match> select(const std::string& spec) {
    return select_meter(parse_meter_spec(spec).value(), gpu_, findings_, kTime);
  }
  test::FakeLibrary library_{test::fake_libraries("complete") / "libnvidia-ml.so.1"};
  std::vector<Finding> findings_;
  DeviceIdentity gpu_;
};

TEST_F(Selection, LetsTheUserDecideBetweenEqualBoards) {
  EXPECT_FALSE(select("auto").ok());
  EXPECT_FALSE(select("nvml").ok());
  const Match match = select("nvml:0000:AF:00.0").value();
  EXPECT_EQ(match.meter->info().pci, "0000:af:00.0");
  EXPECT_EQ(match.basis, "chosen");
}

TEST_F(Selection, TakesAutoWithoutAMeterForNoError) {
  const Match match = select_meter({}, gpu_, {}, kTime).value();
  EXPECT_FALSE(match.meter);
  EXPECT_FALSE(match.reason.empty());
  EXPECT_FALSE(select("none").value().meter);
}

TEST_F(Selection, TakesAMissingMeterThatWasAskedForAsAnError) {
  const auto missing = select("rapl");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind, ErrorKind::kRuntime);
  EXPECT_FALSE(missing.error().fix.empty());
  EXPECT_FALSE(select("nvml:0000:01:00.0").ok());
  EXPECT_FALSE(select("replay:/nonexistent.csv").ok());
}

TEST_F(Selection, MakesAnEstimateOnRequestAlone) { EXPECT_TRUE(select("tdp:350").value().meter->info().estimated); }

}  // namespace
}  // namespace qtrap::power
