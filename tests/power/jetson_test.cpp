#include "power/meters/jetson.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "power/match.hpp"
#include "support/power_fakes.hpp"
#include "support/virtual_time.hpp"

namespace qtrap::power {
namespace {

class Jetson : public testing::Test {
 protected:
  void add_rail(int hwmon, int channel, const std::string& label, const std::string& mv, const std::string& ma) {
    const std::filesystem::path folder = "class/hwmon/hwmon" + std::to_string(hwmon);
    const std::string number = std::to_string(channel);
    sysfs_.write(folder / ("in" + number + "_label"), label);
    sysfs_.write(folder / ("in" + number + "_input"), mv);
    sysfs_.write(folder / ("curr" + number + "_input"), ma);
  }
  std::vector<Finding> find() { return find_jetson(MeterEnvironment::simulated(sysfs_.root(), "/nonexistent"), time_); }
  test::FakeSysfs sysfs_;
  test::VirtualTime time_;
};

TEST_F(Jetson, ReadsTheInputRailAlone) {
  sysfs_.add_hwmon(1, "ina3221");
  add_rail(1, 1, "VDD_IN", "5000", "2400");
  add_rail(1, 2, "VDD_CPU_GPU_CV", "5000", "900");
  const auto found = find();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].meter->info().board, "VDD_IN");
  EXPECT_EQ(found[0].meter->info().scope, Scope::kModule);
  // 5 V x 2.4 A
  EXPECT_DOUBLE_EQ(found[0].meter->read().power.value.value().value(), 12);
}

TEST_F(Jetson, AddsTheRailsOfAnAgxAndSaysThatTheyAreNotTheWholeModule) {
  sysfs_.add_hwmon(1, "ina3221");
  sysfs_.add_hwmon(2, "ina3221");
  add_rail(1, 1, "VDD_GPU_SOC", "19000", "500");
  add_rail(1, 2, "NC", "0", "0");
  add_rail(2, 1, "VIN_SYS_5V0", "5000", "1000");
  const auto found = find();
  EXPECT_DOUBLE_EQ(found[0].meter->read().power.value.value().value(), 14.5);
  EXPECT_EQ(found[0].meter->info().notes.size(), 1U);
  EXPECT_EQ(found[0].meter->info().scope, Scope::kRails);  // never "module": it is a part of one
}

TEST_F(Jetson, MeasuresEveryDeviceOfTheModule) {
  sysfs_.add_hwmon(1, "ina3221");
  add_rail(1, 1, "VDD_IN", "5000", "2400");
  DeviceIdentity gpu;
  gpu.name = "Orin";
  gpu.type = DeviceType::kGpu;
  const Match match = match_meter(gpu, find(), time_).value();
  EXPECT_TRUE(match.meter);
  EXPECT_EQ(match.basis, "module");
}

TEST_F(Jetson, SaysThatThereIsNone) {
  EXPECT_FALSE(find()[0].meter);
  EXPECT_FALSE(find()[0].reason.empty());
}

}  // namespace
}  // namespace qtrap::power
