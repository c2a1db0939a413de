// The first device, opened once per test; a machine without one skips visibly.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "device/device.hpp"

namespace qtrap::test {

class DeviceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto devices = device::list_devices();
    if (!devices) GTEST_SKIP() << devices.error().message();
    info_ = devices.value().front();
    device_.emplace(info_, device::KernelSources::embedded());
  }
  device::Device& device() { return *device_; }

  device::DeviceInfo info_;
  std::optional<device::Device> device_;
};

}  // namespace qtrap::test
