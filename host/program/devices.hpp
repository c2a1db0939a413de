// The device of a command: what the user named, chosen and probed once, and how a process that qtrap starts is told the
// same one.
#pragma once

#include <string>
#include <vector>

#include "device/device.hpp"
#include "device/discovery.hpp"
#include "device/identity.hpp"
#include "program/watchdog.hpp"
#include "scheme/catalogue/kernel_table.hpp"

namespace qtrap::program {

/// Options that several commands share.
struct DeviceOptions {
  std::string selector;    ///< SEL of the contract; empty: the first GPU, else the CPU
  std::string kernel_dir;  ///< empty: the embedded kernels
  std::string variant;     ///< kernel variant to use wherever an operation has it; empty: the best that is probed
  std::string cache;       ///< measure::to_text() of what is known of the cache; empty: the driver's word
  std::string probes;      ///< format_probes() of what is known of the capabilities; empty: what is kept, or probes
  bool json = false;
  double watchdog_s = kWatchdogSeconds;  ///< see Watchdog
  /// Id, name and driver as identity_arguments() wrote them, in place of the selector: a process that qtrap started for
  /// a device takes no other. Empty: the user's own.
  std::vector<std::string> expected;
};

/// The kernel variant of this name; throws Failure (usage) that lists all.
const scheme::Variant& require_variant(const std::string& name);

/// The selected device with its kernel variant forced if `options` name one. Loads the drivers, in a child process
/// first. Says on standard error which of several GPUs was taken, and what GPU of the machine OpenCL does not offer.
/// The lines are kept in `choice`. Throws Failure.
device::DeviceInfo choose_device(const DeviceOptions& options);
/// A device's id, name and driver as arguments, each behind a colon: the texts are a driver's and may be empty or look
/// like options; and back.
std::vector<std::string> identity_arguments(const device::DeviceInfo& info);
device::ExpectedDevice parse_identity(const std::vector<std::string>& arguments);
/// The kernels that `options` name; throws Failure (usage) for a folder without any.
device::KernelSources kernel_sources(const DeviceOptions& options);
/// choose_device() with what its probes gave, now, before or to the process that started this one; throws Failure also
/// where it cannot run a forced variant.
device::DeviceInfo choose_probed_device(const DeviceOptions& options);
/// Opens choose_probed_device(); throws Failure.
device::Device open_device(const DeviceOptions& options);
/// Every device, with what is installed and gives none; loads the drivers as choose_device() does.
device::Discovery discover_devices();

}  // namespace qtrap::program
