#include "power/match.hpp"

#include <algorithm>
#include <cctype>
#include <functional>

#include <fmt/core.h>

#include "core/text.hpp"
#include "power/sum_meter.hpp"

namespace qtrap::power {

namespace {

using Meters = std::vector<std::shared_ptr<Meter>>;

bool is_hex(const std::string& text, std::size_t least, std::size_t most) {
  return text.size() >= least && text.size() <= most &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
}

Meters select(const std::vector<Finding>& findings, const std::function<bool(const MeterInfo&)>& wanted) {
  Meters meters;
  for (const Finding& finding : findings) {
    if (finding.meter && wanted(finding.meter->info())) meters.push_back(finding.meter);
  }
  return meters;
}

Error ambiguous(const DeviceIdentity& device, const Meters& candidates) {
  std::string list;
  for (const auto& meter : candidates) list += (list.empty() ? "" : ", ") + meter->info().id();
  return usage_error(fmt::format("several meters could measure the device: {}", list), device.name,
                     fmt::format("choose one with --meter {}", candidates.front()->info().id()));
}

/// Whether a meter of this family can measure a device of this vendor at all.
bool same_vendor(const std::string& meter, const std::string& vendor) {
  const std::string text = to_lower(vendor);
  if (meter == "nvml") return text.find("nvidia") != text.npos;
  if (meter == "amd") return text.find("amd") != text.npos || text.find("advanced micro") != text.npos;
  if (meter == "intel") return text.find("intel") != text.npos;
  return true;
}

bool is_board(const MeterInfo& info) { return info.name == "nvml" || info.name == "amd" || info.name == "intel"; }

/// Names of one board differ between OpenCL and the meter library by vendor prefixes alone.
bool same_name(const std::string& device, const std::string& board) {
  const std::string a = to_lower(device);
  const std::string b = to_lower(board);
  return !a.empty() && !b.empty() && (a.find(b) != a.npos || b.find(a) != b.npos);
}

std::string describe_absence(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    if (finding.meter) continue;
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", finding.name, finding.reason);
  }
  return text;
}

Match found(const std::shared_ptr<Meter>& meter, const char* basis) { return {meter, basis, ""}; }

/// A part of the machine of this scope that is there and cannot be read.
const Finding* find_unusable(const std::vector<Finding>& findings, Scope scope) {
  const auto lost = std::find_if(findings.begin(), findings.end(), [&](const Finding& finding) {
    return !finding.meter && finding.name == "rapl" && finding.scope == scope;
  });
  return lost == findings.end() ? nullptr : &*lost;
}

Match match_packages(const std::vector<Finding>& findings, const Clock& clock) {
  // A machine without any package counter may still have the platform's.
  Meters parts =
      select(findings, [](const MeterInfo& info) { return info.scope == Scope::kPackage && info.name == "rapl"; });
  if (const Finding* lost = find_unusable(findings, Scope::kPackage)) {
    return {nullptr, "",
            fmt::format("{}: {} ({}): {}",
                        parts.empty() ? "the CPU's packages cannot be read"
                                      : "a part of the CPU's packages cannot be read, and the rest is not the whole",
                        lost->reason, lost->where, lost->fix)};
  }
  if (parts.empty()) return {nullptr, "", "no CPU package meter: " + describe_absence(findings)};
  const Meters memory = select(findings, [](const MeterInfo& info) { return info.scope == Scope::kDram; });
  const Finding* closed = find_unusable(findings, Scope::kDram);
  std::vector<std::string> notes;
  if (closed != nullptr) {
    notes.push_back(fmt::format("memory is left out: {}", closed->reason));
  } else if (!memory.empty() && memory.size() != parts.size()) {
    notes.push_back(fmt::format("memory is left out: {} counters for {} packages", memory.size(), parts.size()));
  } else {
    parts.insert(parts.end(), memory.begin(), memory.end());
  }
  return found(make_sum_meter(parts, clock, std::move(notes)), "packages");
}

/// A board that is there but denied must not be replaced by another one.
const Finding* find_denied(const std::vector<Finding>& findings, const std::optional<std::string>& pci) {
  for (const Finding& finding : findings) {
    if (!finding.meter && finding.pci && finding.pci == pci) return &finding;
  }
  return nullptr;
}

/// A device that could be any of several boards: the only meter found may be its neighbour's.
Match match_nothing(const DeviceIdentity& device, const std::vector<Finding>& findings) {
  std::string list;
  for (const auto& meter : select(
           findings, [&](const MeterInfo& info) { return is_board(info) && same_vendor(info.name, device.vendor); })) {
    list += (list.empty() ? "name it with --meter " : " or --meter ") + meter->info().id();
  }
  return {nullptr, "", fmt::format("{}; {}", device.doubt, list.empty() ? describe_absence(findings) : list)};
}

Result<Match> match_board(const DeviceIdentity& device, const std::vector<Finding>& findings) {
  const auto pci = device.pci ? normalise_pci(*device.pci) : std::nullopt;
  const auto uuid = device.uuid ? normalise_uuid(*device.uuid) : std::nullopt;
  if (!device.doubt.empty()) return match_nothing(device, findings);
  if (pci) {
    if (const Finding* denied = find_denied(findings, pci)) return Match{nullptr, "", denied->reason};
    const Meters there = select(findings, [&](const MeterInfo& info) { return info.pci == pci; });
    if (there.size() > 1) return ambiguous(device, there);
    if (there.size() == 1) return found(there.front(), "pci");
  }
  if (uuid) {
    const Meters there = select(findings, [&](const MeterInfo& info) {
      // A meter at another PCI address is another board, whatever the last digits of its UUID.
      if (pci && info.pci) return false;
      return info.uuid && same_uuid(*uuid, *info.uuid, info.name == "amd");
    });
    if (there.size() > 1) return ambiguous(device, there);
    if (there.size() == 1) return found(there.front(), "uuid");
  }
  if (pci)
    return Match{nullptr, "", fmt::format("no meter reports the PCI address {}; {}", *pci, describe_absence(findings))};
  const Meters alike = select(findings, [&](const MeterInfo& info) {
    if (!is_board(info) || !same_vendor(info.name, device.vendor)) return false;
    if (uuid && info.uuid) return false;  // both are known and differ
    return same_name(device.name, info.board);
  });
  if (alike.size() > 1) return ambiguous(device, alike);
  if (alike.size() == 1) return found(alike.front(), "name");
  return Match{nullptr, "", "no meter matches the device: " + describe_absence(findings)};
}

}  // namespace

