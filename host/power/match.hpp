// Which meter measures which device. Ordinals mean nothing: OpenCL and a meter library number boards
// differently. The order is PCI address, then UUID, then, for a device that reports neither, a name only one
// meter has. A device that cannot be told from others takes none, unless one is named. A CPU device takes its packages
// together. Where several meters would do, the answer is an error that lists them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "core/words.hpp"
#include "power/environment.hpp"

namespace qtrap::power {

/// What is known of a device to be measured; plain, so that this layer needs no OpenCL.
struct DeviceIdentity {
  std::optional<std::string> pci;   ///< any usual spelling
  std::optional<std::string> uuid;  ///< any usual spelling
  std::string name;
  DeviceType type = DeviceType::kOther;
  std::string vendor;  ///< as OpenCL reports it
  std::string doubt;   ///< why the board cannot be told from others; empty: it can
};

/// "0000:3b:00.0" from "3b:00.0", "0000:3B:00.0" or "00000000:3B:00.0"; absent where the text is no PCI
/// address.
std::optional<std::string> normalise_pci(const std::string& text);
/// 32 lower-case hexadecimal digits from "GPU-..." and dashed spellings; absent where there are not 32 of
/// them.
std::optional<std::string> normalise_uuid(const std::string& text);
/// Whether two normalised UUIDs name one board. AMD's OpenCL and SMI agree in the last 12 digits only.
bool same_uuid(const std::string& first, const std::string& second, bool amd);

/// The meter of a device, or why there is none.
struct Match {
  std::shared_ptr<Meter> meter;  ///< null: no meter measures this device
  std::string basis;             ///< "pci", "uuid", "name", "packages", "module" or "chosen"; empty without a meter
  std::string reason;            ///< why there is none, with what was looked for
};

/// Finds the meter of `device`. kUsage error where several would do, listing them with the --meter that picks
/// each. `clock` stamps the sum of several packages.
Result<Match> match_meter(const DeviceIdentity& device, const std::vector<Finding>& findings, const Clock& clock);

}  // namespace qtrap::power
