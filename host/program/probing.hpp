// What a device can do, found out by another process: a driver whose compiler aborts, hangs or prints costs a row, and
// what it said becomes the row's reason. Rows are kept by device, driver, kernels and program, so that a run need not
// ask again.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "program/devices.hpp"

namespace qtrap::program {

/// Capabilities of one device, and its event timer where it was asked for.
struct ProbedDevice {
  std::vector<device::Capability> capabilities;
  std::optional<device::EventTimerCheck> timer;
  std::string error;    ///< why the device cannot be opened; empty: it can
  bool lasting = true;  ///< false: a row may come out otherwise next time (killed from outside, out of time)
};

/// What a process that works through items is told: the capabilities of a device, its kernels to verify or to tune.
struct ItemWorkerOptions {
  DeviceOptions device;
  std::size_t first = 0;  ///< item to begin with
  bool timer = false;     ///< whether the event timer is checked after the capabilities
  bool alone = false;     ///< whether every entry of a kernel file is built without the others
  int output_descriptor = -1;
};
/// The process of probe_device().
int run_probe_worker(const ItemWorkerOptions& options);

/// Probes `info` in another process, each capability for as long as `options.watchdog_s`. Rows are kept in the cache.
ProbedDevice probe_device(const device::DeviceInfo& info, const DeviceOptions& options, bool timer);

/// The rows of `options.probes`, else kept ones, else those of probe_device(). A device that cannot be opened has every
/// row failed, with the reason.
std::vector<device::Capability> find_capabilities(const device::DeviceInfo& info, const DeviceOptions& options);

/// Every row of `info`: those that were not probed have failed, with the reason.
std::vector<device::Capability> complete_rows(const device::DeviceInfo& info, const ProbedDevice& probed);

/// Arguments by which this program runs an internal `command` on `info`: the device, the kernels of `options`, and what
/// is known of cache and capabilities, so that no other process asks the driver again.
std::vector<std::string> make_worker_arguments(const char* command, const device::DeviceInfo& info,
                                               const DeviceOptions& options);
/// Likewise of a command that works through items (probe-device, verify-kernels, tune-kernels), from `first` on.
std::vector<std::string> make_item_arguments(const char* command, const device::DeviceInfo& info,
                                             const DeviceOptions& options, std::size_t first);

/// What the rows of `info` depend on: device, driver, kernels and program, as a SHA-256.
std::string make_probe_key(const device::DeviceInfo& info, const std::string& kernels_sha256);
/// The text of a cache file, and of --probes: reasons are cut, so that it always fits into one argument.
std::string format_probes(const std::string& key, const std::vector<device::Capability>& capabilities);
/// The rows of such a text; none where it is for another key, torn, or not of this program's capabilities.
std::optional<std::vector<device::Capability>> parse_probes(const std::string& text, const std::string& key,
                                                            const device::DeviceInfo& info);

}  // namespace qtrap::program
