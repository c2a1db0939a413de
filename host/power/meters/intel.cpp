#include "power/meters/intel.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "core/file.hpp"
#include "power/match.hpp"
#include "power/meters/file_meter.hpp"
#include "power/meters/level_zero_api.hpp"

namespace qtrap::power {

namespace {

constexpr const char* kLibrary = "libze_loader.so.1";
namespace ze = level_zero;

/// The file that counts the whole card; where there is none that reads, that of the chip, with its narrower scope.
struct EnergyFile {
  std::filesystem::path path;
  Scope scope;
  std::vector<std::string> notes;
};

std::optional<EnergyFile> choose_energy_file(const std::filesystem::path& hwmon) {
  std::vector<std::filesystem::path> cards;
  std::vector<std::filesystem::path> chips;
  for (const char* number : {"1", "2", "3"}) {
    const auto path = hwmon / (std::string("energy") + number + "_input");
    if (!std::filesystem::exists(path)) continue;
    // i915 has one counter without a label, of the card; xe labels its own "card" and "pkg".
    const auto label = read_first_line(hwmon / (std::string("energy") + number + "_label"));
    (!label || *label == "card" ? cards : chips).push_back(path);
  }
  std::vector<std::filesystem::path> all = cards;
  all.insert(all.end(), chips.begin(), chips.end());
  if (all.empty()) return std::nullopt;
  EnergyFile chosen;
  chosen.path = choose_file(all, chosen.notes);
  const bool card = std::find(cards.begin(), cards.end(), chosen.path) != cards.end();
  chosen.scope = card ? Scope::kBoard : Scope::kPackage;
  return chosen;
}

std::vector<Finding> find_hwmon_boards(const MeterEnvironment& environment, const Clock& clock) {
  std::vector<Finding> found;
  for (const char* driver : {"i915", "xe"}) {
    for (const auto& hwmon : list_hwmon(environment, driver)) {
      const auto energy = choose_energy_file(hwmon);
      if (!energy) continue;
      MeterInfo info;
      info.name = "intel";
      info.source = energy->path.string();
      info.board = "Intel GPU";
      info.driver = driver;
      info.pci = find_hwmon_pci(hwmon);
      info.scope = energy->scope;
      info.notes = energy->notes;
      if (const auto cap = read_file_number(hwmon / "power1_max").value; cap && *cap > 0) {
        info.power_limit = Watts(*cap * 1e-6);
      }
      MeterFiles files;
      files.energy_uj = energy->path;
      files.temperature_mc = hwmon / "temp2_input";
      found.push_back(make_file_finding(environment, info, files, clock));
    }
  }
  return found;
}

ReadStatus classify(ze::Result result) {
  switch (result) {
    case ze::kSuccess:
      return ReadStatus::kOk;
    case ze::kUnsupported:
      return ReadStatus::kUnsupported;
    case ze::kNoPermission:
      return ReadStatus::kDenied;
    case ze::kDeviceLost:
    case ze::kUninitialised:
      return ReadStatus::kVanished;
    default:
      return ReadStatus::kError;
  }
}

/// The loader with its functions.
struct Sysman {
  std::shared_ptr<VendorLibrary> library;
  ze::List* drivers = nullptr;
  ze::ListOf* devices = nullptr;
  ze::GetPci* pci = nullptr;
  ze::GetHandle* card_domain = nullptr;
  ze::ListOf* domains = nullptr;
  ze::GetEnergy* energy = nullptr;
};

class SysmanMeter final : public Meter {
 public:
  SysmanMeter(std::shared_ptr<Sysman> sysman, ze::Handle domain, MeterInfo info, const Clock& clock)
      : sysman_(std::move(sysman)), domain_(domain), info_(std::move(info)), clock_(clock) {
    info_.has_energy = true;
  }
  const MeterInfo& info() const override { return info_; }
  Sample read() override {
    const Seconds before = clock_.now();
    ze::EnergyCounter counter{};
    const ze::Result result = sysman_->energy(domain_, &counter);
    const Seconds at = before + (clock_.now() - before) / 2;
    Sample sample{absent_reading<Joules>(at, classify(result)), absent_reading<Watts>(at, ReadStatus::kUnsupported)};
    if (result == ze::kSuccess) sample.energy = make_reading<Joules>(at, static_cast<double>(counter.energy_uj) * 1e-6);
    return sample;
  }

