// What a session record says before anything of a workload is measured: device, probes, event timer, ceilings, kernels,
// meter, host, environment and hazards.
#pragma once

#include "core/clock.hpp"
#include "core/result.hpp"
#include "device/device.hpp"
#include "measure/energy.hpp"
#include "result/records.hpp"

namespace qtrap::measure {

/// Probes the device and measures its ceilings (a few seconds), then fills `session`. `source` is null without a meter.
/// kRuntime errors: the ceilings cannot be measured.
Status describe_session(device::Device& device, const Clock& clock, const result::MeterSummary& meter,
                        const EnergySource* source, result::SessionRecord& session);

}  // namespace qtrap::measure
