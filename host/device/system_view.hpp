// What the operating system shows of GPUs and of OpenCL's installed drivers, without loading one. The real view is the
// only one a program gets; tests make one of a folder of their own, so that no test looks at the machine's own /dev.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "device/device_info.hpp"

namespace qtrap::device {

/// Files below a root, environment variables, and who may use a device node.
struct SystemView {
  std::filesystem::path root = "/";
  std::function<std::optional<std::string>(const std::string&)> variable;  ///< of the environment; absent also if empty
  std::function<bool(const std::filesystem::path&)> may_use;               ///< read and write allowed

  static SystemView system();
};

/// PCI domains ("0000") of the boards that the amdgpu kernel driver holds; empty where sysfs does not show them.
std::set<std::string> find_amdgpu_domains(const SystemView& view);

/// A driver that OpenCL's loader was told to load.
struct InstalledDriver {
  std::filesystem::path icd;  ///< the .icd file; empty where OCL_ICD_VENDORS names the library itself
  std::string library;        ///< its first line; empty for an empty or unreadable file
};
/// As the loader looks: OCL_ICD_VENDORS, else OPENCL_VENDOR_PATH, else /etc/OpenCL/vendors; sorted by file.
std::vector<InstalledDriver> list_installed_drivers(const SystemView& view);
/// The folder or file that list_installed_drivers() looks at.
std::filesystem::path find_driver_folder(const SystemView& view);

/// One line for each vendor whose node is here and of which `devices` has no GPU: what is seen, and the command that
/// mends it.
std::vector<std::string> describe_missing_gpus(const SystemView& view, const std::vector<DeviceInfo>& devices);

/// Where PoCL keeps compiled kernels, without which it gives no device: POCL_CACHE_DIR, else below XDG_CACHE_HOME, HOME
/// or /tmp.
std::filesystem::path find_pocl_cache(const SystemView& view);

}  // namespace qtrap::device
