#include "power/meters/amd.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "power/meters/amd_api.hpp"
#include "support/power_fakes.hpp"
#include "support/virtual_time.hpp"

namespace qtrap::power {
namespace {

using test::FakeBoard;
using testing::HasSubstr;

class Amd : public testing::Test {
 protected:
  static FakeBoard make_board() {
    FakeBoard board;
    board.name = "AMD Instinct MI300X";
    board.uuid = "deff74a1-0000-1000-80cc-3e7f5d0a7b12";
    board.bus = 0x63;
    board.energy_j = [] { return 5000.0; };
    return board;
  }
  /// The same board in hwmon.
  void add_hwmon(const std::string& power_file) {
    const auto hwmon = sysfs_.add_hwmon(3, "amdgpu", "0000:63:00.0");
    sysfs_.write(hwmon / power_file, "412000000");
    sysfs_.write(hwmon / "power1_cap", "750000000");
    sysfs_.write(hwmon / "temp1_input", "55000");
    sysfs_.write(hwmon / "freq1_input", "2100000000");
  }

  test::FakeSysfs sysfs_;
  test::VirtualTime time_;
};

TEST_F(Amd, CountsInTicksOfTheResolutionTheLibraryGives) {
  test::FakeLibrary library(test::fake_libraries("complete") / "libamd_smi.so");
  library->boards = {make_board()};
  add_hwmon("power1_input");
  const auto found = find_amd(MeterEnvironment::simulated(sysfs_.root(), test::fake_libraries("complete")), time_);
  ASSERT_EQ(found.size(), 1U);
  ASSERT_TRUE(found[0].meter) << found[0].reason;
  const MeterInfo& info = found[0].meter->info();
  EXPECT_EQ(info.id(), "amd:0000:63:00.0");
  EXPECT_EQ(info.board, "AMD Instinct MI300X");
  EXPECT_EQ(info.uuid, "deff74a10000100080cc3e7f5d0a7b12");
  EXPECT_EQ(info.power_limit, Watts(750));
  EXPECT_TRUE(info.simulated);
  const Sample sample = found[0].meter->read();
  // Whole ticks of 15.3 uJ.
  EXPECT_NEAR(sample.energy.value.value().value(), 5000, 15.3e-6 + 1e-3);
  EXPECT_DOUBLE_EQ(sample.power.value.value().value(), 412);
  EXPECT_EQ(found[0].meter->read_state().temperature_c, 55);
}

TEST_F(Amd, CountsBothDiesOfAnMi250xAsOneModule) {
  test::FakeLibrary library(test::fake_libraries("complete") / "libamd_smi.so");
  library->boards = {make_board()};
  library->boards[0].name = "AMD Instinct MI250X";
  const auto found = find_amd(MeterEnvironment::simulated(sysfs_.root(), test::fake_libraries("complete")), time_);
  EXPECT_EQ(found[0].meter->info().scope, Scope::kModule);
  EXPECT_THAT(found[0].meter->info().notes.at(0), HasSubstr("two dies"));
}

TEST_F(Amd, FallsBackToRocmSmiAndNamesIt) {
  test::FakeLibrary library(test::fake_libraries("complete") / "librocm_smi64.so.1");
  library->boards = {make_board()};
  library->boards[0].uuid = "3e7f5d0a7b120001";
  // The fake of amd_smi sees no board.
  const auto found = find_amd(MeterEnvironment::simulated(sysfs_.root(), test::fake_libraries("complete")), time_);
  ASSERT_EQ(found.size(), 1U);
  ASSERT_TRUE(found[0].meter);
  EXPECT_EQ(found[0].meter->info().source, "librocm_smi64.so.1");
  EXPECT_EQ(found[0].meter->info().pci, "0000:63:00.0");
  EXPECT_NEAR(found[0].meter->read().energy.value.value().value(), 5000, 1e-3);
}

TEST_F(Amd, FallsBackToHwmonWithTheAveragePowerOfOlderBoards) {
  add_hwmon("power1_average");
  const auto found = find_amd(MeterEnvironment::simulated(sysfs_.root(), "/nonexistent"), time_);
  ASSERT_EQ(found.size(), 1U);
  const MeterInfo& info = found[0].meter->info();
  EXPECT_EQ(info.power_field, "average");
  EXPECT_FALSE(info.has_energy);
  EXPECT_EQ(info.pci, "0000:63:00.0");
  EXPECT_DOUBLE_EQ(found[0].meter->read().power.value.value().value(), 412);
  EXPECT_EQ(found[0].meter->read_state().core_clock, Hertz(2.1e9));
}

// power1_input may exist and not read (MangoHud#1202): the average is there.
TEST_F(Amd, TakesTheAverageWhereTheInstantFileDoesNotRead) {
  add_hwmon("power1_average");
  for (const char* dead : {"", "garbage", "0"}) {
    sysfs_.write("class/hwmon/hwmon3/power1_input", dead);
    const auto found = find_amd(MeterEnvironment::simulated(sysfs_.root(), "/nonexistent"), time_);
    ASSERT_EQ(found.size(), 1U);
    ASSERT_TRUE(found[0].meter) << dead;
    EXPECT_EQ(found[0].meter->info().power_field, "average") << dead;
    EXPECT_THAT(found[0].meter->info().notes.at(0), HasSubstr("power1_average is read instead")) << dead;
  }
}

TEST_F(Amd, TakesEachBoardFromTheFirstSourceThatCountsIt) {
  test::FakeLibrary smi(test::fake_libraries("complete") / "libamd_smi.so");
  test::FakeLibrary rsmi(test::fake_libraries("complete") / "librocm_smi64.so.1");
  smi->boards = {make_board(), make_board()};
  smi->boards[0].energy_j = nullptr;  // amd_smi knows the board and not its energy
  smi->boards[1].bus = 0x71;
  rsmi->boards = {make_board()};
  add_hwmon("power1_input");
  sysfs_.add_hwmon(4, "amdgpu", "0000:83:00.0");  // a board that neither library sees
  sysfs_.write("class/hwmon/hwmon4/power1_average", "100000000");
  const auto found = find_amd(MeterEnvironment::simulated(sysfs_.root(), test::fake_libraries("complete")), time_);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].meter->info().source, "librocm_smi64.so.1");
  EXPECT_EQ(found[1].meter->info().source, "libamd_smi.so");
  EXPECT_EQ(found[2].meter->info().pci, "0000:83:00.0");
}

