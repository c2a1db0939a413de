#include "power/meters/rapl.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "core/file.hpp"
#include "power/meters/file_meter.hpp"

namespace qtrap::power {

namespace {

// No package on sale draws more; bounds what a counter may gain between two readings.
constexpr Watts kMostOfPackage{2000};

struct Zone {
  Scope scope;
  std::string board;
};

/// The zones that are measured; cores and uncore lie inside their package and would be counted twice.
std::optional<Zone> describe_zone(const std::filesystem::path& zone, const std::string& parent) {
  const auto name = read_first_line(zone / "name");
  if (!name) return std::nullopt;
  if (name->rfind("package-", 0) == 0) return Zone{Scope::kPackage, *name};
  if (*name == "psys") return Zone{Scope::kPlatform, "psys"};
  if (*name == "dram") return Zone{Scope::kDram, parent.empty() ? "dram" : parent + " dram"};
  return std::nullopt;
}

Finding open_zone(const MeterEnvironment& environment, const Zone& zone, const std::filesystem::path& folder,
                  const Clock& clock) {
  MeterInfo info;
  info.name = "rapl";
  info.source = folder.string();
  info.board = zone.board;
  info.scope = zone.scope;
  info.limits.max_power = kMostOfPackage;
  if (const auto range = read_file_number(folder / "max_energy_range_uj").value) {
    info.limits.range = Joules(*range * 1e-6);
  }
  MeterFiles files;
  files.energy_uj = folder / "energy_uj";
  Finding finding = make_file_finding(environment, info, files, clock);
  // Root-only since CVE-2020-8694; a reboot undoes this. All zones at once: one of several packages measures nothing.
  if (finding.denied) {
    finding.fix =
        fmt::format("sudo chmod a+r {}/intel-rapl:*/energy_uj", (environment.sysfs_root() / "class/powercap").string());
  } else if (!finding.meter) {
    finding.fix = "sudo dmesg | grep -i rapl";
  }
  return finding;
}

Finding refuse_package(const std::string& where, const std::string& reason) {
  Finding finding{"rapl", where, nullptr, reason, "sudo dmesg | grep -i rapl", std::nullopt};
  finding.scope = Scope::kPackage;
  return finding;
}

/// Sockets by the kernel's topology; empty where it does not tell.
std::set<std::string> list_sockets(const MeterEnvironment& environment) {
  std::set<std::string> sockets;
  for (const auto& cpu : list_folders(environment.sysfs_root() / "devices/system/cpu", "cpu")) {
    if (const auto socket = read_first_line(cpu / "topology/physical_package_id")) sockets.insert(*socket);
  }
  return sockets;
}

/// Refusals for the sockets of the machine that none of the packages found counts ("package-1", "package-1-die-0").
void add_missing_sockets(const MeterEnvironment& environment, const std::set<std::string>& packages,
                         std::vector<Finding>& found) {
  if (packages.empty()) return;
  for (const std::string& socket : list_sockets(environment)) {
    const std::string name = "package-" + socket;
    const bool there = std::any_of(packages.begin(), packages.end(), [&](const std::string& package) {
      return package == name || package.rfind(name + "-", 0) == 0;
    });
    if (!there) {
      found.push_back(refuse_package((environment.sysfs_root() / "class/powercap").string(),
                                     fmt::format("socket {} has no package counter", socket)));
    }
  }
}

std::vector<Finding> find_powercap(const MeterEnvironment& environment, const Clock& clock) {
  std::vector<Finding> found;
  std::set<std::string> packages;
  // "intel-rapl:0" is a package or psys, "intel-rapl:0:0" a zone inside it; the class folder holds both,
  // flat. intel-rapl-mmio mirrors the same counters and is left out.
  for (const auto& folder : list_folders(environment.sysfs_root() / "class/powercap", "intel-rapl:")) {
    const std::string name = folder.filename().string();
    const auto last_colon = name.rfind(':');
    const bool inner = last_colon != name.find(':');
    const auto parent = inner ? read_first_line(folder.parent_path() / name.substr(0, last_colon) / "name")
                              : std::optional<std::string>();
    if (const auto zone = describe_zone(folder, parent.value_or(""))) {
      found.push_back(open_zone(environment, *zone, folder, clock));
      if (zone->scope == Scope::kPackage) packages.insert(zone->board);
    } else if (!inner && !read_first_line(folder / "name")) {
      found.push_back(refuse_package(folder.string(), (folder / "name").string() + " cannot be read"));
    }
  }
  add_missing_sockets(environment, packages, found);
  return found;
}

std::vector<Finding> find_amd_energy(const MeterEnvironment& environment, const Clock& clock) {
  std::vector<Finding> found;
  std::set<std::string> packages;
  for (const auto& hwmon : list_hwmon(environment, "amd_energy")) {
    for (int number = 1;; ++number) {
      const std::string stem = "energy" + std::to_string(number);
      const auto label = read_first_line(hwmon / (stem + "_label"));
      if (!label) break;
      if (label->rfind("Esocket", 0) != 0) continue;  // the cores' own counters lie inside the socket's
      MeterInfo info;
      info.name = "rapl";
      info.source = (hwmon / (stem + "_input")).string();
      info.board = "package-" + label->substr(7);
      packages.insert(info.board);
      info.scope = Scope::kPackage;
      info.limits.max_power = kMostOfPackage;
      MeterFiles files;
      files.energy_uj = hwmon / (stem + "_input");
      found.push_back(make_file_finding(environment, info, files, clock));
    }
  }
  add_missing_sockets(environment, packages, found);
  return found;
}

}  // namespace

std::vector<Finding> find_rapl(const MeterEnvironment& environment, const Clock& clock) {
  std::vector<Finding> found = find_powercap(environment, clock);
  if (found.empty()) found = find_amd_energy(environment, clock);
  if (found.empty()) {
    const std::string where = (environment.sysfs_root() / "class/powercap/intel-rapl:*").string();
    found.push_back({"rapl", where, nullptr, "no RAPL zone and no amd_energy sensor (virtual machines hide both)",
                     "sudo modprobe intel_rapl_msr; in a virtual machine, measure on its host", std::nullopt});
  }
  return found;
}

}  // namespace qtrap::power
