// The device layer on whatever device OpenCL offers (PoCL in CI).
#include "device/device.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "device/probe.hpp"

namespace qtrap::device {
namespace {

using ::testing::HasSubstr;

DeviceInfo make_info(int index, std::string name, DeviceType type, std::string pci = "") {
  DeviceInfo info;
  info.index = index;
  info.name = std::move(name);
  info.type = type;
  if (!pci.empty()) info.pci = pci;
  return info;
}

std::vector<DeviceInfo> lab() {
  return {make_info(0, "pthread-EPYC", DeviceType::kCpu),
          make_info(1, "NVIDIA A100-SXM4-40GB", DeviceType::kGpu, "0000:3b:00.0"),
          make_info(2, "NVIDIA A100-SXM4-80GB", DeviceType::kGpu, "0000:af:00.0")};
}

TEST(DeviceSelection, TakesTheFirstGpuByDefault) { EXPECT_EQ(select_device(lab(), "").value().index, 1); }

TEST(DeviceSelection, TakesTheCpuWhereThereIsNoGpu) { EXPECT_EQ(select_device({lab()[0]}, "").value().index, 0); }

TEST(DeviceSelection, AcceptsIndexTypePciAddressAndPartOfAName) {
  EXPECT_EQ(select_device(lab(), "2").value().index, 2);
  EXPECT_EQ(select_device(lab(), "cpu").value().index, 0);
  EXPECT_EQ(select_device(lab(), "0000:AF:00.0").value().index, 2);
  EXPECT_EQ(select_device(lab(), "af:00.0").value().index, 2);
  EXPECT_EQ(select_device(lab(), "80gb").value().index, 2);
}

TEST(DeviceSelection, RefusesWhatMatchesNothingOrSeveralAndListsTheChoices) {
  const std::pair<const char*, const char*> kRejects[] = {
      {"7",
       "no device with this index (7): choose one of: 0 pthread-EPYC, 1 NVIDIA A100-SXM4-40GB, 2 NVIDIA "
       "A100-SXM4-80GB"},
      {"a100", "device is ambiguous (a100): choose one by its index: 1 NVIDIA A100-SXM4-40GB, 2 NVIDIA A100-SXM4-80GB"},
      {"mi300",
       "no device matches (mi300): choose one of: 0 pthread-EPYC, 1 NVIDIA A100-SXM4-40GB, 2 NVIDIA A100-SXM4-80GB"},
      {"99999999999999999999", "no device with this index"},
  };
  for (const auto& [selector, message] : kRejects) {
    const auto chosen = select_device(lab(), selector);
    ASSERT_FALSE(chosen.ok()) << selector;
    EXPECT_EQ(chosen.error().kind, ErrorKind::kUsage);
    EXPECT_THAT(chosen.error().message(), HasSubstr(message));
  }
  EXPECT_FALSE(select_device({lab()[0]}, "gpu").ok());
}

class OnDevice : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto devices = list_devices();
    if (!devices) GTEST_SKIP() << devices.error().message();
    info_ = select_device(devices.value(), "").value();
    device_.emplace(info_, KernelSources::embedded());
  }
  DeviceInfo info_;
  std::optional<Device> device_;
};

TEST_F(OnDevice, ListsMemoryAndACompilerVersion) {
  EXPECT_GT(info_.memory_bytes, 0U);
  EXPECT_GT(info_.max_alloc_bytes, 0U);
  EXPECT_THAT(info_.c_version, HasSubstr("OpenCL C"));
  EXPECT_FALSE(info_.id.empty());
}

TEST_F(OnDevice, ReadsBackWhatWasWrittenThroughAView) {
  std::vector<std::uint32_t> values(1000);
  std::iota(values.begin(), values.end(), 7U);
  const Buffer buffer = device_->make_buffer(4000).value();
  write_vector(*device_, buffer, values);
  const Buffer view = device_->make_view(buffer, info_.base_align_bytes, 400);
  EXPECT_EQ(view.queried_size_bytes(), 400U);
  EXPECT_EQ(read_vector<std::uint32_t>(*device_, view, 1).at(0), 7U + info_.base_align_bytes / 4);
}

TEST_F(OnDevice, RefusesAnAllocationThatCannotFit) {
  const auto buffer = device_->make_buffer(info_.max_alloc_bytes + 1);
  ASSERT_FALSE(buffer.ok());
  EXPECT_EQ(buffer.error().kind, ErrorKind::kRuntime);
  EXPECT_THAT(buffer.error().message(), HasSubstr("out of device memory"));
}

