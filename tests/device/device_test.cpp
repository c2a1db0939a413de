// The device layer on whatever device OpenCL offers (PoCL in CI).
#include "device/device.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <regex>

#include "device/probe.hpp"
#include "support/device_fixture.hpp"
#include "support/temporary_folder.hpp"

namespace qtrap::device {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

DeviceInfo make_info(int index, std::string name, DeviceType type, const std::string& pci = "") {
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

class OnDevice : public test::DeviceTest {};

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
    ASSERT_TRUE(times[i].has_value());
    EXPECT_LE(times[i]->start, times[i]->end);
    if (i > 0) EXPECT_LE(times[i - 1]->end, times[i]->start);
  }
}

TEST_F(OnDevice, GivesEventsInPartsAndPassesMarksInOrder) {
  Kernel kernel = device_->make_kernel("probe/timer.cl", "probe_timer", "").value();
  const Buffer out = device_->make_buffer(256).value();
  const Argument arguments[] = {BufferArg{out, Access::kWrite}, 1000U};
  kernel.set_arguments(arguments);
  const Launch launch{kernel, {{64, 1, 1}, {0, 0, 0}}};
  for (int i = 0; i < 5; ++i) device_->enqueue_profiled(launch);
  EXPECT_EQ(device_->take_events(2).size(), 3U);
  EXPECT_TRUE(device_->take_events(2).empty());
  EXPECT_EQ(device_->take_events().size(), 2U);
  for (int i = 0; i < 3; ++i) {
    device_->enqueue(launch);
    device_->mark();
    device_->wait_for_marks(1);
  }
  device_->finish();
  device_->wait_for_marks(0);  // passed already
}

TEST_F(OnDevice, StartsAtTheOffsetOfALaunch) {
  const Kernel made = device_->make_kernel("residual/residual_reference.cl", "residual_add_f16_reference", "").value();
  Kernel kernel = made;
  const Buffer x = device_->make_buffer(8 * sizeof(std::uint16_t)).value();
  const Buffer y = device_->make_buffer(8 * sizeof(std::uint16_t)).value();
  device_->fill(x, 0);
  device_->fill(y, 0x3C00);  // ones
  const Argument arguments[] = {BufferArg{x, Access::kReadWrite}, BufferArg{y, Access::kRead}, 8U};
  kernel.set_arguments(arguments);
  device_->enqueue({kernel, {{3, 1, 1}, {0, 0, 0}, {4, 0, 0}}});
  device_->finish();
  EXPECT_EQ(read_vector<std::uint16_t>(*device_, x, 8),
            (std::vector<std::uint16_t>{0, 0, 0, 0, 0x3C00, 0x3C00, 0x3C00, 0}));
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

/// A folder with one kernel file.
KernelSources sources_of(const test::TemporaryFolder& folder, const std::string& text) {
  std::ofstream(folder.path() / "two.cl") << text;
  return KernelSources::from_folder(folder.path()).value();
}

constexpr const char* kTwoKernels =
    "#define ANY_KERNEL __kernel\n"
    "static uint twice(uint x) {\n  return 2 * x;\n}\n"
    "__kernel void first_gpu(__global uint* out) {\n  out[0] = twice(1);\n}\n"
    "// a comment\n"
    "ANY_KERNEL void second_gpu(\n    __global uint* out) {\n  out[0] = no_such_function(1);\n}\n";

TEST(KernelSources, KeepsOneKernelOfAFileWithEverythingThatIsNone) {
  const test::TemporaryFolder folder;
  const auto sources = sources_of(folder, kTwoKernels);
  const std::string whole = sources.text("two.cl").value();
  const std::string first = sources.text_of_entry("two.cl", "first_gpu").value();
  EXPECT_THAT(first, HasSubstr("static uint twice"));
  EXPECT_THAT(first, HasSubstr("first_gpu"));
  EXPECT_THAT(first, Not(HasSubstr("second_gpu")));
  EXPECT_THAT(first, Not(HasSubstr("no_such_function")));
  EXPECT_EQ(std::count(first.begin(), first.end(), '\n'), std::count(whole.begin(), whole.end(), '\n'))
      << "lines stay where they are";
  EXPECT_THAT(sources.text_of_entry("two.cl", "second_gpu").value(), Not(HasSubstr("first_gpu")));
}

/// Names of the kernels that a text defines.
std::vector<std::string> kernels_in(const std::string& text) {
  static const std::regex definition(R"((?:KERNEL|kernel) void (\w+)\()");
  std::vector<std::string> names;
  for (std::sregex_iterator found(text.begin(), text.end(), definition), end; found != end; ++found)
    names.push_back((*found)[1]);
  return names;
}

TEST(KernelSources, FindsEveryKernelOfTheTree) {
  const auto sources = KernelSources::embedded();
  std::size_t files = 0;
  for (const auto& [path, text] : sources.files()) {
    if (!path.ends_with(".cl") || path.starts_with("probe/")) continue;  // the probes have no family
    ++files;
    const std::string family = path.substr(path.rfind('_'), path.rfind('.') - path.rfind('_'));
    const auto entries = kernels_in(sources.text(path).value());
    EXPECT_FALSE(entries.empty()) << path;
    if (path.find("frame_") != std::string::npos || path.starts_with("attention/attend_")) {
      // One kernel, whose name the format completes: nothing to leave out. More than one: by the form of activations.
      EXPECT_THAT(entries, ::testing::Each(::testing::AnyOf("FRAME_ENTRY", "ATTEND"))) << path;
      EXPECT_EQ(kernels_in(sources.text_of_entry(path, "any" + family).value()), entries) << path;
      continue;
    }
    for (const std::string& entry : entries) {
      EXPECT_TRUE(entry.ends_with(family)) << path << ", " << entry;
      EXPECT_THAT(kernels_in(sources.text_of_entry(path, entry).value()), ElementsAre(entry)) << path;
    }
    EXPECT_THAT(kernels_in(sources.text_of_entry(path, "none" + family).value()), IsEmpty()) << path;
  }
  EXPECT_GT(files, 20U);
}

TEST_F(OnDevice, AnErrorInOneKernelOfAFileCostsThatKernelAlone) {
  const test::TemporaryFolder folder;
  Device device(info_, sources_of(folder, kTwoKernels));
  EXPECT_FALSE(device.make_kernel("two.cl", "second_gpu", "").ok());
  auto kernel = device.make_kernel("two.cl", "first_gpu", "");
  ASSERT_TRUE(kernel.ok()) << kernel.error().message();
  const Buffer out = device.make_buffer(4).value();
  const Argument arguments[] = {BufferArg{out, Access::kWrite}};
  kernel.value().set_arguments(arguments);
  device.enqueue({kernel.value(), {{1, 1, 1}, {1, 1, 1}}});
  EXPECT_EQ(read_vector<std::uint32_t>(device, out, 1).front(), 2U);
}

TEST_F(OnDevice, AFailedLaunchNamesKernelAndSizesAndTheDeviceGoesOn) {
  const Kernel kernel = device_->make_kernel("probe/timer.cl", "probe_timer", "", "the timer").value();
  try {
    device_->enqueue({kernel, {{64, 1, 1}, {32, 1, 1}}});
    FAIL() << "the launch was accepted";
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("launch of the timer, 64x1x1 items in groups of 32x1x1"));
  }
  EXPECT_TRUE(device_->still_works());
}

