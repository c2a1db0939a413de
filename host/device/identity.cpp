#include "device/identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "core/text.hpp"

namespace qtrap::device {
namespace {

/// Words of names and what they say, where the driver's flag is missing or says the opposite; the first row that fits
/// decides. NVIDIA's GPUs are boards but for those of its modules and of Grace's small sister.
struct NameFact {
  const char* vendor;
  const char* word;
  bool integrated;
};
constexpr NameFact kNameFacts[] = {{"nvidia", "tegra", true},
                                   {"nvidia", "orin", true},
                                   {"nvidia", "xavier", true},
                                   {"nvidia", "thor", true},
                                   {"nvidia", "gb10", true},
                                   {"nvidia", "", false},
                                   {"intel", "data center gpu", false},
                                   {"intel", "arc(tm) a", false},
                                   {"intel", "uhd graphics", true},
                                   {"intel", "hd graphics", true},
                                   {"intel", "iris", true},
                                   {"", "instinct", false},
                                   {"", "radeon rx", false},
                                   {"", "radeon pro", false},
                                   {"", "radeon graphics", true},
                                   {"", "radeon(tm) graphics", true}};

using Group = std::vector<DeviceInfo*>;

/// Devices by a key, in their order; those without one (an empty text) are left out.
std::map<std::string, Group> group_by(std::vector<DeviceInfo>& devices,
                                      const std::function<std::string(const DeviceInfo&)>& key) {
  std::map<std::string, Group> groups;
  for (DeviceInfo& device : devices) {
    const std::string text = key(device);
    if (!text.empty()) groups[text].push_back(&device);
  }
  return groups;
}

void settle_domains(std::vector<DeviceInfo>& devices, const std::set<std::string>& domains) {
  for (DeviceInfo& device : devices) {
    if (!device.pci || !device.pci_lacks_domain || domains.empty()) continue;
    if (domains.size() == 1) {
      device.pci = *domains.begin() + device.pci->substr(device.pci->find(':'));
      continue;
    }
    device.pci_doubt =
        fmt::format("the driver tells the PCI address {} without its domain, and amdgpu boards lie in the domains {}",
                    device.pci->substr(device.pci->find(':') + 1), fmt::join(domains, ", "));
    device.pci.reset();
  }
}

void drop_shared_addresses(std::vector<DeviceInfo>& devices) {
  for (auto& [key, group] :
       group_by(devices, [](const DeviceInfo& d) { return d.pci ? d.platform + "\n" + *d.pci : ""; })) {
    if (group.size() < 2) continue;
    std::vector<int> indices;
    for (const DeviceInfo* device : group) indices.push_back(device->index);
    for (DeviceInfo* device : group) {
      device->pci_doubt =
          fmt::format("the devices {} report one PCI address, {}", fmt::join(indices, ", "), *device->pci);
      device->pci.reset();
    }
  }
  for (auto& [key, group] :
       group_by(devices, [](const DeviceInfo& d) { return d.uuid ? d.platform + "\n" + *d.uuid : ""; })) {
    if (group.size() < 2) continue;
    for (DeviceInfo* device : group) device->uuid.reset();
  }
}

std::string own_id(const DeviceInfo& device) {
  // Memory size is left out of the identity: PoCL reports another one in each process.
  if (device.pci) return "pci:" + *device.pci;
  return device.uuid ? "uuid:" + *device.uuid : device.platform + "/" + device.name;
}

std::string describe_kind(const DeviceInfo& device) {
  return fmt::format("{} {} ({}, {})", device.index, device.label(), is_integrated(device) ? "integrated" : "discrete",
                     format_gibibytes(device.memory_bytes));
}

}  // namespace

void settle_identities(std::vector<DeviceInfo>& devices, const std::set<std::string>& amdgpu_domains) {
  settle_domains(devices, amdgpu_domains);
  drop_shared_addresses(devices);
  for (DeviceInfo& device : devices) device.id = own_id(device);
  // One board under two drivers keeps its address in both; what is left are devices nothing tells apart.
  for (auto& [id, group] : group_by(devices, [](const DeviceInfo& d) { return d.id; })) {
    if (group.size() < 2) continue;
    for (DeviceInfo* device : group) device->id += "@" + device->platform;
  }
  for (auto& [id, group] : group_by(devices, [](const DeviceInfo& d) { return d.id; })) {
    if (group.size() < 2) continue;
    for (std::size_t i = 0; i < group.size(); ++i) group[i]->id = fmt::format("{}#{}", own_id(*group[i]), i);
  }
}

bool is_integrated(const DeviceInfo& device) {
  if (device.own_word_integrated) return *device.own_word_integrated;
  const std::string vendor = to_lower(device.vendor);
  const std::string name = to_lower(device.label());
  for (const NameFact& fact : kNameFacts) {
    if (vendor.find(fact.vendor) != vendor.npos && name.find(fact.word) != name.npos) return fact.integrated;
  }
  return device.host_unified_memory.value_or(false);
}

const DeviceInfo* find_best_gpu(const std::vector<DeviceInfo>& devices) {
  const auto rank = [](const DeviceInfo& device) { return std::pair(!is_integrated(device), device.memory_bytes); };
  const DeviceInfo* best = nullptr;
  for (const DeviceInfo& device : devices) {
    if (device.type != DeviceType::kGpu || !device.fault.empty()) continue;
    if (best == nullptr || rank(device) > rank(*best)) best = &device;
  }
  return best;
}

std::vector<std::string> describe_choice(const std::vector<DeviceInfo>& devices, const DeviceInfo& chosen,
                                         const std::string& selector) {
  std::vector<std::string> said;
  if (!selector.empty() && selector != "gpu") return said;
  std::vector<std::string> others;
  for (const DeviceInfo& device : devices) {
    if (device.index == chosen.index) continue;
    if (!device.fault.empty() && device.type != DeviceType::kCpu)
      said.push_back(fmt::format("device {} {} was passed over: {}", device.index, device.label(), device.fault));
    if (device.fault.empty() && device.type == DeviceType::kGpu) others.push_back(describe_kind(device));
  }
  if (chosen.type == DeviceType::kGpu && !others.empty()) {
    said.push_back(fmt::format("several GPUs and none named: took {} before {}; name one with --device",
                               describe_kind(chosen), fmt::join(others, ", ")));
  }
  return said;
}

Result<DeviceInfo> find_expected(const std::vector<DeviceInfo>& devices, const ExpectedDevice& expected) {
  const char* fix = "check the driver (dmesg) and that nothing updates it, then start again (a run with --resume)";
  const auto found = std::find_if(devices.begin(), devices.end(), [&](const auto& d) { return d.id == expected.id; });
  if (found == devices.end())
    return runtime_error("the device of this run is gone", fmt::format("{}, {}", expected.name, expected.id), fix);
  if (!found->fault.empty()) return runtime_error("the device of this run cannot be described", found->fault, fix);
  if (found->name != expected.name || found->driver != expected.driver) {
    return runtime_error("another device answers for that of this run",
                         fmt::format("{}: {}, driver {}; now {}, driver {}", expected.id, expected.name,
                                     expected.driver, found->name, found->driver),
                         fix);
  }
  return *found;
}

}  // namespace qtrap::device
