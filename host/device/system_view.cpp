#include "device/system_view.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "core/file.hpp"
#include "core/text.hpp"

namespace qtrap::device {
namespace {

namespace fs = std::filesystem;

struct Vendor {
  const char* name;
  const char* pci;                      ///< as sysfs writes it
  std::array<const char*, 2> in_names;  ///< of OpenCL's vendor string, lower case
  const char* icd_word;                 ///< part of the name of its .icd files
  const char* install;                  ///< without an .icd file
};
constexpr Vendor kVendors[] = {
    {"NVIDIA",
     "0x10de",
     {"nvidia", "nvidia"},
     "nvidia",
     "mkdir -p /etc/OpenCL/vendors && echo libnvidia-opencl.so.1 > /etc/OpenCL/vendors/nvidia.icd (the driver's "
     "library "
     "must be there: Debian's nvidia-opencl-icd; in a container NVIDIA_DRIVER_CAPABILITIES=compute,utility)"},
    {"AMD",
     "0x1002",
     {"amd", "advanced micro"},
     "amd",
     "install ROCm's OpenCL (rocm-opencl, rocm-opencl-runtime) and echo libamdocl64.so > "
     "/etc/OpenCL/vendors/amdocl64.icd"},
    {"Intel", "0x8086", {"intel", "intel"}, "intel", "apt-get install intel-opencl-icd"}};

constexpr const Vendor& kNvidia = kVendors[0];
constexpr const Vendor& kAmd = kVendors[1];

/// A GPU's device node of the kernel.
struct GpuNode {
  const Vendor* vendor;
  fs::path path;  ///< "/dev/nvidia0"
  bool usable;    ///< this user may open it
};

/// Nodes of every vendor below /dev, those of compute first.
std::vector<GpuNode> list_nodes(const SystemView& view) {
  std::vector<GpuNode> nodes;
  const auto add = [&](const Vendor& vendor, const fs::path& path) {
    nodes.push_back({&vendor, "/" / path.lexically_relative(view.root), view.may_use(path)});
  };
  for (const auto& path : list_folder(view.root / "dev")) {
    const std::string name = path.filename();
    if (name.starts_with("nvidia") && name.size() > 6 && name.find_first_not_of("0123456789", 6) == name.npos)
      add(kNvidia, path);
    if (name == "kfd") add(kAmd, path);
  }
  for (const auto& path : list_folder(view.root / "dev/dri")) {
    const std::string name = path.filename();
    if (!name.starts_with("renderD")) continue;
    const std::string pci = read_first_line(view.root / "sys/class/drm" / name / "device/vendor").value_or("");
    for (const Vendor& vendor : kVendors) {
      if (pci == vendor.pci) add(vendor, path);
    }
  }
  return nodes;
}

/// One node for each vendor with a GPU here. Prefers one that cannot be used, which is what must be mended.
std::vector<GpuNode> find_gpu_nodes(const SystemView& view) {
  std::vector<GpuNode> found;
  for (const GpuNode& node : list_nodes(view)) {
    const auto same = std::find_if(found.begin(), found.end(), [&](const auto& n) { return n.vendor == node.vendor; });
    if (same == found.end()) {
      found.push_back(node);
    } else if (same->usable && !node.usable) {
      *same = node;
    }
  }
  return found;
}

bool has_gpu_of(const Vendor& vendor, const std::vector<DeviceInfo>& devices) {
  return std::any_of(devices.begin(), devices.end(), [&](const DeviceInfo& device) {
    const std::string text = to_lower(device.vendor + " " + device.name);
    return device.type == DeviceType::kGpu &&
           std::any_of(vendor.in_names.begin(), vendor.in_names.end(),
                       [&](const char* word) { return text.find(word) != text.npos; });
  });
}

std::string how_to_mend(const Vendor& vendor, const GpuNode& node, const SystemView& view) {
  if (!node.usable) {
    return fmt::format(
        "this user may not open it: sudo usermod -aG render,video $USER and log in again (in a container: --device {} "
        "--group-add render)",
        node.path.string());
  }
  for (const InstalledDriver& driver : list_installed_drivers(view)) {
    if (to_lower(driver.icd.filename().string() + driver.library).find(vendor.icd_word) == std::string::npos) continue;
    return fmt::format("{} names the driver {}, which gives no GPU: see `clinfo` and dmesg, and reinstall it",
                       driver.icd.string(), driver.library);
  }
  return fmt::format("no driver is named in {}: {}", find_driver_folder(view).string(), vendor.install);
}

}  // namespace

SystemView SystemView::system() {
  return {"/",
          [](const std::string& name) -> std::optional<std::string> {
            const char* value = std::getenv(name.c_str());
            if (value == nullptr || *value == '\0') return std::nullopt;
            return value;
          },
          [](const fs::path& path) { return ::access(path.c_str(), R_OK | W_OK) == 0; }};
}

std::set<std::string> find_amdgpu_domains(const SystemView& view) {
  std::set<std::string> domains;
  for (const auto& path : list_folder(view.root / "sys/bus/pci/drivers/amdgpu")) {
    const std::string name = path.filename();
    const auto colon = name.find(':');
    if (colon == 4 && name.find(':', colon + 1) != name.npos) domains.insert(name.substr(0, colon));
  }
  return domains;
}

fs::path find_driver_folder(const SystemView& view) {
  for (const char* name : {"OCL_ICD_VENDORS", "OPENCL_VENDOR_PATH"}) {
    if (const auto path = view.variable(name)) return *path;
  }
  return view.root / "etc/OpenCL/vendors";
}

std::vector<InstalledDriver> list_installed_drivers(const SystemView& view) {
  const fs::path place = find_driver_folder(view);
  std::vector<InstalledDriver> drivers;
  std::error_code failed;
  if (fs::is_directory(place, failed)) {
    for (const auto& path : list_folder(place)) {
      if (path.extension() == ".icd") drivers.push_back({path, read_first_line(path).value_or("")});
    }
  } else if (place.extension() == ".icd") {
    const fs::path file = place.has_parent_path() ? place : view.root / "etc/OpenCL/vendors" / place;
    drivers.push_back({file, read_first_line(file).value_or("")});
  } else if (view.variable("OCL_ICD_VENDORS")) {
    drivers.push_back({{}, place.string()});
  }
  return drivers;
}

std::vector<std::string> describe_missing_gpus(const SystemView& view, const std::vector<DeviceInfo>& devices) {
  std::vector<std::string> lines;
  for (const GpuNode& node : find_gpu_nodes(view)) {
    if (has_gpu_of(*node.vendor, devices)) continue;
    lines.push_back(fmt::format("{} shows a GPU of {} that OpenCL does not offer; {}", node.path.string(),
                                node.vendor->name, how_to_mend(*node.vendor, node, view)));
  }
  return lines;
}

fs::path find_pocl_cache(const SystemView& view) {
  if (const auto folder = view.variable("POCL_CACHE_DIR")) return *folder;
  if (const auto folder = view.variable("XDG_CACHE_HOME")) return fs::path(*folder) / "pocl/kcache";
  if (const auto folder = view.variable("HOME")) return fs::path(*folder) / ".cache/pocl/kcache";
  return "/tmp/pocl/kcache";
}

}  // namespace qtrap::device
