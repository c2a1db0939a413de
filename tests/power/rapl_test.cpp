#include "power/meters/rapl.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "power/match.hpp"
#include "support/power_fakes.hpp"
#include "support/virtual_time.hpp"

namespace qtrap::power {
namespace {

using testing::HasSubstr;

class Rapl : public testing::Test {
 protected:
  void add_zone(const std::string& zone, const std::string& name, const std::string& energy_uj) {
    const std::filesystem::path folder = "class/powercap/" + zone;
    sysfs_.write(folder / "name", name);
    sysfs_.write(folder / "energy_uj", energy_uj);
    sysfs_.write(folder / "max_energy_range_uj", "262143328850");
  }
  std::vector<Finding> find() { return find_rapl(MeterEnvironment::simulated(sysfs_.root(), "/nonexistent"), time_); }
  Match match_cpu(const std::vector<Finding>& findings) {
    DeviceIdentity cpu;
    cpu.type = DeviceType::kCpu;
    return match_meter(cpu, findings, time_).value();
  }
  test::FakeSysfs sysfs_;
  test::VirtualTime time_;
};

TEST_F(Rapl, FindsPackagesMemoryAndPlatformButNotTheCoresInside) {
  add_zone("intel-rapl:0", "package-0", "1000000");
  add_zone("intel-rapl:0:0", "core", "500000");
  add_zone("intel-rapl:0:1", "dram", "200000");
  add_zone("intel-rapl:1", "psys", "9000000");
  const auto found = find();
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].meter->info().id(), "rapl:package-0");
  EXPECT_EQ(found[0].meter->info().limits.range, Joules(262143.32885));
  EXPECT_EQ(found[1].meter->info().id(), "rapl:package-0 dram");
  EXPECT_EQ(found[1].meter->info().scope, Scope::kDram);
  EXPECT_EQ(found[2].meter->info().scope, Scope::kPlatform);
  EXPECT_DOUBLE_EQ(found[0].meter->read().energy.value.value().value(), 1);
}

TEST_F(Rapl, AddsTheSocketsAndTheirMemoryForACpuDevice) {
  add_zone("intel-rapl:0", "package-0", "1000000");
  add_zone("intel-rapl:0:0", "dram", "100000");
  add_zone("intel-rapl:1", "package-1", "2000000");
  add_zone("intel-rapl:1:0", "dram", "300000");
  add_zone("intel-rapl:2", "psys", "9000000");
  const Match match = match_cpu(find());
  ASSERT_TRUE(match.meter);
  EXPECT_EQ(match.basis, "packages");
  EXPECT_EQ(match.meter->info().scope, Scope::kPackageAndDram);
  EXPECT_TRUE(match.meter->info().simulated);
  const double first = match.meter->read().energy.value.value().value();
  time_.advance(Seconds(1));
  add_zone("intel-rapl:0", "package-0", "51000000");  // 50 J
  add_zone("intel-rapl:0:0", "dram", "4100000");      // 4 J
  add_zone("intel-rapl:1", "package-1", "72000000");  // 70 J
  EXPECT_NEAR(match.meter->read().energy.value.value().value() - first, 124, 1e-9);
}

TEST_F(Rapl, UnwrapsEachSocketBeforeAdding) {
  add_zone("intel-rapl:0", "package-0", "262143000000");
  add_zone("intel-rapl:1", "package-1", "2000000");
  const Match match = match_cpu(find());
  const double first = match.meter->read().energy.value.value().value();
  time_.advance(Seconds(1));
  add_zone("intel-rapl:0", "package-0", "99671150");  // 0.32885 J to the end of the range, 99.67115 J beyond
  add_zone("intel-rapl:1", "package-1", "12000000");
  EXPECT_NEAR(match.meter->read().energy.value.value().value() - first, 110, 1e-6);
}

TEST_F(Rapl, LetsTheSumFallWhereASocketResets) {
  add_zone("intel-rapl:0", "package-0", "500000000");
  add_zone("intel-rapl:1", "package-1", "2000000");
  const Match match = match_cpu(find());
  match.meter->read();
  time_.advance(Seconds(1));
  add_zone("intel-rapl:1", "package-1", "92000000");
  const double before = match.meter->read().energy.value.value().value();
  time_.advance(Seconds(1));
  add_zone("intel-rapl:0", "package-0", "1000000");
  EXPECT_LT(match.meter->read().energy.value.value().value(), before);
}

TEST_F(Rapl, GivesNoSumWhileOneSocketGivesNoReading) {
  add_zone("intel-rapl:0", "package-0", "500000000");
  add_zone("intel-rapl:1", "package-1", "2000000");
  const Match match = match_cpu(find());
  sysfs_.remove("class/powercap/intel-rapl:1/energy_uj");
  const Sample sample = match.meter->read();
  EXPECT_FALSE(sample.energy.value.has_value());
  EXPECT_EQ(sample.energy.status, ReadStatus::kVanished);
}

