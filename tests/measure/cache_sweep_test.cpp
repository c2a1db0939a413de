// What sysfs says of caches, in folders like it.
#include "measure/ceilings/cache_sweep.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/temporary_folder.hpp"

namespace qtrap::measure {
namespace {

class SystemCache : public ::testing::Test {
 protected:
  void write_line(const std::string& path, const std::string& text) const {
    folder_.write(path, fmt::format("{}\n", text));
  }
  void cache_of(int cpu, int index, const char* level, const char* type, const char* size, const char* shared) const {
    const auto folder = "sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index" + std::to_string(index);
    write_line(folder + "/level", level);
    write_line(folder + "/type", type);
    write_line(folder + "/size", size);
    write_line(folder + "/shared_cpu_list", shared);
  }
  const test::TemporaryFolder folder_;
};

TEST_F(SystemCache, OfACpuIsThoseOfTheHighestLevelThatTheProcessMayUse) {
  for (int cpu = 0; cpu < 12; ++cpu) {
    const std::string own = std::to_string(cpu);
    const std::string four = fmt::format("{}-{}", cpu / 4 * 4, cpu / 4 * 4 + 3);
    cache_of(cpu, 0, "1", "Data", "32K", own.c_str());
    cache_of(cpu, 2, "2", "Unified", "1024K", own.c_str());
    cache_of(cpu, 3, "3", "Unified", "32768K", four.c_str());
  }
  write_line("sys/devices/system/cpu/cpufreq/boost", "1");
  device::DeviceInfo info;
  info.type = device::DeviceType::kCpu;
  EXPECT_EQ(read_system_cache(info, {}, folder_.path()), std::uint64_t{96} << 20);
  EXPECT_EQ(read_system_cache(info, {1}, folder_.path()), std::uint64_t{32} << 20);
  EXPECT_EQ(read_system_cache(info, {1, 2, 10, 11}, folder_.path()), std::uint64_t{64} << 20);
  const test::TemporaryFolder empty;
  EXPECT_EQ(read_system_cache(info, {}, empty.path()), std::nullopt);
}

TEST_F(SystemCache, OfAnAmdGpuIsThatOfItsNode) {
  const auto node = [&](const std::string& number, const std::string& location, const std::string& megabytes) {
    const std::string folder = "sys/class/kfd/kfd/topology/nodes/" + number;
    write_line(folder + "/properties", "simd_count 1216\nlocation_id " + location + "\ndomain 0");
    write_line(folder + "/caches/0/properties", "level 1\nsize 32");
    write_line(folder + "/caches/1/properties", "level 2\nsize 4096");
    write_line(folder + "/caches/2/properties", "level 3\nsize " + megabytes);
  };
  node("1", "768", "98304");     // 03:00.0, 96 MiB
  node("2", "33280", "262144");  // 82:00.0, 256 MiB
  device::DeviceInfo info;
  info.type = device::DeviceType::kGpu;
  EXPECT_EQ(read_system_cache(info, {}, folder_.path()), std::nullopt) << "without an address";
  info.pci = "0000:82:00.0";
  EXPECT_EQ(read_system_cache(info, {}, folder_.path()), std::uint64_t{256} << 20);
  info.pci = "0000:03:00.0";
  EXPECT_EQ(read_system_cache(info, {}, folder_.path()), std::uint64_t{96} << 20);
  info.pci = "0001:03:00.0";
  EXPECT_EQ(read_system_cache(info, {}, folder_.path()), std::nullopt);
}

}  // namespace
}  // namespace qtrap::measure