TEST_F(Amd, TypesErrorsOfTheLibrary) {
  test::FakeLibrary library(test::fake_libraries("complete") / "libamd_smi.so");
  library->boards = {make_board()};
  const auto found = find_amd(MeterEnvironment::simulated(sysfs_.root(), test::fake_libraries("complete")), time_);
  library->boards[0].status = amd::kSmiNoPermission;
  EXPECT_EQ(found[0].meter->read().energy.status, ReadStatus::kDenied);
  library->boards[0].status = amd::kSmiNotFound;
  EXPECT_EQ(found[0].meter->read().energy.status, ReadStatus::kVanished);
  library->boards[0].status = 99;
  EXPECT_EQ(found[0].meter->read().energy.status, ReadStatus::kError);
}

TEST_F(Amd, SaysForEveryPlaceWhyThereIsNoMeter) {
  const auto missing = find_amd(MeterEnvironment::simulated(sysfs_.root(), "/nonexistent"), time_);
  ASSERT_EQ(missing.size(), 3U);
  for (const Finding& finding : missing) {
    EXPECT_FALSE(finding.meter);
    EXPECT_FALSE(finding.reason.empty());
    EXPECT_FALSE(finding.fix.empty());
  }
  const auto lacking = find_amd(MeterEnvironment::simulated(sysfs_.root(), test::fake_libraries("incomplete")), time_);
  EXPECT_THAT(lacking[0].reason, HasSubstr("lacks a function"));
  EXPECT_THAT(lacking[1].reason, HasSubstr("lacks a function"));
}

}  // namespace
}  // namespace qtrap::power