std::optional<std::string> normalise_pci(const std::string& text) {
  const auto dot = text.rfind('.');
  const auto colon = text.rfind(':', dot);
  if (dot == text.npos || colon == text.npos || colon == 0) return std::nullopt;
  const auto before = text.rfind(':', colon - 1);
  const std::string domain = before == text.npos ? "0" : text.substr(0, before);
  const std::size_t bus_at = before == text.npos ? 0 : before + 1;
  const std::string bus = text.substr(bus_at, colon - bus_at);
  const std::string device = text.substr(colon + 1, dot - colon - 1);
  const std::string function = text.substr(dot + 1);
  if (!is_hex(domain, 1, 8) || !is_hex(bus, 1, 2) || !is_hex(device, 1, 2) || !is_hex(function, 1, 1)) {
    return std::nullopt;
  }
  const auto number = [](const std::string& digits) { return std::stoul(digits, nullptr, 16); };
  return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", number(domain), number(bus), number(device), number(function));
}

std::optional<std::string> normalise_uuid(const std::string& text) {
  std::string digits = to_lower(text);
  if (digits.rfind("gpu-", 0) == 0) digits.erase(0, 4);
  std::erase(digits, '-');
  if (!is_hex(digits, 32, 32)) return std::nullopt;
  return digits;
}

bool same_uuid(const std::string& first, const std::string& second, bool amd) {
  return amd ? first.substr(first.size() - 12) == second.substr(second.size() - 12) : first == second;
}

Result<Match> match_meter(const DeviceIdentity& device, const std::vector<Finding>& findings, const Clock& clock) {
  const Meters modules = select(findings, [](const MeterInfo& info) { return info.name == "jetson"; });
  Match match;
  if (device.type == DeviceType::kCpu) {
    match = match_packages(findings, clock);
  } else {
    auto board = match_board(device, findings);
    if (!board) return board.error();
    match = std::move(board).value();
  }
  // On a module with one supply every device is measured with all the others.
  if (!match.meter && modules.size() == 1) return found(modules.front(), "module");
  return match;
}

}  // namespace qtrap::power
