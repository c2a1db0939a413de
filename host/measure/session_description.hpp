// What a session record says before anything of a workload is measured: device, probes, event timer, ceilings, kernels,
// meter, host, environment and hazards.
#pragma once

#include <map>
#include <string>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "device/device.hpp"
#include "measure/energy.hpp"
#include "result/records.hpp"

namespace qtrap::measure {

/// The device as far as it is known.
result::DeviceSummary describe_device(const device::DeviceInfo& info);

/// Probes the device and measures its ceilings (a few seconds), then fills `session`. `source` is null without a meter.
/// `left_out`: activities that a process before this one died of; without "ceilings" neither they nor the event timer
/// are tried. kRuntime errors: the ceilings cannot be measured.
Status describe_session(device::Device& device, const Clock& clock, const result::MeterSummary& meter,
                        const EnergySource* source, const std::map<std::string, std::string>& left_out,
                        result::SessionRecord& session);

}  // namespace qtrap::measure
