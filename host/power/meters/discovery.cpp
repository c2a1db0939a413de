#include "power/meters/discovery.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/core.h>

#include "power/meters/amd.hpp"
#include "power/meters/estimate_meter.hpp"
#include "power/meters/intel.hpp"
#include "power/meters/jetson.hpp"
#include "power/meters/nvml.hpp"
#include "power/meters/rapl.hpp"
#include "power/meters/replay_meter.hpp"

namespace qtrap::power {

namespace {

struct Family {
  const char* name;
  std::vector<Finding> (*find)(const MeterEnvironment&, const Clock&);
};
constexpr std::array kFamilies{Family{"nvml", find_nvml}, Family{"amd", find_amd}, Family{"intel", find_intel},
                               Family{"rapl", find_rapl}, Family{"jetson", find_jetson}};
constexpr const char* kForms = "use auto, none, nvml, amd, intel, rapl, jetson, tdp:WATTS or replay:FILE";

Result<MeterSpec> parse_tdp(const std::string& text, const std::string& watts) {
  MeterSpec spec;
  spec.kind = MeterKind::kTdp;
  double value = 0;
  const auto parsed = std::from_chars(watts.data(), watts.data() + watts.size(), value);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == watts.data() + watts.size();
  if (!whole || !std::isfinite(value) || value <= 0 || value > 1e5) {
    return usage_error("not a power in watts", text, "write tdp:WATTS with a number above 0, such as tdp:350");
  }
  spec.watts = Watts(value);
  return spec;
}

/// Whether `which` names this meter: its id, PCI address, UUID or board.
bool is_named(const MeterInfo& info, const std::string& which) {
  const auto pci = normalise_pci(which);
  const auto uuid = normalise_uuid(which);
  return (pci && info.pci == pci) || (uuid && info.uuid == uuid) || info.board == which;
}

/// What can be done where the meter asked for is not there: one of those that are, or what opens one.
std::string describe_way_out(const std::vector<Finding>& family) {
  std::string ids;
  for (const Finding& finding : family) {
    if (finding.meter) ids += fmt::format("{}--meter {}", ids.empty() ? "" : " or ", finding.meter->info().id());
  }
  if (!ids.empty()) return "use " + ids + ", where it measures the device, or --meter auto";
  const auto closed = std::find_if(family.begin(), family.end(), [](const Finding& f) { return !f.fix.empty(); });
  return closed == family.end() ? "run `qtrap meters` for what there is, or use --meter auto" : closed->fix;
}

Result<Match> select_family(const MeterSpec& spec, const DeviceIdentity& device, const std::vector<Finding>& findings,
                            const Clock& clock) {
  std::vector<Finding> family;
  std::copy_if(findings.begin(), findings.end(), std::back_inserter(family),
               [&](const Finding& finding) { return finding.name == spec.family; });
  if (spec.which.empty()) {
    auto match = match_meter(device, family, clock);
    if (!match || match.value().meter) return match;
    return runtime_error(fmt::format("the meter asked for cannot measure the device: {}", match.value().reason),
                         spec.family, describe_way_out(family));
  }
  std::vector<Finding> named;
  std::copy_if(family.begin(), family.end(), std::back_inserter(named),
               [&](const Finding& finding) { return finding.meter && is_named(finding.meter->info(), spec.which); });
  const std::string asked = fmt::format("{}:{}", spec.family, spec.which);
  if (named.size() == 1) return Match{named.front().meter, "chosen", ""};
  if (named.size() > 1) {
    return usage_error(fmt::format("{} meters have this name", named.size()), asked,
                       "name its PCI address or UUID, or use --meter none");
  }
  return runtime_error("no such meter", asked, describe_way_out(family));
}

}  // namespace

std::vector<Finding> discover_meters(const MeterEnvironment& environment, const Clock& clock) {
  std::vector<Finding> all;
  for (const Family& family : kFamilies) {
    for (Finding& finding : family.find(environment, clock)) all.push_back(std::move(finding));
  }
  return all;
}

Result<MeterSpec> parse_meter_spec(const std::string& text) {
  const auto colon = text.find(':');
  const std::string head = text.substr(0, colon);
  const std::string rest = colon == text.npos ? "" : text.substr(colon + 1);
  MeterSpec spec;
  if (head == "tdp") return parse_tdp(text, rest);
  if (head == "replay") {
    if (rest.empty())
      return usage_error("no trace to replay", text, "write replay:FILE with a CSV of time_s,energy_j,power_w");
    spec.kind = MeterKind::kReplay;
    spec.file = rest;
    return spec;
  }
  if (text == "auto" || text == "none") {
    spec.kind = text == "auto" ? MeterKind::kAuto : MeterKind::kNone;
    return spec;
  }
  const bool known =
      std::any_of(kFamilies.begin(), kFamilies.end(), [&](const Family& family) { return head == family.name; });
  if (!known || (colon != text.npos && rest.empty())) return usage_error("unknown meter", text, kForms);
  spec.kind = MeterKind::kFamily;
  spec.family = head;
  spec.which = rest;
  return spec;
}

Result<Match> select_meter(const MeterSpec& spec, const DeviceIdentity& device, const std::vector<Finding>& findings,
                           const Clock& clock) {
  switch (spec.kind) {
    case MeterKind::kNone:
      return Match{nullptr, "", "no meter was asked for (--meter none)"};
    case MeterKind::kTdp:
      return Match{make_estimate_meter(spec.watts, clock), "chosen", ""};
    case MeterKind::kReplay: {
      auto meter = open_replay_meter(spec.file, clock);
      if (!meter) return meter.error();
      return Match{std::move(meter).value(), "chosen", ""};
    }
    case MeterKind::kFamily:
      return select_family(spec, device, findings, clock);
    case MeterKind::kAuto:
      break;
  }
  return match_meter(device, findings, clock);
}

}  // namespace qtrap::power