TEST_F(Rapl, SaysWhichFileIsDeniedAndTheCommandThatOpensIt) {
  add_zone("intel-rapl:0", "package-0", "1000000");
  sysfs_.forbid("class/powercap/intel-rapl:0/energy_uj");
  const test::Unprivileged nobody;
  if (!nobody.ok()) GTEST_SKIP() << "root, and no way to become another user";
  const auto found = find();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FALSE(found[0].meter);
  EXPECT_THAT(found[0].reason, HasSubstr("permission denied: "));
  EXPECT_THAT(found[0].reason, HasSubstr("intel-rapl:0/energy_uj"));
  EXPECT_THAT(found[0].fix, HasSubstr("sudo chmod a+r "));
  const Match match = match_cpu(found);
  EXPECT_FALSE(match.meter);
  EXPECT_THAT(match.reason, HasSubstr("permission denied"));
}

// Advice to open one of two zones, followed, once gave half of a machine's energy as that of its CPU.
TEST_F(Rapl, GivesNoMeterWhileOneOfTwoPackagesIsDeniedAndTheAdviceOpensBoth) {
  add_zone("intel-rapl:0", "package-0", "1000000");
  add_zone("intel-rapl:1", "package-1", "2000000");
  sysfs_.forbid("class/powercap/intel-rapl:1/energy_uj");
  std::string fix;
  {
    const test::Unprivileged nobody;
    if (!nobody.ok()) GTEST_SKIP() << "root, and no way to become another user";
    const auto found = find();
    const Match match = match_cpu(found);
    EXPECT_FALSE(match.meter);
    EXPECT_THAT(match.reason, HasSubstr("intel-rapl:1/energy_uj"));
    EXPECT_THAT(match.reason, HasSubstr("sudo chmod a+r"));
    fix = found[1].fix;
  }
  ASSERT_EQ(fix.rfind("sudo ", 0), 0U);
  ASSERT_EQ(std::system(fix.substr(5).c_str()), 0);  // as root, as the advice says
  const test::Unprivileged nobody;
  EXPECT_EQ(match_cpu(find()).meter->info().board, "package-0 + package-1");
}

TEST_F(Rapl, GivesNoMeterWhereAZoneHasNoNameOrASocketNoZone) {
  add_zone("intel-rapl:0", "package-0", "1000000");
  add_zone("intel-rapl:1", "package-1", "2000000");
  sysfs_.remove("class/powercap/intel-rapl:1/name");
  EXPECT_THAT(match_cpu(find()).reason, HasSubstr("intel-rapl:1/name cannot be read"));
  std::filesystem::remove_all(sysfs_.root() / "class/powercap/intel-rapl:1");
  EXPECT_TRUE(match_cpu(find()).meter);
  sysfs_.write("devices/system/cpu/cpu0/topology/physical_package_id", "0");
  sysfs_.write("devices/system/cpu/cpu1/topology/physical_package_id", "1");
  EXPECT_THAT(match_cpu(find()).reason, HasSubstr("socket 1 has no package counter"));
  add_zone("intel-rapl:1", "package-1-die-0", "2000000");
  EXPECT_TRUE(match_cpu(find()).meter);
}

TEST_F(Rapl, LeavesMemoryOutWhereNotEveryPackageCountsIt) {
  add_zone("intel-rapl:0", "package-0", "1000000");
  add_zone("intel-rapl:0:0", "dram", "100000");
  add_zone("intel-rapl:1", "package-1", "2000000");
  const Match match = match_cpu(find());
  EXPECT_EQ(match.meter->info().scope, Scope::kPackage);
  EXPECT_THAT(match.meter->info().notes.at(0), HasSubstr("1 counters for 2 packages"));
  add_zone("intel-rapl:1:0", "dram", "garbage");
  EXPECT_THAT(match_cpu(find()).meter->info().notes.at(0), HasSubstr("memory is left out"));
  add_zone("intel-rapl:1:0", "dram", "100000");
  EXPECT_EQ(match_cpu(find()).meter->info().scope, Scope::kPackageAndDram);
}

TEST_F(Rapl, ReadsTheSocketsOfAmdEnergy) {
  const auto hwmon = sysfs_.add_hwmon(1, "amd_energy");
  sysfs_.write(hwmon / "energy1_label", "Ecore000");
  sysfs_.write(hwmon / "energy1_input", "1000000");
  sysfs_.write(hwmon / "energy2_label", "Esocket0");
  sysfs_.write(hwmon / "energy2_input", "64000000");
  const auto found = find();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].meter->info().id(), "rapl:package-0");
  EXPECT_DOUBLE_EQ(found[0].meter->read().energy.value.value().value(), 64);
}

TEST_F(Rapl, SaysWhereItLookedWhenThereIsNothing) {
  const auto found = find();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].where, HasSubstr("class/powercap/intel-rapl"));
  EXPECT_FALSE(found[0].reason.empty());
  EXPECT_FALSE(found[0].fix.empty());
}

TEST_F(Rapl, TypesAnUnreadableCounter) {
  add_zone("intel-rapl:0", "package-0", "1000000");
  const auto found = find();
  add_zone("intel-rapl:0", "package-0", "garbage");
  EXPECT_EQ(found[0].meter->read().energy.status, ReadStatus::kError);
  add_zone("intel-rapl:0", "package-0", "nan");
  EXPECT_EQ(found[0].meter->read().energy.status, ReadStatus::kNotFinite);
  add_zone("intel-rapl:0", "package-0", "0");
  EXPECT_EQ(found[0].meter->read().energy.status, ReadStatus::kZero);
}

}  // namespace
}  // namespace qtrap::power
