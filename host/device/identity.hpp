// Which device is which. A PCI address identifies a board only where the driver tells it whole and no other device of
// the platform has it; AMD's query leaves out the domain, so that the boards of an MI300A machine share one. A UUID
// identifies only where it is not another's. Pure functions on what was read; nothing here asks a driver.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "device/device_info.hpp"

namespace qtrap::device {

/// Sets every `id`, each of one device only: "pci:ADDRESS", else "uuid:UUID", else "PLATFORM/NAME"; "@PLATFORM" or
/// "#NUMBER" follows where several would have one. Takes away addresses and UUIDs that several devices of a platform
/// report, and addresses without their domain where the machine's amdgpu boards lie in several, with the reason in
/// `pci_doubt`. `amdgpu_domains`: PCI domains of the boards that the amdgpu kernel driver holds ("0000"); empty:
/// unknown.
void settle_identities(std::vector<DeviceInfo>& devices, const std::set<std::string>& amdgpu_domains);

/// Whether a GPU shares the processors' memory. In this order: the driver's own word (NVIDIA), a name that says so
/// (table in identity.cpp), host-unified memory; where nothing is known it does not.
bool is_integrated(const DeviceInfo& device);

/// The GPU to take where none is named: a discrete one before an integrated one, then the one with most memory, then
/// the first. Null without a GPU that can be described.
const DeviceInfo* find_best_gpu(const std::vector<DeviceInfo>& devices);

/// What must be said of the choice of `chosen` by `selector`: several GPUs where none was named, or GPUs that could not
/// be described and were passed over; nothing where there was no choice.
std::vector<std::string> describe_choice(const std::vector<DeviceInfo>& devices, const DeviceInfo& chosen,
                                         const std::string& selector);

/// What a process hands to another so that both mean one device.
struct ExpectedDevice {
  std::string id;
  std::string name;
  std::string driver;
};

/// The device of this identity wherever it stands in the list: drivers number theirs anew in each process. kRuntime
/// error where it is gone, has a fault, or another name or driver answers under its id.
Result<DeviceInfo> find_expected(const std::vector<DeviceInfo>& devices, const ExpectedDevice& expected);

}  // namespace qtrap::device
