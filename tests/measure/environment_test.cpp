#include "measure/environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/temporary_folder.hpp"

namespace qtrap::measure {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class FakeRoot : public ::testing::Test {
 protected:
  const test::TemporaryFolder folder_;
  const std::filesystem::path& root_ = folder_.path();
};

TEST_F(FakeRoot, ReadsCpuMemoryAndGovernor) {
  folder_.write("proc/cpuinfo", "processor\t: 0\nmodel name\t: Some CPU\n");
  folder_.write("proc/meminfo", "MemTotal:       1000 kB\nMemFree: 10 kB\n");
  folder_.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
  const auto host = read_host({}, root_);
  EXPECT_EQ(host.cpu, "Some CPU");
  EXPECT_EQ(host.memory_bytes, 1024000);
  EXPECT_EQ(host.governor, "powersave");
  EXPECT_THAT(find_hazards(host, {}, root_), Contains(HasSubstr("governor is powersave")));
}

TEST_F(FakeRoot, WhatCannotBeReadIsAbsentAndAHazard) {
  const auto host = read_host({}, root_);
  EXPECT_FALSE(host.cpu.has_value());
  EXPECT_FALSE(host.memory_bytes.has_value());
  EXPECT_THAT(find_hazards(host, {}, root_), Contains("governor unknown"));
}

TEST_F(FakeRoot, AHighLoadAverageIsAHazard) {
  folder_.write("proc/loadavg", "5000.00 1 1 1/1 1\n");
  EXPECT_THAT(find_hazards({}, {}, root_), Contains(HasSubstr("load average 5000.00")));
  folder_.write("proc/loadavg", "0.00 1 1 1/1 1\n");
  EXPECT_THAT(find_hazards({}, {}, root_), ::testing::Not(Contains(HasSubstr("load average"))));
}

TEST_F(FakeRoot, WhatTheProcessMayUseIsRecordedAndAQuotaIsAHazard) {
  MachineLimits limits;
  limits.processors = {0, 1, 5};
  limits.cpu_quota = 1.5;
  limits.memory_limit_bytes = 1 << 30;
  const auto host = read_host(limits, root_);
  EXPECT_EQ(host.allowed_processors, "0-1,5");
  EXPECT_EQ(host.cpu_quota, 1.5);
  EXPECT_EQ(host.memory_limit_bytes, 1 << 30);
  EXPECT_EQ(describe_limits(limits), "processors 0-1,5, quota of 1.50 processors, 1024 MiB of memory");
  EXPECT_EQ(describe_limits({}), "processors unknown, no quota, no memory limit");
  EXPECT_THAT(find_hazards(host, limits, root_), Contains(HasSubstr("a processor quota of 1.50 of 3 processors")));
  limits.cpu_quota = 3;
  EXPECT_THAT(find_hazards(host, limits, root_), ::testing::Not(Contains(HasSubstr("quota"))));
}

TEST_F(FakeRoot, TheMachinesLoadAverageTellsNothingOfAPartOfIt) {
  folder_.write("proc/loadavg", "5000.00 1 1 1/1 1\n");
  MachineLimits part;
  part.processors = {0};
  if (sysconf(_SC_NPROCESSORS_ONLN) < 2) GTEST_SKIP() << "one processor is all of the machine";
  EXPECT_THAT(find_hazards({}, part, root_), ::testing::Not(Contains(HasSubstr("load average"))));
}

}  // namespace
}  // namespace qtrap::measure