TEST_F(OnDevice, RefusesAGroupThatIsLargerThanTheDeviceTakes) {
  info_.max_work_group = 64;
  Device device(info_, KernelSources::embedded());
  const Kernel kernel = device.make_kernel("probe/timer.cl", "probe_timer", "").value();
  EXPECT_LE(kernel.largest_group(), 64U);
  try {
    device.enqueue({kernel, {{128, 1, 1}, {128, 1, 1}}});
    FAIL() << "the launch was accepted";
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("a group holds at most"));
    EXPECT_THAT(error.what(), HasSubstr("choose another device with --device"));
  }
}

TEST_F(OnDevice, TellsOfEachBuildAndOfEachCarefulLaunch) {
  std::vector<std::string> steps;
  device_->set_watch([&](const Step& step) { steps.push_back(step.words()); });
  Kernel kernel = device_->make_kernel("probe/timer.cl", "probe_timer", "-DTOLD").value();
  (void)device_->make_kernel("probe/timer.cl", "probe_timer", "-DTOLD").value();
  const Buffer out = device_->make_buffer(256).value();
  const Argument arguments[] = {BufferArg{out, Access::kWrite}, 1U};
  kernel.set_arguments(arguments);
  const Launch launch{kernel, {{64, 1, 1}, {64, 1, 1}}};
  device_->enqueue(launch);
  device_->set_careful(true);
  device_->enqueue(launch);
  device_->set_careful(false);
  EXPECT_THAT(steps, ElementsAre("build of probe_timer (probe/timer.cl with -DTOLD)", "",
                                 "launch of probe_timer (64x1x1 items in groups of 64x1x1)", ""));
}

TEST(KernelSources, InlinesIncludesOnceWithLineDirectives) {
  const auto folder = std::filesystem::path(QTRAP_SOURCE_DIR) / "kernels";
  const auto sources = KernelSources::from_folder(folder).value();
  EXPECT_EQ(sources.sha256(), KernelSources::embedded().sha256()) << "the embedded files are those of the tree";
}

TEST(KernelSources, PassesOverLinksThatLeadNowhereAndRefusesThoseNamedAsKernels) {
  const test::TemporaryFolder folder;
  ASSERT_EQ(sources_of(folder, kTwoKernels).files().size(), 1U);
  std::filesystem::create_symlink("loop", folder.path() / "loop");
  std::filesystem::create_symlink(folder.path(), folder.path() / "up");
  ASSERT_EQ(sources_of(folder, kTwoKernels).files().size(), 1U) << "no link to a folder is followed";
  for (const char* name : {"loop.cl", "nowhere.clh"}) {
    std::filesystem::create_symlink(name, folder.path() / name);
    const auto sources = KernelSources::from_folder(folder.path());
    ASSERT_FALSE(sources.ok());
    EXPECT_THAT(sources.error().message(), HasSubstr((folder.path() / name).string()));
    std::filesystem::remove(folder.path() / name);
  }
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
