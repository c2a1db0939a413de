#include "power/meters/intel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "power/meters/level_zero_api.hpp"
#include "support/power_fakes.hpp"
#include "support/virtual_time.hpp"

namespace qtrap::power {
namespace {

using testing::HasSubstr;

class Intel : public testing::Test {
 protected:
  std::vector<Finding> find(const std::filesystem::path& libraries = "/nonexistent") {
    return find_intel(MeterEnvironment::simulated(sysfs_.root(), libraries), time_);
  }
  test::FakeSysfs sysfs_;
  test::VirtualTime time_;
};

TEST_F(Intel, ReadsTheCounterOfI915) {
  const auto hwmon = sysfs_.add_hwmon(2, "i915", "0000:03:00.0");
  sysfs_.write(hwmon / "energy1_input", "48123456789");
  const auto found = find();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].meter->info().id(), "intel:0000:03:00.0");
  EXPECT_EQ(found[0].meter->info().scope, Scope::kBoard);
  EXPECT_DOUBLE_EQ(found[0].meter->read().energy.value.value().value(), 48123.456789);
}

TEST_F(Intel, PrefersTheCardsCounterOfXeToTheChips) {
  const auto hwmon = sysfs_.add_hwmon(2, "xe", "0000:03:00.0");
  sysfs_.write(hwmon / "energy1_input", "2000000");
  sysfs_.write(hwmon / "energy1_label", "pkg");
  sysfs_.write(hwmon / "energy2_input", "3000000");
  sysfs_.write(hwmon / "energy2_label", "card");
  EXPECT_DOUBLE_EQ(find()[0].meter->read().energy.value.value().value(), 3);
  sysfs_.remove(hwmon / "energy2_input");
  const auto chip = find();
  EXPECT_DOUBLE_EQ(chip[0].meter->read().energy.value.value().value(), 2);
  EXPECT_EQ(chip[0].meter->info().scope, Scope::kPackage);
}

TEST_F(Intel, TakesTheChipWhereTheCardsCounterDoesNotReadAndSaysSo) {
  const auto hwmon = sysfs_.add_hwmon(2, "xe", "0000:03:00.0");
  sysfs_.write(hwmon / "energy1_input", "2000000");
  sysfs_.write(hwmon / "energy1_label", "pkg");
  sysfs_.write(hwmon / "energy2_input", "garbage");
  sysfs_.write(hwmon / "energy2_label", "card");
  const auto found = find();
  ASSERT_TRUE(found[0].meter);
  EXPECT_EQ(found[0].meter->info().scope, Scope::kPackage);
  EXPECT_THAT(found[0].meter->info().notes.at(0), HasSubstr("energy1_input is read instead"));
}

TEST_F(Intel, AddsTheBoardsThatHwmonDoesNotCount) {
  const auto hwmon = sysfs_.add_hwmon(2, "xe", "0000:03:00.0");
  sysfs_.write(hwmon / "energy1_input", "2000000");
  test::FakeLibrary library(test::fake_libraries("complete") / "libze_loader.so.1");
  library->boards.resize(1);
  library->boards[0].bus = 0x4d;
  library->boards[0].energy_j = [] { return 7.0; };
  const auto found = find(test::fake_libraries("complete"));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[1].meter->info().pci, "0000:4d:00.0");
}

TEST_F(Intel, SaysWhichFileIsDeniedAndDoesNotWorkAroundIt) {
  const auto hwmon = sysfs_.add_hwmon(2, "xe", "0000:03:00.0");
  sysfs_.write(hwmon / "energy1_input", "2000000");
  sysfs_.forbid(hwmon / "energy1_input");
  test::FakeLibrary library(test::fake_libraries("complete") / "libze_loader.so.1");
  library->boards.resize(1);
  library->boards[0].bus = 0x03;
  library->boards[0].energy_j = [] { return 7.0; };
  const test::Unprivileged nobody;
  if (!nobody.ok()) GTEST_SKIP() << "root, and no way to become another user";
  const auto found = find(test::fake_libraries("complete"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FALSE(found[0].meter);
  EXPECT_THAT(found[0].reason, HasSubstr("permission denied"));
  EXPECT_EQ(found[0].fix, "sudo chmod a+r " + (sysfs_.root() / hwmon / "energy1_input").string());
}

TEST_F(Intel, ReadsSysmanWhereHwmonHasNothing) {
  test::FakeLibrary library(test::fake_libraries("complete") / "libze_loader.so.1");
  library->boards.resize(1);
  library->boards[0].bus = 0x4d;
  library->boards[0].energy_j = [] { return 7.25; };
  const auto found = find(test::fake_libraries("complete"));
  ASSERT_EQ(found.size(), 1U);
  ASSERT_TRUE(found[0].meter) << found[0].reason;
  EXPECT_EQ(found[0].meter->info().id(), "intel:0000:4d:00.0");
  EXPECT_DOUBLE_EQ(found[0].meter->read().energy.value.value().value(), 7.25);
  library->boards[0].status = static_cast<int>(level_zero::kDeviceLost);
  EXPECT_EQ(found[0].meter->read().energy.status, ReadStatus::kVanished);
}

TEST_F(Intel, SaysForEveryPlaceWhyThereIsNoMeter) {
  const auto missing = find();
  ASSERT_EQ(missing.size(), 2U);
  EXPECT_THAT(missing[0].reason, HasSubstr("no energy counter"));
  const auto lacking = find(test::fake_libraries("incomplete"));
  EXPECT_THAT(lacking[1].reason, HasSubstr("lacks a function"));
  test::FakeLibrary library(test::fake_libraries("complete") / "libze_loader.so.1");
  library->init_status = static_cast<int>(level_zero::kUninitialised);
  EXPECT_THAT(find(test::fake_libraries("complete"))[1].reason, HasSubstr("zesInit failed"));
}

}  // namespace
}  // namespace qtrap::power
