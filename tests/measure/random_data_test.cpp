// Random data in buffers of any size, on whatever device OpenCL offers.
#include "measure/ceilings/random_data.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "core/half.hpp"
#include "support/device_fixture.hpp"

namespace qtrap::measure {
namespace {

class OnDeviceRandomData : public test::DeviceTest {};

TEST_F(OnDeviceRandomData, IsAboutNormalAndLeavesAnOddByteAlone) {
  constexpr std::uint64_t kCount = 4096;
  const device::Buffer buffer = device_->make_buffer(2 * kCount + 1).value();
  device::write_vector(*device_, buffer, std::vector<std::uint8_t>(2 * kCount + 1, 0xA5));
  ASSERT_TRUE(fill_random(*device_, buffer));
  EXPECT_EQ(device::read_vector<std::uint8_t>(*device_, buffer, 2 * kCount + 1).back(), 0xA5);
  const auto halves = device::read_vector<std::uint16_t>(*device_, buffer, kCount);
  double sum = 0;
  double squares = 0;
  for (const std::uint16_t half : halves) {
    const double value = static_cast<double>(float_from_half(half));
    sum += value;
    squares += value * value;
  }
  const double mean = sum / kCount;
  EXPECT_NEAR(mean, 0, 4 * 0.02 / std::sqrt(kCount));
  EXPECT_NEAR(std::sqrt(squares / kCount - mean * mean), 0.02, 4 * 0.02 / std::sqrt(2.0 * kCount));
  EXPECT_GT(std::set<std::uint16_t>(halves.begin(), halves.end()).size(), 300U) << "of 1021 sums of four bytes";
}

TEST_F(OnDeviceRandomData, OfALargeBufferIsDrawnOnceAndRepeated) {
  constexpr std::uint64_t kDrawn = (std::uint64_t{64} << 20) / 2;  // numbers
  constexpr std::uint64_t kRest = 1000;
  const auto buffer = make_random_buffer(*device_, 2 * (kDrawn + kRest));
  if (!buffer) GTEST_SKIP() << buffer.error().message();
  const auto halves = device::read_vector<std::uint16_t>(*device_, buffer.value(), kDrawn + kRest);
  EXPECT_TRUE(std::equal(halves.end() - kRest, halves.end(), halves.begin()));
  EXPECT_FALSE(std::equal(halves.begin(), halves.begin() + kRest, halves.begin() + kRest)) << "no sooner";
}

TEST_F(OnDeviceRandomData, OfASingleByteIsNone) {
  const device::Buffer buffer = device_->make_buffer(1).value();
  device::write_vector(*device_, buffer, std::vector<std::uint8_t>{0x5A});
  ASSERT_TRUE(fill_random(*device_, buffer));
  EXPECT_EQ(device::read_vector<std::uint8_t>(*device_, buffer, 1).front(), 0x5A);
}

}  // namespace
}  // namespace qtrap::measure
