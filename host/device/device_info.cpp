#include "device/device_info.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "device/host_limits.hpp"
#include "device/opencl.hpp"

namespace qtrap::device {
namespace {

// Queries of extensions whose constants Debian's headers lack or hide (values from the Khronos and vendor registries).
constexpr cl_device_info kPciBusInfoKhr = 0x410F;
constexpr cl_device_info kUuidKhr = 0x106A;
constexpr cl_device_info kPciBusNv = 0x4008;
constexpr cl_device_info kPciSlotNv = 0x4009;
constexpr cl_device_info kPciDomainNv = 0x400A;
constexpr cl_device_info kTopologyAmd = 0x4037;
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

std::optional<std::string> read_pci(const cl::Device& device, const std::string& extensions) {
  if (extensions.find("cl_khr_pci_bus_info") != std::string::npos) {
    if (const auto address = query<std::array<cl_uint, 4>>(device, kPciBusInfoKhr)) {
      return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", (*address)[0], (*address)[1], (*address)[2], (*address)[3]);
    }
  }
  if (extensions.find("cl_nv_device_attribute_query") != std::string::npos) {
    const auto bus = query<cl_uint>(device, kPciBusNv);
    const auto slot = query<cl_uint>(device, kPciSlotNv);
    const auto domain = query<cl_uint>(device, kPciDomainNv);
    if (bus && slot) return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", domain.value_or(0), *bus, *slot >> 3, *slot & 7U);
  }
  if (extensions.find("cl_amd_device_attribute_query") != std::string::npos) {
    if (const auto raw = query<std::array<unsigned char, 24>>(device, kTopologyAmd)) {
      return fmt::format("0000:{:02x}:{:02x}.{:x}", (*raw)[21], (*raw)[22], (*raw)[23]);
    }
  }
  return std::nullopt;
}

std::optional<std::string> read_uuid(const cl::Device& device, const std::string& extensions) {
  if (extensions.find("cl_khr_device_uuid") == std::string::npos) return std::nullopt;
  const auto bytes = query<std::array<unsigned char, 16>>(device, kUuidKhr);
  if (!bytes) return std::nullopt;
  std::string text;
  for (const unsigned char byte : *bytes) text += fmt::format("{:02x}", byte);
  return text;
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

DeviceInfo read_device(const cl::Device& device, int index) {
  const cl::Platform platform(device.getInfo<CL_DEVICE_PLATFORM>());
  DeviceInfo info;
  info.index = index;
  info.platform = trimmed(platform.getInfo<CL_PLATFORM_NAME>());
  info.platform_version = trimmed(platform.getInfo<CL_PLATFORM_VERSION>());
  info.name = trimmed(device.getInfo<CL_DEVICE_NAME>());
  info.vendor = trimmed(device.getInfo<CL_DEVICE_VENDOR>());
  info.driver = trimmed(device.getInfo<CL_DRIVER_VERSION>());
  info.type = read_type(device);
  info.compute_units = device.getInfo<CL_DEVICE_MAX_COMPUTE_UNITS>();
  info.memory_bytes = device.getInfo<CL_DEVICE_GLOBAL_MEM_SIZE>();
  info.max_alloc_bytes = device.getInfo<CL_DEVICE_MAX_MEM_ALLOC_SIZE>();
  info.cache_bytes = device.getInfo<CL_DEVICE_GLOBAL_MEM_CACHE_SIZE>();
  info.local_bytes = device.getInfo<CL_DEVICE_LOCAL_MEM_SIZE>();
  info.max_work_group = device.getInfo<CL_DEVICE_MAX_WORK_GROUP_SIZE>();
  info.float_vector_width = std::max<cl_uint>(1, device.getInfo<CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT>());
  info.base_align_bytes = std::max<cl_uint>(8, device.getInfo<CL_DEVICE_MEM_BASE_ADDR_ALIGN>()) / 8;
  info.c_version = read_c_version(device);
  info.extensions = trimmed(device.getInfo<CL_DEVICE_EXTENSIONS>());
  info.pci = read_pci(device, info.extensions);
  info.uuid = read_uuid(device, info.extensions);
  // Memory size is left out of the identity: PoCL reports another one in each process.
  info.id = info.pci ? "pci:" + *info.pci : info.uuid ? "uuid:" + *info.uuid : info.platform + "/" + info.name;
  return info;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string listing(const std::vector<const DeviceInfo*>& devices) {
  std::string text;
  for (const DeviceInfo* device : devices) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", device->index, device->name);
  }
  return text;
}

bool matches(const DeviceInfo& device, const std::string& selector) {
  const std::string wanted = lower(selector);
  if (device.pci && (lower(*device.pci) == wanted || lower(*device.pci).substr(5) == wanted)) return true;
  return lower(device.name).find(wanted) != std::string::npos;
}

}  // namespace

std::string to_string(DeviceType type) {
  switch (type) {
    case DeviceType::kCpu:
      return "cpu";
    case DeviceType::kGpu:
      return "gpu";
    case DeviceType::kAccelerator:
      return "accelerator";
    case DeviceType::kOther:
      break;
  }
  return "other";
}

const Capability* DeviceInfo::find_capability(std::string_view wanted) const {
  const auto found = std::find_if(capabilities.begin(), capabilities.end(),
                                  [&](const Capability& capability) { return capability.name == wanted; });
  return found == capabilities.end() ? nullptr : &*found;
}

const AvoidedKernel* DeviceInfo::find_avoided(std::string_view kernel) const {
  const auto found =
      std::find_if(avoided.begin(), avoided.end(), [&](const AvoidedKernel& one) { return one.kernel == kernel; });
  return found == avoided.end() ? nullptr : &*found;
}

std::string loader_description() {
  // An extension of ocl-icd and of the Khronos loader; 2 is its version, 3 its name.
  using LoaderInfo = cl_int (*)(cl_uint, size_t, void*, size_t*);
  constexpr cl_uint kName = 3;
  constexpr cl_uint kVersion = 2;
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
  apply_pocl_settings(read_machine_limits());
  std::vector<cl::Device> all;
  std::vector<cl::Platform> platforms;
  try {
    cl::Platform::get(&platforms);
  } catch (const cl::Error&) {
    return all;  // the loader's word for "no platform"
  }
  for (const cl::Platform& platform : platforms) {
    std::vector<cl::Device> devices;
    try {
      platform.getDevices(CL_DEVICE_TYPE_ALL, &devices);
    } catch (const cl::Error&) {
      continue;  // CL_DEVICE_NOT_FOUND: a platform without devices
    }
    all.insert(all.end(), devices.begin(), devices.end());
  }
  return all;
}

Result<std::vector<DeviceInfo>> list_devices() {
  const std::vector<cl::Device> handles = all_device_handles();
  if (handles.empty()) {
    cl_uint platforms = 0;
    if (clGetPlatformIDs(0, nullptr, &platforms) != CL_SUCCESS || platforms == 0) {
      return runtime_error("no OpenCL platform found", "",
                           "install your GPU's driver with its OpenCL part, or Debian's pocl-opencl-icd for the CPU");
    }
    return runtime_error("no OpenCL device found", fmt::format("{} platforms", platforms),
                         "check the driver with clinfo, or install Debian's pocl-opencl-icd for the CPU");
  }
  const MachineLimits limits = read_machine_limits();
  std::vector<DeviceInfo> devices;
  for (const cl::Device& handle : handles) {
    const int index = static_cast<int>(devices.size());
    devices.push_back(guarded(fmt::format("device {}", index), [&] { return read_device(handle, index); }));
    DeviceInfo& info = devices.back();
    if (info.type != DeviceType::kCpu) continue;
    info.memory_bytes = bound_memory(info.memory_bytes, limits);
    info.max_alloc_bytes = std::min(info.max_alloc_bytes, info.memory_bytes);
  }
  return devices;
}

Result<DeviceInfo> select_device(const std::vector<DeviceInfo>& devices, const std::string& selector) {
  std::vector<const DeviceInfo*> all;
  for (const DeviceInfo& device : devices) all.push_back(&device);
  const auto first_of = [&](DeviceType type) -> const DeviceInfo* {
    const auto found = std::find_if(all.begin(), all.end(), [&](const DeviceInfo* d) { return d->type == type; });
    return found == all.end() ? nullptr : *found;
  };
  if (selector.empty()) {
    if (const DeviceInfo* gpu = first_of(DeviceType::kGpu)) return *gpu;
    if (const DeviceInfo* cpu = first_of(DeviceType::kCpu)) return *cpu;
    if (!devices.empty()) return devices.front();
  }
  if (selector == "cpu" || selector == "gpu") {
    if (const DeviceInfo* device = first_of(selector == "cpu" ? DeviceType::kCpu : DeviceType::kGpu)) return *device;
    return usage_error("no device of this type", selector, "choose one of: " + listing(all));
  }
  if (!selector.empty() && selector.find_first_not_of("0123456789") == std::string::npos) {
    for (const DeviceInfo& device : devices) {
      if (std::to_string(device.index) == selector) return device;
    }
    return usage_error("no device with this index", selector, "choose one of: " + listing(all));
  }
  std::vector<const DeviceInfo*> found;
  for (const DeviceInfo& device : devices) {
    if (!selector.empty() && matches(device, selector)) found.push_back(&device);
  }
  if (found.size() == 1) return *found.front();
  if (found.empty()) return usage_error("no device matches", selector, "choose one of: " + listing(all));
  return usage_error("device is ambiguous", selector, "choose one by its index: " + listing(found));
}

}  // namespace qtrap::device