 private:
  std::shared_ptr<Sysman> sysman_;
  ze::Handle domain_;
  MeterInfo info_;
  const Clock& clock_;
};

std::vector<ze::Handle> list_handles(ze::ListOf* list, ze::Handle parent) {
  std::uint32_t count = 0;
  if (list(parent, &count, nullptr) != ze::kSuccess || count == 0) return {};
  std::vector<ze::Handle> handles(count);
  if (list(parent, &count, handles.data()) != ze::kSuccess) return {};
  handles.resize(count);
  return handles;
}

Finding refuse(const std::string& where, const std::string& reason, const std::string& fix) {
  return {"intel", where, nullptr, reason, fix, std::nullopt};
}

Finding open_device(const MeterEnvironment& environment, const std::shared_ptr<Sysman>& sysman, ze::Handle device,
                    const Clock& clock) {
  MeterInfo info;
  info.name = "intel";
  info.source = kLibrary;
  info.board = "Intel GPU";
  info.simulated = environment.is_simulated();
  ze::PciProperties pci{};
  pci.type = ze::kPciPropertiesType;
  if (sysman->pci(device, &pci) == ze::kSuccess) {
    info.pci = normalise_pci(fmt::format("{:04x}:{:02x}:{:02x}.{}", pci.domain, pci.bus, pci.device, pci.function));
  }
  ze::Handle domain = nullptr;
  if (sysman->card_domain == nullptr || sysman->card_domain(device, &domain) != ze::kSuccess) {
    const auto domains = list_handles(sysman->domains, device);
    if (!domains.empty()) domain = domains.front();
    info.scope = Scope::kPackage;
  }
  Finding finding{"intel", kLibrary, nullptr, "", "", info.pci};
  if (domain == nullptr) {
    finding.reason = "the board has no power domain";
    finding.fix = "export ZES_ENABLE_SYSMAN=1";
    return finding;
  }
  const auto meter = std::make_shared<SysmanMeter>(sysman, domain, std::move(info), clock);
  const ReadStatus status = meter->read().energy.status;
  if (status == ReadStatus::kOk || status == ReadStatus::kZero) {
    finding.meter = meter;
  } else {
    finding.reason = "zesPowerGetEnergyCounter: " + to_string(status);
    finding.fix = status == ReadStatus::kDenied ? "sudo usermod -aG render $USER, then log in again"
                                                : "update the Intel GPU driver";
  }
  return finding;
}

std::vector<Finding> find_sysman(const MeterEnvironment& environment, const Clock& clock) {
  auto opened = VendorLibrary::open(environment, kLibrary);
  if (!opened) return {refuse(environment.library_path(kLibrary), opened.error().value, "sudo apt-get install libze1")};
  const auto sysman = std::make_shared<Sysman>();
  sysman->library = std::move(opened).value();
  const VendorLibrary& lib = *sysman->library;
  ze::Init* init = nullptr;
  lib.bind(sysman->card_domain, "zesDeviceGetCardPowerDomain");
  if (!lib.bind(init, "zesInit") || !lib.bind(sysman->drivers, "zesDriverGet") ||
      !lib.bind(sysman->devices, "zesDeviceGet") || !lib.bind(sysman->pci, "zesDevicePciGetProperties") ||
      !lib.bind(sysman->domains, "zesDeviceEnumPowerDomains") ||
      !lib.bind(sysman->energy, "zesPowerGetEnergyCounter")) {
    return {refuse(kLibrary, "the loader lacks a function of Level Zero 1.5 or later", "update libze1")};
  }
  const ze::Result result = init(0);
  if (result != ze::kSuccess) {
    return {refuse(kLibrary, fmt::format("zesInit failed with status {:#x}", result),
                   "install Intel's Level Zero GPU driver")};
  }
  std::uint32_t count = 0;
  std::vector<ze::Handle> drivers;
  if (sysman->drivers(&count, nullptr) == ze::kSuccess && count > 0) {
    drivers.resize(count);
    if (sysman->drivers(&count, drivers.data()) != ze::kSuccess) drivers.clear();
  }
  std::vector<Finding> found;
  for (ze::Handle driver : drivers) {
    for (ze::Handle device : list_handles(sysman->devices, driver)) {
      found.push_back(open_device(environment, sysman, device, clock));
    }
  }
  if (found.empty()) found.push_back(refuse(kLibrary, "the loader sees no board", "ls /dev/dri"));
  return found;
}

}  // namespace

std::vector<Finding> find_intel(const MeterEnvironment& environment, const Clock& clock) {
  std::vector<Finding> hwmon = find_hwmon_boards(environment, clock);
  if (hwmon.empty()) {
    hwmon.push_back(refuse((environment.sysfs_root() / "class/hwmon/*/name = i915 | xe").string(),
                           "no energy counter of a discrete board", "use Linux 6.2 or later"));
  }
  return merge_boards({std::move(hwmon), find_sysman(environment, clock)});
}

}  // namespace qtrap::power
