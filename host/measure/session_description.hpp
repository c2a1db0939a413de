// What a session record says before anything of a workload is measured: device, probes, event timer, ceilings, kernels,
// meter, host, environment and hazards.
#pragma once

#include <map>
#include <string>

#include "core/clock.hpp"
#include "core/machine_limits.hpp"
#include "device/device.hpp"
#include "measure/energy.hpp"
#include "result/records.hpp"

namespace qtrap::measure {

/// The device as far as it is known.
result::DeviceSummary describe_device(const device::DeviceInfo& info);

/// What the session's record takes over from who knows it.
struct SessionFacts {
  const result::MeterSummary& meter;
  const EnergySource* source;  ///< null without a meter
  const MachineLimits& limits;
  /// Activities that a process before this one died of; without "ceilings" neither they nor the event timer are tried.
  const std::map<std::string, std::string>& left_out;
};

/// Probes the device and measures its ceilings (a few seconds), then fills `session`.
void describe_session(device::Device& device, const Clock& clock, const SessionFacts& facts,
                      result::SessionRecord& session);

}  // namespace qtrap::measure