TEST_F(OnDevice, NamesTheFileAndTheLogLineOfABuildFailure) {
  const auto kernel = device_->make_kernel("probe/timer.cl", "probe_timer", "-Drounds=)");
  ASSERT_FALSE(kernel.ok());
  EXPECT_THAT(kernel.error().message(), HasSubstr("probe/timer.cl"));
  EXPECT_THAT(kernel.error().message(), HasSubstr("error"));
}

TEST(BuildOptions, TheLanguageVersionGivesWayToOneThatIsAskedFor) {
  EXPECT_EQ(Device::build_options(""), "-cl-std=CL1.2 -cl-mad-enable");
  EXPECT_EQ(Device::build_options("-DROWS=1"), "-cl-std=CL1.2 -cl-mad-enable -DROWS=1");
  EXPECT_EQ(Device::build_options("-cl-std=CL3.0 -DROWS=1"), "-cl-mad-enable -cl-std=CL3.0 -DROWS=1");
}

TEST_F(OnDevice, NamesAMissingEntry) {
  const auto kernel = device_->make_kernel("probe/timer.cl", "no_such_kernel", "");
  ASSERT_FALSE(kernel.ok());
  EXPECT_THAT(kernel.error().message(), HasSubstr("no_such_kernel"));
}

TEST_F(OnDevice, TrustsTheEventTimerOnlyWithAReason) {
  const EventTimerCheck check = device_->check_event_timer();
  EXPECT_FALSE(check.reason.empty());
  EXPECT_TRUE(device_->take_events().empty()) << "the check leaves no event behind";
}

TEST_F(OnDevice, ProbesEveryCapabilityAndGivesAReason) {
  device_->probe_capabilities();
  ASSERT_EQ(device_->info().capabilities.size(), probe_programs().size() - 1) << "all but the event timer's";
  for (const Capability& capability : device_->info().capabilities) {
    EXPECT_TRUE(capability.probed.has_value());
    EXPECT_FALSE(capability.reason.empty()) << capability.name;
  }
}

TEST_F(OnDevice, CountsOneEventPerProfiledLaunchInOrder) {
  Kernel kernel = device_->make_kernel("probe/timer.cl", "probe_timer", "").value();
  const Buffer out = device_->make_buffer(256).value();
  const Argument arguments[] = {BufferArg{out, Access::kWrite}, 1000U};
  kernel.set_arguments(arguments);
  for (int i = 0; i < 5; ++i) device_->enqueue_profiled({kernel, {{64, 1, 1}, {0, 0, 0}}});
  const auto times = device_->take_events();
  ASSERT_EQ(times.size(), 5U);
  if (!device_->check_event_timer().trusted) GTEST_SKIP() << "this driver's event stamps are not trusted";
  for (std::size_t i = 0; i < times.size(); ++i) {
    EXPECT_LE(times[i].start, times[i].end);
    if (i > 0) EXPECT_LE(times[i - 1].end, times[i].start);
  }
}

TEST_F(OnDevice, AnUnsetArgumentIsADeviceErrorThatNamesTheCall) {
  const Kernel kernel = device_->make_kernel("probe/timer.cl", "probe_timer", "").value();
  try {
    device_->enqueue({kernel, {{64, 1, 1}, {0, 0, 0}}});
    FAIL() << "the launch was accepted";
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("CL_INVALID_KERNEL_ARGS"));
  }
}

TEST(KernelSources, InlinesIncludesOnceWithLineDirectives) {
  const auto folder = std::filesystem::path(QTRAP_SOURCE_DIR) / "kernels";
  const auto sources = KernelSources::from_folder(folder).value();
  EXPECT_EQ(sources.sha256(), KernelSources::embedded().sha256()) << "the embedded files are those of the tree";
}

TEST(KernelSources, RefusesAFolderWithoutKernels) {
  for (const char* folder : {"/nonexistent", "/proc/self/fd"}) {
    const auto sources = KernelSources::from_folder(folder);
    ASSERT_FALSE(sources.ok());
    EXPECT_THAT(sources.error().message(), HasSubstr("give --kernel-dir a copy of the folder kernels/"));
  }
}

}  // namespace
}  // namespace qtrap::device
