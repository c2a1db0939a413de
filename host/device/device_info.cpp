#include "device/device_info.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/text.hpp"
#include "device/identity.hpp"

namespace qtrap::device {
namespace {

std::string listing(const std::vector<const DeviceInfo*>& devices) {
  std::string text;
  for (const DeviceInfo* device : devices) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", device->index, device->label());
  }
  return text;
}

bool matches(const DeviceInfo& device, const std::string& selector) {
  const std::string wanted = to_lower(selector);
  if (device.pci && (to_lower(*device.pci) == wanted || to_lower(*device.pci).substr(5) == wanted)) return true;
  return to_lower(device.id) == wanted || to_lower(device.label()).find(wanted) != std::string::npos;
}

/// The device, or the reason why it cannot be used.
Result<DeviceInfo> sound(const DeviceInfo& device, const std::vector<const DeviceInfo*>& all) {
  if (device.fault.empty()) return device;
  std::vector<const DeviceInfo*> others;
  std::copy_if(all.begin(), all.end(), std::back_inserter(others), [](const auto* d) { return d->fault.empty(); });
  return runtime_error("the device cannot be described",
                       fmt::format("{} {}: {}", device.index, device.label(), device.fault),
                       others.empty() ? "check its driver with clinfo and dmesg"
                                      : "check its driver, or choose another with --device: " + listing(others));
}

}  // namespace

const Capability* DeviceInfo::find_capability(std::string_view wanted) const {
  const auto found = std::find_if(capabilities.begin(), capabilities.end(),
                                  [&](const Capability& capability) { return capability.name == wanted; });
  return found == capabilities.end() ? nullptr : &*found;
}

bool DeviceInfo::has_extension(std::string_view wanted) const {
  return fmt::format(" {} ", extensions).find(fmt::format(" {} ", wanted)) != std::string::npos;
}

const AvoidedKernel* DeviceInfo::find_avoided(std::string_view kernel) const {
  const auto found =
      std::find_if(avoided.begin(), avoided.end(), [&](const AvoidedKernel& one) { return one.kernel == kernel; });
  return found == avoided.end() ? nullptr : &*found;
}

Result<DeviceInfo> select_device(const std::vector<DeviceInfo>& devices, const std::string& selector) {
  std::vector<const DeviceInfo*> all;
  all.reserve(devices.size());
  for (const DeviceInfo& device : devices) all.push_back(&device);
  const auto first_of = [&](DeviceType type) -> const DeviceInfo* {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto* d) { return d->type == type && d->fault.empty(); });
    return found == all.end() ? nullptr : *found;
  };
  if (selector.empty()) {
    if (const DeviceInfo* gpu = find_best_gpu(devices)) return *gpu;
    if (const DeviceInfo* cpu = first_of(DeviceType::kCpu)) return *cpu;
    for (const DeviceInfo* device : all) {
      if (device->fault.empty()) return *device;
    }
    if (!all.empty()) return sound(*all.front(), all);
  }
  if (selector == "cpu" || selector == "gpu") {
    const DeviceInfo* device = selector == "cpu" ? first_of(DeviceType::kCpu) : find_best_gpu(devices);
    if (device != nullptr) return *device;
    return usage_error("no device of this type", selector, "choose one of: " + listing(all));
  }
  if (!selector.empty() && selector.find_first_not_of("0123456789") == std::string::npos) {
    for (const DeviceInfo& device : devices) {
      if (std::to_string(device.index) == selector) return sound(device, all);
    }
    return usage_error("no device with this index", selector, "choose one of: " + listing(all));
  }
  std::vector<const DeviceInfo*> found;
  for (const DeviceInfo& device : devices) {
    if (!selector.empty() && matches(device, selector)) found.push_back(&device);
  }
  if (found.size() == 1) return sound(*found.front(), all);
  if (found.empty()) return usage_error("no device matches", selector, "choose one of: " + listing(all));
  return usage_error("device is ambiguous", selector, "choose one by its index: " + listing(found));
}

}  // namespace qtrap::device
