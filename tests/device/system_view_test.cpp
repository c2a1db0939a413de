// What the system shows of GPUs and drivers, in folders made up for the test.
#include "device/system_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "support/temporary_folder.hpp"

namespace qtrap::device {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Machine : public ::testing::Test {
 protected:
  void put(const std::string& path, const std::string& text = "") { folder_.write(path, text); }
  SystemView view() {
    return {folder_.path(),
            [this](const std::string& name) -> std::optional<std::string> {
              const auto found = variables_.find(name);
              if (found == variables_.end()) return std::nullopt;
              return found->second;
            },
            [this](const std::filesystem::path& path) { return forbidden_ != path.filename(); }};
  }
  std::vector<std::string> missing(const std::vector<DeviceInfo>& devices = {}) {
    return describe_missing_gpus(view(), devices);
  }

  test::TemporaryFolder folder_;
  std::map<std::string, std::string> variables_;
  std::string forbidden_;
};

TEST_F(Machine, WithoutNodesMissesNothing) {
  put("dev/null");
  put("dev/nvidiactl");
  put("dev/nvidia-uvm");
  EXPECT_THAT(missing(), IsEmpty());
}

TEST_F(Machine, ABoardOfNvidiasWithoutItsIcdNamesTheLineThatMakesOne) {
  put("dev/nvidia0");
  ASSERT_THAT(missing(), SizeIs(1));
  EXPECT_THAT(missing()[0], HasSubstr("/dev/nvidia0 shows a GPU of NVIDIA that OpenCL does not offer; no driver is"));
  EXPECT_THAT(missing()[0], HasSubstr("echo libnvidia-opencl.so.1 > /etc/OpenCL/vendors/nvidia.icd"));
}

TEST_F(Machine, ABoardWhoseIcdIsThereBlamesTheDriver) {
  put("dev/nvidia0");
  put("etc/OpenCL/vendors/nvidia.icd", "libnvidia-opencl.so.1\n");
  ASSERT_THAT(missing(), SizeIs(1));
  EXPECT_THAT(missing()[0], HasSubstr("nvidia.icd names the driver libnvidia-opencl.so.1, which gives no GPU"));
}

TEST_F(Machine, ANodeThatMayNotBeOpenedNamesTheGroup) {
  put("dev/kfd");
  put("dev/dri/renderD128");
  put("sys/class/drm/renderD128/device/vendor", "0x1002\n");
  forbidden_ = "renderD128";
  ASSERT_THAT(missing(), SizeIs(1));
  EXPECT_THAT(missing()[0], HasSubstr("/dev/dri/renderD128 shows a GPU of AMD"));
  EXPECT_THAT(missing()[0], HasSubstr("usermod -aG render,video $USER"));
}

TEST_F(Machine, IntelsBoardIsKnownByItsVendorAndOthersAreNoGpus) {
  put("dev/dri/renderD128");
  put("sys/class/drm/renderD128/device/vendor", "0x1af4\n");  // virtio
  EXPECT_THAT(missing(), IsEmpty());
  put("dev/dri/renderD129");
  put("sys/class/drm/renderD129/device/vendor", "0x8086\n");
  ASSERT_THAT(missing(), SizeIs(1));
  EXPECT_THAT(missing()[0], HasSubstr("apt-get install intel-opencl-icd"));
}

TEST_F(Machine, AGpuThatOpenClOffersIsNotMissing) {
  put("dev/nvidia0");
  DeviceInfo gpu;
  gpu.type = DeviceType::kGpu;
  gpu.vendor = "NVIDIA Corporation";
  EXPECT_THAT(missing({gpu}), IsEmpty());
  gpu.vendor = "Intel(R) Corporation";
  EXPECT_THAT(missing({gpu}), SizeIs(1));
  gpu.vendor = "NVIDIA Corporation";
  gpu.type = DeviceType::kCpu;
  EXPECT_THAT(missing({gpu}), SizeIs(1));
}

TEST_F(Machine, AmdgpusBoardsTellTheirDomains) {
  EXPECT_THAT(find_amdgpu_domains(view()), IsEmpty());
  for (const char* address : {"0000:02:00.0", "0001:02:00.0", "0001:03:00.0"})
    put(std::string("sys/bus/pci/drivers/amdgpu/") + address);
  put("sys/bus/pci/drivers/amdgpu/bind");
  put("sys/bus/pci/drivers/amdgpu/new_id");
  EXPECT_THAT(find_amdgpu_domains(view()), ElementsAre("0000", "0001"));
}

TEST_F(Machine, ListsDriversWhereTheLoaderLooks) {
  const auto listed = [&] {
    std::vector<std::string> all;
    for (const auto& driver : list_installed_drivers(view()))
      all.push_back(driver.icd.filename().string() + ":" + driver.library);
    return all;
  };
  EXPECT_THAT(listed(), IsEmpty());
  put("etc/OpenCL/vendors/pocl.icd", "libpocl.so.2\n");
  put("etc/OpenCL/vendors/nvidia.icd", "libnvidia-opencl.so.1");
  put("etc/OpenCL/vendors/README", "no driver");
  EXPECT_THAT(listed(), ElementsAre("nvidia.icd:libnvidia-opencl.so.1", "pocl.icd:libpocl.so.2"));
  put("other/empty.icd");
  variables_["OCL_ICD_VENDORS"] = folder_.path() / "other";
  EXPECT_THAT(listed(), ElementsAre("empty.icd:"));
  variables_["OCL_ICD_VENDORS"] = "pocl.icd";  // a name alone: of the usual folder
  EXPECT_THAT(listed(), ElementsAre("pocl.icd:libpocl.so.2"));
  variables_["OCL_ICD_VENDORS"] = "/opt/libmine.so";
  EXPECT_THAT(listed(), ElementsAre(":/opt/libmine.so"));
}

TEST_F(Machine, PoclsCacheFolderFollowsItsVariables) {
  EXPECT_EQ(find_pocl_cache(view()), "/tmp/pocl/kcache");
  variables_["HOME"] = "/made-up-home";
  EXPECT_EQ(find_pocl_cache(view()), "/made-up-home/.cache/pocl/kcache");
  variables_["XDG_CACHE_HOME"] = "/xdg";
  EXPECT_EQ(find_pocl_cache(view()), "/xdg/pocl/kcache");
  variables_["POCL_CACHE_DIR"] = "/pocl";
  EXPECT_EQ(find_pocl_cache(view()), "/pocl");
}

}  // namespace
}  // namespace qtrap::device
