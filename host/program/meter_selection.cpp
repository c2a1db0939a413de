#include "program/meter_selection.hpp"

#include "core/error.hpp"
#include "power/meters/discovery.hpp"
#include "power/sensor/sensor_store.hpp"
#include "program/folders.hpp"

namespace qtrap::program {
namespace {

/// Outlives every meter.
const Clock& meter_clock() {
  static const MonotonicClock clock;
  return clock;
}

}  // namespace

std::filesystem::path sensor_store() { return cache_folder() / "sensors.tsv"; }

measure::EnergySource open_meter(const std::string& spec, const device::DeviceInfo& device) {
  const power::MeterSpec parsed = power::parse_meter_spec(spec).value();
  std::vector<power::Finding> findings;
  if (parsed.kind == power::MeterKind::kAuto || parsed.kind == power::MeterKind::kFamily)
    findings = power::discover_meters(power::MeterEnvironment::system(), meter_clock());
  const power::DeviceIdentity identity{device.pci,  device.uuid,   device.board.value_or(device.name),
                                       device.type, device.vendor, device.pci_doubt};
  measure::EnergySource source{
      power::select_meter(parsed, identity, findings, meter_clock()).value(),
      {},
      device.type == device::DeviceType::kCpu ? power::kFastestPollOnHost : power::kFastestPoll};
  if (!source.match.meter) return source;
  const power::MeterInfo& info = source.match.meter->info();
  if (auto sensors = power::find_sensors(sensor_store(), info)) {
    source.sensors = std::move(sensors).value();
  } else {  // a torn side file costs its constants and not the run
    source.sensors = power::assume_sensors(info);
    source.hazards.push_back(sensors.error().message());
  }
  return source;
}

}  // namespace qtrap::program
