#include "power/meters/nvml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "power/meters/nvml_api.hpp"
#include "support/power_fakes.hpp"
#include "support/virtual_time.hpp"

namespace qtrap::power {
namespace {

using test::FakeBoard;
using testing::ElementsAre;
using testing::HasSubstr;

class Nvml : public testing::Test {
 protected:
  static FakeBoard make_board(unsigned bus) {
    FakeBoard board;
    board.name = "NVIDIA A100-SXM4-80GB";
    board.uuid = "GPU-0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
    board.bus = bus;
    board.energy_j = [] { return 123456.789; };
    board.instant_w = [] { return 251.25; };
    board.average_w = [] { return 240.5; };
    return board;
  }
  std::vector<Finding> find() { return find_nvml(environment_, time_); }

  test::FakeLibrary library_{test::fake_libraries("complete") / "libnvidia-ml.so.1"};
  MeterEnvironment environment_ = MeterEnvironment::simulated("/nonexistent", test::fake_libraries("complete"));
  test::VirtualTime time_;
};

TEST_F(Nvml, ReadsCounterAndInstantPowerThroughTheRealLoader) {
  library_->boards = {make_board(0x3b)};
  const auto found = find();
  ASSERT_EQ(found.size(), 1U);
  ASSERT_TRUE(found[0].meter) << found[0].reason;
  const MeterInfo& info = found[0].meter->info();
  EXPECT_EQ(info.id(), "nvml:0000:3b:00.0");
  EXPECT_EQ(info.uuid, "0f1e2d3c4b5a69788796a5b4c3d2e1f0");
  EXPECT_EQ(info.board, "NVIDIA A100-SXM4-80GB");
  EXPECT_EQ(info.driver, "999.00");
  EXPECT_EQ(info.power_field, "instant");
  EXPECT_EQ(info.scope, Scope::kBoard);
  EXPECT_EQ(info.power_limit, Watts(350));
  time_.advance(Seconds(2));
  const Sample sample = found[0].meter->read();
  // mJ and mW: 123456789 mJ, 251250 mW.
  EXPECT_DOUBLE_EQ(sample.energy.value.value().value(), 123456.789);
  EXPECT_DOUBLE_EQ(sample.power.value.value().value(), 251.25);
  EXPECT_EQ(sample.power.at, Seconds(2));
}

TEST_F(Nvml, LabelsEverythingFromAFakeAsSimulated) {
  library_->boards = {make_board(1)};
  EXPECT_TRUE(find()[0].meter->info().simulated);
}

TEST_F(Nvml, TakesTheModuleScopeWhereTheBoardRejectsItsOwn) {
  library_->boards = {make_board(1)};
  library_->boards[0].rejects_gpu_scope = true;
  const auto found = find();
  EXPECT_EQ(found[0].meter->info().scope, Scope::kModule);
  EXPECT_TRUE(found[0].meter->read().power.value.has_value());
}

TEST_F(Nvml, TakesTheAverageWhereThereIsNoInstantPowerAndSaysSo) {
  library_->boards = {make_board(1)};
  library_->boards[0].instant_w = nullptr;
  const auto found = find();
  EXPECT_EQ(found[0].meter->info().power_field, "average");
  EXPECT_DOUBLE_EQ(found[0].meter->read().power.value.value().value(), 240.5);
}

TEST_F(Nvml, TakesTheNextChannelWhereThePreferredOneAnswersZeroForEver) {
  library_->boards = {make_board(1)};
  library_->boards[0].instant_w = [] { return 0.0; };
  const auto found = find();
  EXPECT_EQ(found[0].meter->info().power_field, "average");
  EXPECT_DOUBLE_EQ(found[0].meter->read().power.value.value().value(), 240.5);
}

TEST_F(Nvml, GivesAnAbsentCounterWhereTheBoardHasNone) {
  library_->boards = {make_board(1)};
  library_->boards[0].energy_j = nullptr;
  const auto found = find();
  EXPECT_FALSE(found[0].meter->info().has_energy);
  EXPECT_EQ(found[0].meter->read().energy.status, ReadStatus::kUnsupported);
}

TEST_F(Nvml, ReadsTheBoardsState) {
  library_->boards = {make_board(1)};
  library_->boards[0].throttle = 0x1 | 0x4 | 0x40;  // idle is no throttling
  library_->boards[0].pids.assign(100, 4711);       // more than the first buffer holds
  const BoardState state = find()[0].meter->read_state();
  EXPECT_EQ(state.core_clock, Hertz(1410e6));
  EXPECT_EQ(state.memory_clock, Hertz(1593e6));
  EXPECT_EQ(state.temperature_c, 61);
  EXPECT_THAT(state.throttle_reasons, ElementsAre("sw_power_cap", "hw_thermal_slowdown"));
  EXPECT_EQ(state.process_ids.value().size(), 100U);
  EXPECT_EQ(state.persistence, true);
  EXPECT_EQ(state.ecc, false);
}

TEST_F(Nvml, RefusesABoardInMigModeAndNamesTheCommand) {
  library_->boards = {make_board(7)};
  library_->boards[0].mig = true;
  const auto found = find();
  EXPECT_FALSE(found[0].meter);
  EXPECT_EQ(found[0].pci, "0000:07:00.0");
  EXPECT_THAT(found[0].reason, HasSubstr("MIG"));
  EXPECT_EQ(found[0].fix, "sudo nvidia-smi -i 0 -mig 0");
}

TEST_F(Nvml, TypesEveryFailureOfARunningBoard) {
  struct Case {
    int status;
    ReadStatus read;
  };
  library_->boards = {make_board(1)};
  const auto found = find();
  for (const Case& c : {Case{nvml::kGpuIsLost, ReadStatus::kVanished}, Case{nvml::kNoPermission, ReadStatus::kDenied},
                        Case{999, ReadStatus::kError}, Case{nvml::kNotSupported, ReadStatus::kUnsupported}}) {
    library_->boards[0].status = c.status;
    const Sample sample = found[0].meter->read();
    EXPECT_EQ(sample.energy.status, c.read) << c.status;
    EXPECT_EQ(sample.power.status, c.read) << c.status;
    EXPECT_FALSE(sample.energy.value.has_value());
    EXPECT_FALSE(sample.power.value.has_value());
  }
}

TEST_F(Nvml, TakesNeitherNanNorZeroForAReading) {
  library_->boards = {make_board(1)};
  library_->boards[0].double_values = true;
  const auto found = find();
  library_->boards[0].energy_j = [] { return std::nan(""); };
  library_->boards[0].instant_w = [] { return 0.0; };
  const Sample sample = found[0].meter->read();
  EXPECT_EQ(sample.energy.status, ReadStatus::kNotFinite);
  EXPECT_EQ(sample.power.status, ReadStatus::kZero);
  EXPECT_FALSE(sample.energy.value.has_value());
  EXPECT_FALSE(sample.power.value.has_value());
}

TEST_F(Nvml, SaysWhichFunctionALibraryLacks) {
  const auto environment = MeterEnvironment::simulated("/nonexistent", test::fake_libraries("incomplete"));
  const auto found = find_nvml(environment, time_);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FALSE(found[0].meter);
  EXPECT_THAT(found[0].reason, HasSubstr("nvmlDeviceGetPciInfo_v3"));
  EXPECT_EQ(found[0].fix, "update the NVIDIA driver");
}

TEST_F(Nvml, SaysWhyTheDriverDoesNotStart) {
  library_->init_status = nvml::kDriverNotLoaded;
  const auto found = find();
  EXPECT_THAT(found[0].reason, HasSubstr("Driver Not Loaded"));
  EXPECT_EQ(found[0].fix, "sudo modprobe nvidia");
}

TEST_F(Nvml, SaysWhenThereIsNoLibraryAndNoBoard) {
  const auto environment = MeterEnvironment::simulated("/nonexistent", "/nonexistent");
  EXPECT_THAT(find_nvml(environment, time_)[0].reason, HasSubstr("library not loaded"));
  EXPECT_THAT(find()[0].reason, HasSubstr("no board"));
}

TEST_F(Nvml, RefusesAFakeInTheRealEnvironment) {
  // The fixture has loaded the fake, so the loader finds it by its soname, as it would through
  // LD_LIBRARY_PATH.
  library_->boards = {make_board(1)};
  const auto found = find_nvml(MeterEnvironment::system(), time_);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FALSE(found[0].meter);
  EXPECT_THAT(found[0].reason, HasSubstr("fake"));
}

}  // namespace
}  // namespace qtrap::power
