#include "power/meters/discovery.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

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
    EXPECT_EQ(finding.fix.empty(), finding.name == "jetson") << finding.name;  // nothing makes a PC a Jetson
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
    gpu_.type = DeviceType::kGpu;
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

TEST_F(Selection, NamesMetersToChooseFromAndTheyCanBeChosen) {
  for (const char* asked : {"auto", "nvml:0000:01:00.0"}) {
    const std::string fix = select(asked).error().fix;
    const auto at = fix.find("--meter ");
    ASSERT_NE(at, fix.npos) << fix;
    const std::string advised = fix.substr(at + 8, fix.find_first_of(" ,", at + 8) - at - 8);
    const auto match = select(advised);
    ASSERT_TRUE(match.ok()) << fix << "\n" << match.error().message();
    EXPECT_TRUE(match.value().meter);
  }
}

TEST_F(Selection, RefusesANameThatSeveralMetersHave) {
  const auto same = select("nvml:NVIDIA A100");
  ASSERT_FALSE(same.ok());
  EXPECT_THAT(same.error().message(), HasSubstr("2 meters have this name"));
}

/// Advice of every family where there is nothing, where libraries are too old, and where they do not start.
std::vector<Finding> gather_refusals() {
  std::vector<Finding> all = discover_meters(MeterEnvironment::simulated("/nonexistent", "/nonexistent"), kTime);
  const auto add = [&](const std::string& libraries) {
    for (auto& finding : discover_meters(MeterEnvironment::simulated("/nonexistent", libraries), kTime))
      all.push_back(std::move(finding));
  };
  add(test::fake_libraries("incomplete"));
  add(test::fake_libraries("complete"));  // they see no board
  test::FakeLibrary nvml(test::fake_libraries("complete") / "libnvidia-ml.so.1");
  test::FakeLibrary smi(test::fake_libraries("complete") / "libamd_smi.so");
  test::FakeLibrary level_zero(test::fake_libraries("complete") / "libze_loader.so.1");
  nvml->init_status = smi->init_status = level_zero->init_status = 1;
  add(test::fake_libraries("complete"));
  nvml->init_status = smi->init_status = level_zero->init_status = 0;
  nvml->boards.resize(2);
  nvml->boards[0].mig = true;
  smi->boards.resize(1);
  level_zero->boards.resize(1);
  level_zero->boards[0].status = 0x70010000;
  add(test::fake_libraries("complete"));
  return all;
}

// Files' advice is followed in the tests of RAPL and Intel. The rest is a closed list of commands and steps that exist.
TEST(Advice, IsACommandOrAStepThatExists) {
  const std::vector<std::string> kSteps{
      "sudo modprobe (nvidia|amdgpu|intel_rapl_msr; in a virtual machine, measure on its host)",
      "sudo apt-get install libze1",
      "sudo usermod -aG (render|render,video) \\$USER, then log in again",
      "sudo nvidia-smi -i [0-9]+ -mig 0",
      "nvidia-smi( -q -d POWER)?( -i [0-9]+)?",
      "rocminfo",
      "ls /dev/dri",
      "export ZES_ENABLE_SYSMAN=1",
      "install (the NVIDIA driver|amd-smi-lib of ROCm|rocm-smi-lib of ROCm|Intel's Level Zero GPU driver)",
      "update (the NVIDIA driver|the Intel GPU driver|amd-smi-lib|rocm-smi-lib|libze1)",
      "use Linux 6.2 or later"};
  std::size_t checked = 0;
  for (const Finding& finding : gather_refusals()) {
    if (finding.meter || finding.fix.empty()) continue;
    ++checked;
    EXPECT_TRUE(std::any_of(kSteps.begin(), kSteps.end(),
                            [&](const std::string& step) { return std::regex_match(finding.fix, std::regex(step)); }))
        << finding.name << " advises: " << finding.fix << " (" << finding.reason << ")";
  }
  EXPECT_GT(checked, 15U);
}

TEST_F(Selection, MakesAnEstimateOnRequestAlone) { EXPECT_TRUE(select("tdp:350").value().meter->info().estimated); }

}  // namespace
}  // namespace qtrap::power
