#include "device/host_limits.hpp"

#include <gtest/gtest.h>

namespace qtrap::device {
namespace {

MachineLimits on(std::vector<int> processors) {
  MachineLimits limits;
  limits.processors = std::move(processors);
  return limits;
}

TEST(PoclSettings, BindThreadsOnAWholeMachine) {
  const auto settings = choose_pocl_settings(on({0, 1, 2, 3}), 4, {});
  EXPECT_TRUE(settings.affinity);
  EXPECT_FALSE(settings.threads.has_value()) << "PoCL's own number is right";
}

TEST(PoclSettings, DoNotBindWhereThreadsWouldLeaveTheMask) {
  EXPECT_FALSE(choose_pocl_settings(on({1}), 2, {}).affinity) << "docker --cpuset-cpus=1";
  EXPECT_EQ(choose_pocl_settings(on({1}), 2, {}).threads, 1);
  EXPECT_FALSE(choose_pocl_settings(on({0, 2}), 4, {}).affinity);
  EXPECT_TRUE(choose_pocl_settings(on({0, 1}), 4, {}).affinity);
  EXPECT_EQ(choose_pocl_settings(on({0, 1}), 4, {}).threads, 2);
  EXPECT_FALSE(choose_pocl_settings(on({}), 4, {}).affinity) << "no /proc";
}

TEST(PoclSettings, KeepTheUsersNumberOfThreads) {
  const auto settings = choose_pocl_settings(on({0, 1}), 4, 4);
  EXPECT_FALSE(settings.threads.has_value());
  EXPECT_FALSE(settings.affinity) << "threads 2 and 3 would leave the mask";
  EXPECT_TRUE(choose_pocl_settings(on({0, 1}), 4, 1).affinity);
}

TEST(BoundMemory, LeavesRoomForTheProgram) {
  MachineLimits limits;
  EXPECT_EQ(bound_memory(1000, limits), 1000U);
  limits.memory_room_bytes = std::uint64_t{2} << 30;
  EXPECT_EQ(bound_memory(1000, limits), 1000U);
  const std::uint64_t bound = bound_memory(std::uint64_t{16} << 30, limits);
  EXPECT_LT(bound, *limits.memory_room_bytes);
  EXPECT_GT(bound, std::uint64_t{1} << 30);
  limits.memory_room_bytes = 1000;
  EXPECT_EQ(bound_memory(std::uint64_t{16} << 30, limits), 0U);
}

}  // namespace
}  // namespace qtrap::device
