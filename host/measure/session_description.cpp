#include "measure/session_description.hpp"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "measure/ceilings/ceilings.hpp"
#include "measure/disturbance.hpp"
#include "measure/environment.hpp"
#include "power/meter.hpp"

namespace qtrap::measure {
namespace {

void add_meter_hazards(const result::MeterSummary& meter, const EnergySource* source,
                       std::vector<std::string>& hazards) {
  if (meter.method == to_string(EnergyMethod::kSimulated))
    hazards.push_back("energies are simulated: the meter replays a file");
  if (meter.method == to_string(EnergyMethod::kEstimated))
    hazards.push_back("energies are estimated: a constant power times time");
  if (meter.sensor_basis == result::SensorBasis::kAssumed)
    hazards.push_back("the sensor's constants are assumed: run `qtrap meters --characterise` once");
  if (source == nullptr) return;
  hazards.insert(hazards.end(), source->hazards.begin(), source->hazards.end());
  const power::MeterInfo& info = source->match.meter->info();
  hazards.insert(hazards.end(), info.notes.begin(), info.notes.end());
  if (!info.power_field.empty()) hazards.push_back("power is read by the field " + info.power_field);
}

/// What stood in the way while the ceilings were measured.
void add_load_hazards(const std::vector<std::string>& flags, std::vector<std::string>& hazards) {
  static const std::map<std::string, const char*> kWords{
      {kForeignLoad, "foreign load while the ceilings were measured"},
      {kQuotaThrottled, "the processor quota throttled the ceilings"},
      {kLoadUnknown, "foreign load cannot be seen: /proc/stat is missing or stands still"}};
  for (const auto& flag : flags) hazards.emplace_back(kWords.at(flag));
}

}  // namespace

result::DeviceSummary describe_device(const device::DeviceInfo& info) {
  result::DeviceSummary summary{info.id,
                                info.platform,
                                info.name,
                                info.vendor,
                                info.driver,
                                info.type,
                                static_cast<std::int64_t>(info.compute_units),
                                static_cast<std::int64_t>(info.memory_bytes),
                                info.pci,
                                info.uuid,
                                {},
                                find_word<result::KernelFamily>(info.kernel_family()).value(),
                                info.board};
  for (const auto& capability : info.capabilities)
    summary.capabilities.push_back({capability.name, capability.declared, capability.probed, capability.reason});
  return summary;
}

void describe_session(device::Device& device, const Clock& clock, const SessionFacts& facts,
                      result::SessionRecord& session) {
  if (device.info().capabilities.empty()) device.probe_capabilities();
  const auto lost = facts.left_out.find("ceilings");
  const bool tried = lost == facts.left_out.end();
  const auto check = tried ? device.check_event_timer() : device::EventTimerCheck{false, lost->second};
  session.event_timer = {check.trusted, check.reason};
  LoadMonitor monitor(clock, make_load_scope(facts.limits, device.info().type == device::DeviceType::kCpu));
  session.ceilings = tried ? measure_ceilings(device, clock, check.trusted, std::move(session.ceilings))
                           : leave_out_ceilings(lost->second, std::move(session.ceilings));
  session.device = describe_device(device.info());
  if (!device.info().pci_doubt.empty())
    session.hazards.push_back("no PCI identity, and no meter unless one is named: " + device.info().pci_doubt);
  session.meter = facts.meter;
  session.kernels.source_sha256 = device.sources().sha256();
  session.kernels.build_options = device::Device::common_options();
  session.host = read_host(facts.limits);
  session.environment = read_environment();
  const auto hazards = find_hazards(session.host, facts.limits);
  session.hazards.insert(session.hazards.end(), hazards.begin(), hazards.end());
  add_load_hazards(monitor.judge(), session.hazards);
  if (const auto window = describe_named_window()) session.hazards.push_back(*window);
  add_meter_hazards(facts.meter, facts.source, session.hazards);
  if (!check.trusted)
    session.hazards.push_back("event stamps not trusted: phases timed by the host (" + check.reason + ")");
}

}  // namespace qtrap::measure
