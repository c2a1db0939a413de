// What is known of an OpenCL device, and the choice of one by the user's selector.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/words.hpp"

namespace qtrap::device {

inline constexpr std::string_view kPoclPlatform = "Portable Computing Language";

using qtrap::DeviceType;

/// One capability: what the driver says, and what a program that was built, run and compared says.
struct Capability {
  std::string name;            ///< e.g. "fp16", "dot8" (Khronos 4 x 8-bit dot product), "dp4a": the names of kProbes
  bool declared = false;       ///< by its extension; vendors' instructions have none
  std::optional<bool> probed;  ///< absent: not probed yet
  std::string reason;          ///< why the probe failed, or how it passed
};

/// A kernel that is not used on a device, and why: it did not build, its launch failed, or its compiler died.
struct AvoidedKernel {
  std::string kernel;  ///< as `verify` names it
  std::string reason;
};

/// Static facts of a device, read once by list_devices().
struct DeviceInfo {
  int index = 0;         ///< position in list_devices(), over all platforms
  std::string id;        ///< identity, of no other device of the list: see device/identity.hpp
  std::string platform;  ///< CL_PLATFORM_NAME
  std::string platform_version;
  std::string name;                  ///< CL_DEVICE_NAME; with AMD the instruction set, "gfx942:sramecc+:xnack-"
  std::optional<std::string> board;  ///< CL_DEVICE_BOARD_NAME_AMD, "AMD Instinct MI300X"; absent where no driver says
  std::string vendor;
  std::string driver;  ///< CL_DRIVER_VERSION
  DeviceType type = DeviceType::kOther;
  std::uint32_t compute_units = 0;
  std::uint64_t memory_bytes = 0;     ///< CL_DEVICE_GLOBAL_MEM_SIZE, bounded (list_devices()); varies between processes
  std::uint64_t max_alloc_bytes = 0;  ///< CL_DEVICE_MAX_MEM_ALLOC_SIZE
  std::uint64_t cache_bytes = 0;      ///< CL_DEVICE_GLOBAL_MEM_CACHE_SIZE: last-level cache; 0 where not reported
  std::uint64_t local_bytes = 0;      ///< CL_DEVICE_LOCAL_MEM_SIZE
  std::uint64_t max_work_group = 0;
  std::uint32_t float_vector_width = 1;  ///< CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT: 8 with AVX2, 16 with AVX-512
  std::uint32_t base_align_bytes = 128;
  std::string c_version;                    ///< newest OpenCL C accepted, e.g. "OpenCL C 3.0"
  std::optional<std::string> pci;           ///< "0000:3b:00.0"; absent also where it is in doubt
  std::optional<std::string> uuid;          ///< 32 hexadecimal digits, not all zero
  bool pci_lacks_domain = false;            ///< AMD's own query tells bus, device and function alone
  std::string pci_doubt;                    ///< why an address that the driver gave is not used; empty: no doubt
  std::optional<bool> own_word_integrated;  ///< CL_DEVICE_INTEGRATED_MEMORY_NV
  std::optional<bool> host_unified_memory;  ///< CL_DEVICE_HOST_UNIFIED_MEMORY
  std::string fault;                        ///< why the device cannot be described, and so not be used; empty: it can
  std::vector<Capability> capabilities;
  std::string extensions;

  std::vector<AvoidedKernel> avoided;  ///< the next best kernel of the operation takes their place

  std::vector<std::string> choice;  ///< what was said of its choice among others; each a hazard of its sessions

  std::string forced_family;   ///< kernel family that the user demands; empty: by type
  std::string forced_variant;  ///< kernel variant that the user demands; empty: the best that is probed

  /// "cpu" or "gpu" (accelerators take "gpu"), or forced_family: the kernel family that would be used.
  std::string kernel_family() const {
    if (!forced_family.empty()) return forced_family;
    return type == DeviceType::kCpu ? "cpu" : "gpu";
  }
  /// The capability of this name; null when there is none or it was not probed.
  const Capability* find_capability(std::string_view wanted) const;
  /// Null when the kernel of this name may be used.
  const AvoidedKernel* find_avoided(std::string_view kernel) const;
  /// Whether `name` is among the words of `extensions`.
  bool has_extension(std::string_view wanted) const;
  bool is_pocl() const { return platform == kPoclPlatform; }
  /// What people call it: the board's name with the device's in brackets, or the device's alone.
  std::string label() const { return board && *board != name ? *board + " (" + name + ")" : name; }
};

/// Every device of every platform, those that cannot be described with their `fault`; the memory of a CPU device is at
/// most what this process may use. Sets PoCL's variables (host_limits.hpp) before the first platform is created, unless
/// the user set them. kRuntime errors: no platform (names the drivers that could not be loaded, or the package to
/// install), no device (names the platforms that gave none). discovery.hpp says more.
Result<std::vector<DeviceInfo>> list_devices();

/// The device `selector` names: an index, "cpu", "gpu", a PCI address, an id, or part of a name or board name that
/// matches exactly one. An empty selector takes the best GPU (identity.hpp), else the CPU; "gpu" the best GPU. Devices
/// with a fault are never chosen. kUsage errors: nothing matches, several match (all listed). kRuntime: the device
/// named has a fault.
Result<DeviceInfo> select_device(const std::vector<DeviceInfo>& devices, const std::string& selector);

}  // namespace qtrap::device
