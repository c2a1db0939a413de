// The device that the program would choose, opened once per test; a machine without one skips visibly.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "device/device.hpp"

namespace qtrap::test {

/// With a SetUp of its own, a test calls this one first and returns where it IsSkipped().
class DeviceTest : public ::testing::Test {
 protected:
  /// `selector`: as of `--device`.
  explicit DeviceTest(std::string selector = "") : selector_(std::move(selector)) {}
  void SetUp() override {
    const auto devices = device::list_devices();
    if (!devices) GTEST_SKIP() << devices.error().message();
    const auto chosen = device::select_device(devices.value(), selector_);
    if (!chosen) GTEST_SKIP() << chosen.error().message();
    info_ = chosen.value();
    device_.emplace(info_, device::KernelSources::embedded());
  }
  device::Device& device() { return *device_; }

  device::DeviceInfo info_;
  std::optional<device::Device> device_;

 private:
  std::string selector_;
};

/// For what is checked on a CPU only.
class CpuTest : public DeviceTest {
 protected:
  CpuTest() : DeviceTest("cpu") {}
};

}  // namespace qtrap::test
