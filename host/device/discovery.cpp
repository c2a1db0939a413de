// Loads the drivers and asks them. Errors of single devices and platforms are kept beside what the others say.
#include "device/discovery.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "device/host_limits.hpp"
#include "device/identity.hpp"
#include "device/opencl.hpp"

namespace qtrap::device {
namespace {

// Queries of extensions whose constants Debian's headers lack or hide (values from the Khronos and vendor registries).
constexpr cl_device_info kPciBusInfoKhr = 0x410F;
constexpr cl_device_info kUuidKhr = 0x106A;
constexpr cl_device_info kPciBusNv = 0x4008;
constexpr cl_device_info kPciSlotNv = 0x4009;
constexpr cl_device_info kPciDomainNv = 0x400A;
constexpr cl_device_info kIntegratedNv = 0x4006;
constexpr cl_device_info kTopologyAmd = 0x4037;
constexpr cl_device_info kBoardNameAmd = 0x4038;
constexpr cl_device_info kHostUnifiedMemory = 0x1035;
constexpr cl_device_info kAllCVersions = 0x1066;

template <class T>
std::optional<T> query(const cl::Device& device, cl_device_info name) {
  T value{};
  size_t size = 0;
  if (clGetDeviceInfo(device(), name, sizeof value, &value, &size) != CL_SUCCESS || size != sizeof value)
    return std::nullopt;
  return value;
}

std::string trimmed(std::string text) {
  text.erase(std::find(text.begin(), text.end(), '\0'), text.end());
  const auto first = text.find_first_not_of(" \t\n");
  const auto last = text.find_last_not_of(" \t\n");
  return first == std::string::npos ? std::string() : text.substr(first, last - first + 1);
}

/// An address; none where a driver that has none says zeros (the host bridge's address, no GPU's).
std::optional<std::string> make_address(unsigned domain, unsigned bus, unsigned slot, unsigned function) {
  if ((domain | bus | slot | function) == 0) return std::nullopt;
  return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", domain, bus, slot, function);
}

void read_pci(const cl::Device& device, DeviceInfo& info) {
  if (info.has_extension("cl_khr_pci_bus_info")) {
    if (const auto address = query<std::array<cl_uint, 4>>(device, kPciBusInfoKhr))
      info.pci = make_address((*address)[0], (*address)[1], (*address)[2], (*address)[3]);
  }
  if (!info.pci && info.has_extension("cl_nv_device_attribute_query")) {
    const auto bus = query<cl_uint>(device, kPciBusNv);
    const auto slot = query<cl_uint>(device, kPciSlotNv);
    const auto domain = query<cl_uint>(device, kPciDomainNv);
    // The slot is the device number, not device and function in one: 30 is 00:1e.0.
    if (bus && slot) info.pci = make_address(domain.value_or(0), *bus, *slot, 0);
  }
  if (info.pci || !info.has_extension("cl_amd_device_attribute_query")) return;
  constexpr unsigned char kPcie = 1;  // CL_DEVICE_TOPOLOGY_TYPE_PCIE_AMD
  if (const auto raw = query<std::array<unsigned char, 24>>(device, kTopologyAmd); raw && raw->front() == kPcie) {
    info.pci = make_address(0, (*raw)[21], (*raw)[22], (*raw)[23]);
    info.pci_lacks_domain = info.pci.has_value();
  }
}

std::optional<std::string> read_uuid(const cl::Device& device, const DeviceInfo& info) {
  if (!info.has_extension("cl_khr_device_uuid")) return std::nullopt;
  const auto bytes = query<std::array<unsigned char, 16>>(device, kUuidKhr);
  const auto is_zero = [](unsigned char byte) { return byte == 0; };
  if (!bytes || std::all_of(bytes->begin(), bytes->end(), is_zero)) return std::nullopt;  // Rusticl's "none"
  std::string text;
  for (const unsigned char byte : *bytes) text += fmt::format("{:02x}", byte);
  return text;
}

/// A text that not every driver has.
std::optional<std::string> read_text(const cl::Device& device, cl_device_info name) {
  size_t size = 0;
  if (clGetDeviceInfo(device(), name, 0, nullptr, &size) != CL_SUCCESS || size == 0 || size > 4096) return std::nullopt;
  std::string text(size, '\0');
  if (clGetDeviceInfo(device(), name, size, text.data(), nullptr) != CL_SUCCESS) return std::nullopt;
  text = trimmed(text);
  if (text.empty()) return std::nullopt;
  return text;
}

std::optional<bool> read_flag(const cl::Device& device, cl_device_info name) {
  if (const auto flag = query<cl_bool>(device, name)) return *flag != CL_FALSE;
  return std::nullopt;
}

/// The newest OpenCL C; NVIDIA's plain query says 1.2 although 3.0 compiles.
std::string read_c_version(const cl::Device& device) {
  size_t size = 0;
  if (clGetDeviceInfo(device(), kAllCVersions, 0, nullptr, &size) == CL_SUCCESS && size >= sizeof(cl_name_version)) {
    std::vector<cl_name_version> versions(size / sizeof(cl_name_version));
    if (clGetDeviceInfo(device(), kAllCVersions, size, versions.data(), nullptr) == CL_SUCCESS) {
      cl_version newest = 0;
      for (const auto& entry : versions) newest = std::max(newest, entry.version);
      return fmt::format("OpenCL C {}.{}", newest >> 22, (newest >> 12) & 0x3FFU);
    }
  }
  return trimmed(device.getInfo<CL_DEVICE_OPENCL_C_VERSION>());
}

DeviceType read_type(const cl::Device& device) {
  const cl_device_type type = device.getInfo<CL_DEVICE_TYPE>();
  if ((type & CL_DEVICE_TYPE_GPU) != 0) return DeviceType::kGpu;
  if ((type & CL_DEVICE_TYPE_CPU) != 0) return DeviceType::kCpu;
  return (type & CL_DEVICE_TYPE_ACCELERATOR) != 0 ? DeviceType::kAccelerator : DeviceType::kOther;
}

/// Fills `info` in the order in which a sick device is best described: name and type first.
void read_device(const cl::Device& device, DeviceInfo& info) {
  info.name = read_text(device, CL_DEVICE_NAME).value_or("unnamed device");
  info.vendor = read_text(device, CL_DEVICE_VENDOR).value_or("");
  info.type = read_type(device);
  const cl::Platform platform(device.getInfo<CL_DEVICE_PLATFORM>());
  info.platform = trimmed(platform.getInfo<CL_PLATFORM_NAME>());
  info.platform_version = trimmed(platform.getInfo<CL_PLATFORM_VERSION>());
  info.name = read_name(device);
  info.vendor = trimmed(device.getInfo<CL_DEVICE_VENDOR>());
  info.driver = trimmed(device.getInfo<CL_DRIVER_VERSION>());
  info.extensions = trimmed(device.getInfo<CL_DEVICE_EXTENSIONS>());
  read_pci(device, info);
  info.uuid = read_uuid(device, info);
  if (info.has_extension("cl_amd_device_attribute_query")) info.board = read_text(device, kBoardNameAmd);
  if (info.has_extension("cl_nv_device_attribute_query")) info.own_word_integrated = read_flag(device, kIntegratedNv);
  info.host_unified_memory = read_flag(device, kHostUnifiedMemory);
  info.compute_units = device.getInfo<CL_DEVICE_MAX_COMPUTE_UNITS>();
  info.memory_bytes = device.getInfo<CL_DEVICE_GLOBAL_MEM_SIZE>();
  info.max_alloc_bytes = device.getInfo<CL_DEVICE_MAX_MEM_ALLOC_SIZE>();
  info.cache_bytes = device.getInfo<CL_DEVICE_GLOBAL_MEM_CACHE_SIZE>();
  info.local_bytes = device.getInfo<CL_DEVICE_LOCAL_MEM_SIZE>();
  info.max_work_group = device.getInfo<CL_DEVICE_MAX_WORK_GROUP_SIZE>();
  info.float_vector_width = std::max<cl_uint>(1, device.getInfo<CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT>());
  info.base_align_bytes = std::max<cl_uint>(8, device.getInfo<CL_DEVICE_MEM_BASE_ADDR_ALIGN>()) / 8;
  info.c_version = read_c_version(device);
}

/// A platform and what it gave.
struct PlatformDevices {
  std::string name;
  std::vector<cl::Device> devices;
  int status = CL_SUCCESS;  ///< of clGetDeviceIDs
};

std::vector<PlatformDevices> read_platforms() {
  std::vector<PlatformDevices> all;
  std::vector<cl::Platform> platforms;
  try {
    cl::Platform::get(&platforms);
  } catch (const cl::Error&) {
    return all;  // the loader's word for "no platform"
  }
  for (const cl::Platform& platform : platforms) {
    PlatformDevices& one = all.emplace_back();
    try {
      one.name = trimmed(platform.getInfo<CL_PLATFORM_NAME>());
      platform.getDevices(CL_DEVICE_TYPE_ALL, &one.devices);
    } catch (const cl::Error& error) {
      one.status = error.err();
      one.devices.clear();
    }
  }
  return all;
}

/// Why this platform gives no device, as far as it can be known.
std::string describe_empty(const PlatformDevices& platform, const SystemView& view) {
  std::string text = fmt::format("the platform {} gives no device", platform.name);
  if (platform.status != CL_SUCCESS) text += fmt::format(", {}", status_name(platform.status));
  if (platform.name != kPoclPlatform) return text;
  const auto cache = find_pocl_cache(view);
  text += fmt::format("; PoCL needs a cache folder that it can write, here {}", cache.string());
  if (const auto wanted = view.variable("POCL_DEVICES")) text += fmt::format(", and POCL_DEVICES is {}", *wanted);
  return text;
}

/// Empty where the library can be loaded. The loader has loaded it before, so that this only counts it once more.
std::string find_load_error(const std::string& library) {
  void* handle = dlopen(library.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (handle != nullptr) {
    dlclose(handle);
    return "";
  }
  const char* why = dlerror();
  const std::string text = why == nullptr ? "unknown reason" : why;
  return text.starts_with(library + ": ") ? text.substr(library.size() + 2) : text;
}

std::vector<std::string> describe_unloadable(const SystemView& view) {
  std::vector<std::string> lines;
  for (const InstalledDriver& driver : list_installed_drivers(view)) {
    if (driver.library.empty()) {
      lines.push_back(fmt::format("{} names no library or cannot be read", driver.icd.string()));
      continue;
    }
    const std::string why = find_load_error(driver.library);
    if (why.empty()) continue;
    lines.push_back(fmt::format("{} names {}, which cannot be loaded ({})",
                                driver.icd.empty() ? "OCL_ICD_VENDORS" : driver.icd.string(), driver.library, why));
  }
  return lines;
}

Error nothing_found(const std::vector<PlatformDevices>& platforms, const std::vector<std::string>& complaints,
                    const SystemView& view) {
  const std::string reasons = fmt::format("{}", fmt::join(complaints, "; "));
  const bool has_pocl = std::any_of(platforms.begin(), platforms.end(),
                                    [](const PlatformDevices& one) { return one.name == kPoclPlatform; });
  const char* pocl = has_pocl ? "set POCL_CACHE_DIR to a folder that you may write, or see what POCL_DEBUG=all says"
                              : "or install Debian's pocl-opencl-icd for the CPU";
  std::string fix;  // a GPU that is seen comes first
  for (const auto& line : describe_missing_gpus(view, {})) fix += line + "; ";
  if (!platforms.empty())
    return runtime_error("no OpenCL device found: " + reasons, "",
                         fix + (has_pocl ? "" : "check the driver with clinfo, ") + pocl);
  if (complaints.empty()) {
    const auto folder = find_driver_folder(view).string();
    return runtime_error("no OpenCL platform found: no driver is named in " + folder, "",
                         fix + "install your GPU's driver with its OpenCL part, " + pocl);
  }
  return runtime_error("no OpenCL platform found: " + reasons, "",
                       fix +
                           "install the package that holds this library (in a container of NVIDIA's: "
                           "NVIDIA_DRIVER_CAPABILITIES=compute,utility), " +
                           pocl);
}

}  // namespace

std::string loader_description() {
  // An extension of ocl-icd and of the Khronos loader; 2 is its version, 3 its name.
  using LoaderInfo = cl_int (*)(cl_uint, size_t, void*, size_t*);
  constexpr cl_uint kName = 3;
  constexpr cl_uint kVersion = 2;
  // The loader loads what is installed before it answers this: it must find nothing.
  setenv("OCL_ICD_VENDORS", "/nonexistent.icd", 1);
  unsetenv("OPENCL_LAYERS");
  const auto query_loader = reinterpret_cast<LoaderInfo>(clGetExtensionFunctionAddress("clGetICDLoaderInfoOCLICD"));
  if (query_loader == nullptr) return "unknown";
  std::string text;
  for (const cl_uint what : {kName, kVersion}) {
    char buffer[128] = {};
    if (query_loader(what, sizeof buffer - 1, buffer, nullptr) == CL_SUCCESS && buffer[0] != '\0')
      text += (text.empty() ? "" : " ") + std::string(buffer);
  }
  return text.empty() ? "unknown" : text;
}

std::vector<cl::Device> all_device_handles() {
  std::vector<cl::Device> all;
  for (const PlatformDevices& platform : read_platforms())
    all.insert(all.end(), platform.devices.begin(), platform.devices.end());
  return all;
}

std::string read_name(const cl::Device& device) { return trimmed(device.getInfo<CL_DEVICE_NAME>()); }

Result<Discovery> discover(const SystemView& view) {
  const MachineLimits limits = read_machine_limits();
  apply_pocl_settings(limits);  // before the platform is made, which reads them
  const auto platforms = read_platforms();
  Discovery found;
  found.complaints = describe_unloadable(view);
  for (const PlatformDevices& platform : platforms) {
    if (platform.devices.empty()) found.complaints.push_back(describe_empty(platform, view));
    for (const cl::Device& handle : platform.devices) {
      DeviceInfo info;
      info.index = static_cast<int>(found.devices.size());
      info.platform = platform.name;
      try {
        guarded("the driver", [&] { read_device(handle, info); });
      } catch (const DeviceError& error) {
        info.fault = error.error().value;
      }
      if (info.type == DeviceType::kCpu) {
        info.memory_bytes = bound_memory(info.memory_bytes, limits);
        info.max_alloc_bytes = std::min(info.max_alloc_bytes, info.memory_bytes);
      }
      found.devices.push_back(std::move(info));
    }
  }
  if (found.devices.empty()) return nothing_found(platforms, found.complaints, view);
  settle_identities(found.devices, find_amdgpu_domains(view));
  return found;
}

Result<std::vector<DeviceInfo>> list_devices() {
  auto found = discover(SystemView::system());
  if (!found) return found.error();
  return std::move(found).value().devices;
}

}  // namespace qtrap::device
