// All meters of a machine, and the choice of one by the user's --meter.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "power/environment.hpp"
#include "power/match.hpp"

namespace qtrap::power {

/// Every meter found or denied, and every place looked at in vain, in the order nvml, amd, intel, rapl,
/// jetson. Costs up to a second: vendor libraries start their drivers. `clock` must outlive the meters.
std::vector<Finding> discover_meters(const MeterEnvironment& environment, const Clock& clock);

/// What --meter may say.
enum class MeterKind { kAuto, kNone, kFamily, kTdp, kReplay };

/// A parsed --meter.
struct MeterSpec {
  MeterKind kind = MeterKind::kAuto;
  std::string family;          ///< "nvml", "amd", "intel", "rapl" or "jetson"; for kFamily
  std::string which;           ///< what follows the family: PCI address, UUID or board name; may be empty
  Watts watts;                 ///< for kTdp, above 0
  std::filesystem::path file;  ///< for kReplay
};

/// Parses `auto`, `none`, `nvml`, `amd`, `intel`, `rapl`, `jetson`, each family also with `:WHICH` (the id
/// that `qtrap meters` prints), `tdp:WATTS` and `replay:FILE`. kUsage errors quote the text and name the
/// forms.
Result<MeterSpec> parse_meter_spec(const std::string& text);

/// The meter for a device as `spec` wants it. `auto` without a meter and `none` give a Match without one,
/// which is no error; a family that was asked for and cannot measure the device is (kRuntime, with reason and
/// fix), and so is a bad trace (kUsage).
Result<Match> select_meter(const MeterSpec& spec, const DeviceIdentity& device, const std::vector<Finding>& findings,
                           const Clock& clock);

}  // namespace qtrap::power
