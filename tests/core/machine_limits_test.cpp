#include "core/machine_limits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temporary_folder.hpp"

namespace qtrap {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kVersion1 =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
constexpr const char* kVersion2 = "30 23 0:26 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

/// A simulated machine.
class Machine : public ::testing::Test {
 protected:
  MachineLimits read(std::map<std::string, std::string> environment = {}) const {
    return read_machine_limits({root_, std::move(environment)});
  }
  void SetUp() override { folder_.write("proc/meminfo", "MemTotal:       16777216 kB\n"); }

  const test::TemporaryFolder folder_;
  const std::filesystem::path& root_ = folder_.path();
};

TEST(ProcessorList, IsReadAndWrittenInRanges) {
  EXPECT_THAT(*parse_processor_list("0-3,8\n"), ElementsAre(0, 1, 2, 3, 8));
  EXPECT_THAT(*parse_processor_list("5"), ElementsAre(5));
  EXPECT_EQ(format_processor_list({0, 1, 2, 3, 8, 10, 11}), "0-3,8,10-11");
  EXPECT_EQ(format_processor_list({}), "");
  for (const char* bad : {"", "x", "3-1", "-1", "1-", "0-99999999", "1 2"})
    EXPECT_FALSE(parse_processor_list(bad).has_value()) << bad;
}

TEST(ControlGroups, AreThoseOfTheProcessAndAllAbove) {
  EXPECT_THAT(find_control_groups(kVersion2, "0::/user.slice/job\n", "memory"),
              ElementsAre("/sys/fs/cgroup/user.slice/job", "/sys/fs/cgroup/user.slice", "/sys/fs/cgroup"));
  EXPECT_THAT(find_control_groups(kVersion1, "4:memory:/docker/x\n3:cpu,cpuacct:/y\n0::/z\n", "memory"),
              ElementsAre("/sys/fs/cgroup/memory/docker/x", "/sys/fs/cgroup/memory/docker", "/sys/fs/cgroup/memory"));
  EXPECT_THAT(find_control_groups(kVersion1, "3:cpu,cpuacct:/y\n", "cpu"),
              ElementsAre("/sys/fs/cgroup/cpu,cpuacct/y", "/sys/fs/cgroup/cpu,cpuacct"));
}

TEST(ControlGroups, OfAContainerBeginAtTheMountsRoot) {
  const char* mounted = "35 31 0:32 /docker/x /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
  EXPECT_THAT(find_control_groups(mounted, "4:memory:/docker/x\n", "memory"), ElementsAre("/sys/fs/cgroup/memory"));
  EXPECT_THAT(find_control_groups(kVersion2, "0::/../..\n", "memory"), ElementsAre("/sys/fs/cgroup"));
  EXPECT_THAT(find_control_groups("", "0::/x\n", "memory"), IsEmpty());
  EXPECT_THAT(find_control_groups(kVersion2, "", "memory"), IsEmpty());
}

TEST_F(Machine, WithoutLimitsLimitsNothing) {
  const auto limits = read();
  EXPECT_THAT(limits.processors, IsEmpty());
  EXPECT_FALSE(limits.cpu_quota || limits.granted || limits.memory_limit_bytes || limits.memory_room_bytes);
  EXPECT_FALSE(limits.usable_threads().has_value());
  EXPECT_FALSE(limits.is_dense(1)) << "an unknown mask is no reason to bind threads";
}

TEST_F(Machine, TheMaskIsCutToWhatIsOnline) {
  folder_.write("proc/self/status", "Name:\tqtrap\nCpus_allowed:\tffff\nCpus_allowed_list:\t0-127\n");
  folder_.write("sys/devices/system/cpu/online", "0-3\n");
  EXPECT_THAT(read().processors, ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(read().usable_threads(), 4);
}

TEST_F(Machine, ThreadsAreBoundOnlyWhereTheMaskBeginsAtZeroAndHasNoHole) {
  const std::pair<const char*, bool> masks[] = {
      {"0-1", true}, {"0-3", true}, {"1-2", false}, {"1", false}, {"0,2", false}};
  for (const auto& [mask, dense] : masks) {
    folder_.write("proc/self/status", "Cpus_allowed_list:\t" + std::string(mask) + "\n");
    const auto limits = read();
    EXPECT_EQ(limits.is_dense(*limits.usable_threads()), dense) << mask;
  }
}

TEST_F(Machine, TheLeastQuotaUpTheTreeCountsInBothVersions) {
  folder_.write("proc/self/status", "Cpus_allowed_list:\t0-7\n");
  folder_.write("proc/self/mountinfo", kVersion2);
  folder_.write("proc/self/cgroup", "0::/a/b\n");
  folder_.write("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  folder_.write("sys/fs/cgroup/a/cpu.max", "250000 100000\n");
  folder_.write("sys/fs/cgroup/a/cpu.stat", "usage_usec 5\nnr_periods 9\nnr_throttled 7\n");
  auto limits = read();
  EXPECT_EQ(limits.cpu_quota, 2.5);
  EXPECT_EQ(limits.usable_threads(), 2) << "a third thread would be stopped in every period";
  EXPECT_EQ(read_throttled_periods(limits.quota_files), 7U);
  folder_.write("proc/self/mountinfo", kVersion1);
  folder_.write("proc/self/cgroup", "3:cpu,cpuacct:/y\n");
  folder_.write("sys/fs/cgroup/cpu,cpuacct/y/cpu.cfs_quota_us", "40000\n");
  folder_.write("sys/fs/cgroup/cpu,cpuacct/y/cpu.cfs_period_us", "100000\n");
  folder_.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  folder_.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  limits = read();
  EXPECT_EQ(limits.cpu_quota, 0.4);
  EXPECT_EQ(limits.usable_threads(), 1);
  EXPECT_EQ(read_throttled_periods(limits.quota_files), 0U) << "no cpu.stat there";
}

TEST_F(Machine, TheLeastMemoryLimitUpTheTreeCountsInBothVersions) {
  folder_.write("proc/self/mountinfo", kVersion2);
  folder_.write("proc/self/cgroup", "0::/a/b\n");
  folder_.write("sys/fs/cgroup/a/b/memory.max", "max\n");
  folder_.write("sys/fs/cgroup/a/memory.max", "1000000000\n");
  folder_.write("sys/fs/cgroup/a/memory.stat", "anon 300000000\nfile 600000000\n");
  auto limits = read();
  EXPECT_EQ(limits.memory_limit_bytes, 1000000000U);
  EXPECT_EQ(limits.memory_room_bytes, 700000000U) << "cached file pages give way";
  folder_.write("proc/self/mountinfo", kVersion1);
  folder_.write("proc/self/cgroup", "4:memory:/m\n");
  folder_.write("sys/fs/cgroup/memory/m/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_FALSE(read().memory_limit_bytes.has_value()) << "how version 1 says none";
  folder_.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "629145600\n");
  folder_.write("sys/fs/cgroup/memory/memory.stat", "rss 1\ntotal_rss 629145601\n");
  limits = read();
  EXPECT_EQ(limits.memory_limit_bytes, 629145600U);
  EXPECT_EQ(limits.memory_room_bytes, 0U);
}

TEST_F(Machine, ABatchJobsGrantLimitsWhereNothingConfinesIt) {
  folder_.write("proc/self/status", "Cpus_allowed_list:\t0-63\n");
  auto limits = read({{"SLURM_CPUS_ON_NODE", "8"}, {"SLURM_MEM_PER_CPU", "1024"}});
  EXPECT_EQ(limits.usable_threads(), 8);
  EXPECT_EQ(limits.memory_limit_bytes, std::uint64_t{8} << 30);
  limits = read({{"SLURM_CPUS_ON_NODE", "8"}, {"SLURM_CPUS_PER_TASK", "2"}, {"SLURM_MEM_PER_NODE", "0"}});
  EXPECT_EQ(limits.usable_threads(), 2);
  EXPECT_FALSE(limits.memory_limit_bytes.has_value()) << "0 is the whole node";
  limits = read({{"SLURM_CPUS_ON_NODE", "8(x2)"}, {"SLURM_MEM_PER_NODE", "-5"}});
  EXPECT_EQ(limits.usable_threads(), 64);
  EXPECT_FALSE(limits.memory_limit_bytes.has_value());
}

}  // namespace
}  // namespace qtrap
