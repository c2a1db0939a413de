#include "power/meters/amd.hpp"

#include <array>
#include <functional>

#include <fmt/core.h>

#include "power/match.hpp"
#include "power/meters/amd_api.hpp"
#include "power/meters/file_meter.hpp"

namespace qtrap::power {

namespace {

constexpr const char* kSmiLibrary = "libamd_smi.so";
constexpr const char* kRsmiLibrary = "librocm_smi64.so.1";

/// One reading of a counter: counts and what one is worth.
struct Count {
  amd::Status status = amd::kSuccess;
  std::uint64_t count = 0;
  float resolution_uj = 0;
};
using ReadCount = std::function<Count()>;
using Classify = ReadStatus (*)(amd::Status);

ReadStatus classify_smi(amd::Status status) {
  switch (status) {
    case amd::kSuccess:
      return ReadStatus::kOk;
    case amd::kSmiNotSupported:
      return ReadStatus::kUnsupported;
    case amd::kSmiNoPermission:
      return ReadStatus::kDenied;
    case amd::kSmiNotFound:
    case amd::kSmiDriverNotLoaded:
      return ReadStatus::kVanished;
    default:
      return ReadStatus::kError;
  }
}

ReadStatus classify_rsmi(amd::Status status) {
  switch (status) {
    case amd::kSuccess:
      return ReadStatus::kOk;
    case amd::kRsmiNotSupported:
      return ReadStatus::kUnsupported;
    case amd::kRsmiPermission:
      return ReadStatus::kDenied;
    default:
      return ReadStatus::kError;
  }
}

/// Counter from a library, the rest from hwmon (null where the board has none).
class AmdMeter final : public Meter {
 public:
  AmdMeter(MeterInfo info, ReadCount count, Classify classify, std::shared_ptr<Meter> hwmon, const Clock& clock)
      : info_(std::move(info)), count_(std::move(count)), classify_(classify), hwmon_(std::move(hwmon)), clock_(clock) {
    const Reading<Joules> first = read_energy();
    info_.has_energy = first.status == ReadStatus::kOk;  // it counts from the boot: 0 is a dead counter
    refusal_ = first.status;
    info_.has_power = hwmon_ && hwmon_->info().has_power;
  }

  const MeterInfo& info() const override { return info_; }
  ReadStatus refusal() const { return refusal_; }

  Sample read() override {
    Sample sample;
    sample.energy = info_.has_energy ? read_energy() : absent_reading<Joules>(clock_.now(), ReadStatus::kUnsupported);
    sample.power = hwmon_ ? hwmon_->read().power : absent_reading<Watts>(clock_.now(), ReadStatus::kUnsupported);
    return sample;
  }

  BoardState read_state() override { return hwmon_ ? hwmon_->read_state() : BoardState{}; }

 private:
  Reading<Joules> read_energy() const {
    const Seconds before = clock_.now();
    const Count count = count_();
    const Seconds at = before + (clock_.now() - before) / 2;
    if (count.status != amd::kSuccess) return absent_reading<Joules>(at, classify_(count.status));
    return make_reading<Joules>(at, static_cast<double>(count.count) * static_cast<double>(count.resolution_uj) * 1e-6);
  }

  MeterInfo info_;
  ReadCount count_;
  Classify classify_;
  std::shared_ptr<Meter> hwmon_;
  const Clock& clock_;
  ReadStatus refusal_ = ReadStatus::kOk;
};

/// Domain, bus, device and function of a bus number packed as (domain, 8, 5, 3) bits.
std::optional<std::string> unpack_pci(std::uint64_t domain, std::uint64_t bits) {
  return normalise_pci(
      fmt::format("{:04x}:{:02x}:{:02x}.{}", domain, (bits >> 8) & 0xff, (bits >> 3) & 0x1f, bits & 0x7));
}

void note_quirks(MeterInfo& info) {
  if (info.board.find("MI250") == std::string::npos) return;
  info.scope = Scope::kModule;
  info.notes.emplace_back("the module's two dies are counted as one");
}

std::vector<Finding> find_hwmon_boards(const MeterEnvironment& environment, const Clock& clock) {
  std::vector<Finding> found;
  for (const auto& hwmon : list_hwmon(environment, "amdgpu")) {
    MeterInfo info;
    info.name = "amd";
    info.source = hwmon.string();
    info.board = "amdgpu";
    info.pci = find_hwmon_pci(hwmon);
    MeterFiles files;
    // RDNA and CDNA3 have an instant reading; older boards the average alone.
    files.power_uw = choose_file({hwmon / "power1_input", hwmon / "power1_average"}, info.notes);
    info.power_field = files.power_uw.filename() == "power1_input" ? "instant" : "average";
    files.temperature_mc = hwmon / "temp1_input";
    files.clock_hz = hwmon / "freq1_input";
    if (const auto cap = read_file_number(hwmon / "power1_cap").value) info.power_limit = Watts(*cap * 1e-6);
    found.push_back(make_file_finding(environment, info, files, clock));
  }
  return found;
}

std::shared_ptr<Meter> find_by_pci(const std::vector<Finding>& boards, const std::optional<std::string>& pci) {
  for (const Finding& board : boards) {
    if (pci && board.pci == pci && board.meter) return board.meter;
  }
  return nullptr;
}

Finding make_board(MeterInfo info, ReadCount count, Classify classify, const std::vector<Finding>& hwmon,
                   const Clock& clock) {
  note_quirks(info);
  const auto sensors = find_by_pci(hwmon, info.pci);
  if (sensors) {
    info.power_field = sensors->info().power_field;
    info.power_limit = sensors->info().power_limit;
  }
  const auto meter = std::make_shared<AmdMeter>(std::move(info), std::move(count), classify, sensors, clock);
  Finding finding{"amd", meter->info().source, nullptr, "", "", meter->info().pci};
  if (meter->info().has_energy || meter->info().has_power) {
    finding.meter = meter;
  } else {
    finding.reason = fmt::format("{} reports no energy ({}) and has no amdgpu power file", meter->info().board,
                                 to_string(meter->refusal()));
    finding.fix = "sudo usermod -aG render,video $USER, then log in again";
  }
  return finding;
}

Finding refuse(const std::string& where, const std::string& reason, const std::string& fix) {
  return {"amd", where, nullptr, reason, fix, std::nullopt};
}

/// libamd_smi with its functions.
struct Smi {
  std::shared_ptr<VendorLibrary> library;
  amd::SmiShutDown* shut_down = nullptr;
  amd::SmiSockets* sockets = nullptr;
  amd::SmiProcessors* processors = nullptr;
  amd::SmiBdf* bdf = nullptr;
  amd::SmiUuid* uuid = nullptr;
  amd::SmiAsicInfo* asic = nullptr;
  amd::SmiEnergy* energy = nullptr;
  ~Smi() {
    if (shut_down != nullptr) shut_down();
  }
};

std::vector<amd::Handle> list_handles(const std::function<amd::Status(std::uint32_t*, amd::Handle*)>& list) {
  std::uint32_t count = 0;
  if (list(&count, nullptr) != amd::kSuccess) return {};
  std::vector<amd::Handle> handles(count);
  if (count == 0 || list(&count, handles.data()) != amd::kSuccess) return {};
  return handles;
}

MeterInfo describe_smi_board(const Smi& smi, amd::Handle board) {
  MeterInfo info;
  info.name = "amd";
  info.source = kSmiLibrary;
  info.board = "AMD board";
  std::uint64_t bits = 0;
  if (smi.bdf(board, &bits) == amd::kSuccess) info.pci = unpack_pci(bits >> 16, bits);
  std::array<char, 64> uuid{};
  auto length = static_cast<unsigned>(uuid.size());
  if (smi.uuid != nullptr && smi.uuid(board, &length, uuid.data()) == amd::kSuccess) {
    info.uuid = normalise_uuid(uuid.data());
  }
  alignas(8) std::array<char, amd::kAsicInfoBytes> asic{};
  if (smi.asic != nullptr && smi.asic(board, asic.data()) == amd::kSuccess && asic[0] != '\0') {
    asic.back() = '\0';
    info.board = asic.data();
  }
  return info;
}

std::vector<Finding> find_smi(const MeterEnvironment& environment, const std::vector<Finding>& hwmon,
                              const Clock& clock) {
  auto opened = VendorLibrary::open(environment, kSmiLibrary);
  if (!opened)
    return {refuse(environment.library_path(kSmiLibrary), opened.error().value, "install amd-smi-lib of ROCm")};
  const auto smi = std::make_shared<Smi>();
  smi->library = std::move(opened).value();
  amd::SmiInit* init = nullptr;
  amd::SmiShutDown* shut_down = nullptr;
  const VendorLibrary& lib = *smi->library;
  const bool complete = lib.bind(init, "amdsmi_init") && lib.bind(shut_down, "amdsmi_shut_down") &&
                        lib.bind(smi->sockets, "amdsmi_get_socket_handles") &&
                        lib.bind(smi->processors, "amdsmi_get_processor_handles") &&
                        lib.bind(smi->bdf, "amdsmi_get_gpu_device_bdf") &&
                        lib.bind(smi->energy, "amdsmi_get_energy_count");
  lib.bind(smi->uuid, "amdsmi_get_gpu_device_uuid");
  lib.bind(smi->asic, "amdsmi_get_gpu_asic_info");
  if (!complete)
    return {refuse(kSmiLibrary, "the library lacks a function of ROCm 5.7 or later", "update amd-smi-lib")};
  const amd::Status status = init(amd::kInitGpus);
  if (status != amd::kSuccess) {
    return {refuse(kSmiLibrary, fmt::format("amdsmi_init failed with status {}", status), "sudo modprobe amdgpu")};
  }
  smi->shut_down = shut_down;
  std::vector<Finding> found;
  for (amd::Handle socket : list_handles(smi->sockets)) {
    for (amd::Handle board : list_handles(
             [&](std::uint32_t*count, amd::Handle*handles) { return smi->processors(socket, count, handles); })) {
      MeterInfo info = describe_smi_board(*smi, board);
      info.simulated = environment.is_simulated();
      const auto read = [smi, board] {
        Count count;
        std::uint64_t stamp_ns = 0;
        count.status = smi->energy(board, &count.count, &count.resolution_uj, &stamp_ns);
        return count;
      };
      found.push_back(make_board(std::move(info), read, classify_smi, hwmon, clock));
    }
  }
  if (found.empty()) found.push_back(refuse(kSmiLibrary, "the library sees no board", "rocminfo"));
  return found;
}

/// librocm_smi64 with its functions.
struct Rsmi {
  std::shared_ptr<VendorLibrary> library;
  amd::SmiShutDown* shut_down = nullptr;
  amd::RsmiCount* count = nullptr;
  amd::RsmiPci* pci = nullptr;
  amd::RsmiUniqueId* unique_id = nullptr;
  amd::RsmiName* name = nullptr;
  amd::RsmiEnergy* energy = nullptr;
  ~Rsmi() {
    if (shut_down != nullptr) shut_down();
  }
};

MeterInfo describe_rsmi_board(const Rsmi& rsmi, std::uint32_t index) {
  MeterInfo info;
  info.name = "amd";
  info.source = kRsmiLibrary;
  info.board = "AMD board";
  std::uint64_t bits = 0;
  if (rsmi.pci(index, &bits) == amd::kSuccess) info.pci = unpack_pci(bits >> 32, bits);
  // Sixteen digits alone; the last twelve are what AMD's UUIDs share.
  if (rsmi.unique_id != nullptr && rsmi.unique_id(index, &bits) == amd::kSuccess) {
    info.uuid = normalise_uuid(fmt::format("{:032x}", bits));
  }
  std::array<char, 128> name{};
  if (rsmi.name != nullptr && rsmi.name(index, name.data(), name.size() - 1) == amd::kSuccess && name[0] != '\0') {
    info.board = name.data();
  }
  return info;
}

std::vector<Finding> find_rsmi(const MeterEnvironment& environment, const std::vector<Finding>& hwmon,
                               const Clock& clock) {
  auto opened = VendorLibrary::open(environment, kRsmiLibrary);
  if (!opened)
    return {refuse(environment.library_path(kRsmiLibrary), opened.error().value, "install rocm-smi-lib of ROCm")};
  const auto rsmi = std::make_shared<Rsmi>();
  rsmi->library = std::move(opened).value();
  amd::SmiInit* init = nullptr;
  amd::SmiShutDown* shut_down = nullptr;
  const VendorLibrary& lib = *rsmi->library;
  const bool complete = lib.bind(init, "rsmi_init") && lib.bind(shut_down, "rsmi_shut_down") &&
                        lib.bind(rsmi->count, "rsmi_num_monitor_devices") &&
                        lib.bind(rsmi->pci, "rsmi_dev_pci_id_get") &&
                        lib.bind(rsmi->energy, "rsmi_dev_energy_count_get");
  lib.bind(rsmi->unique_id, "rsmi_dev_unique_id_get");
  lib.bind(rsmi->name, "rsmi_dev_name_get");
  if (!complete)
    return {refuse(kRsmiLibrary, "the library lacks a function of ROCm 4.5 or later", "update rocm-smi-lib")};
  const amd::Status status = init(0);
  if (status != amd::kSuccess) {
    return {refuse(kRsmiLibrary, fmt::format("rsmi_init failed with status {}", status), "sudo modprobe amdgpu")};
  }
  rsmi->shut_down = shut_down;
  std::uint32_t boards = 0;
  if (rsmi->count(&boards) != amd::kSuccess) boards = 0;
  std::vector<Finding> found;
  for (std::uint32_t index = 0; index < boards; ++index) {
    MeterInfo info = describe_rsmi_board(*rsmi, index);
    info.simulated = environment.is_simulated();
    const auto read = [rsmi, index] {
      Count count;
      std::uint64_t stamp_ns = 0;
      count.status = rsmi->energy(index, &count.count, &count.resolution_uj, &stamp_ns);
      return count;
    };
    found.push_back(make_board(std::move(info), read, classify_rsmi, hwmon, clock));
  }
  if (found.empty()) found.push_back(refuse(kRsmiLibrary, "the library sees no board", "rocminfo"));
  return found;
}

}  // namespace

std::vector<Finding> find_amd(const MeterEnvironment& environment, const Clock& clock) {
  std::vector<Finding> hwmon = find_hwmon_boards(environment, clock);
  std::vector<Finding> smi = find_smi(environment, hwmon, clock);
  std::vector<Finding> rsmi = find_rsmi(environment, hwmon, clock);
  if (hwmon.empty()) {
    hwmon.push_back(refuse((environment.sysfs_root() / "class/hwmon/*/name = amdgpu").string(), "no amdgpu sensor",
                           "sudo modprobe amdgpu"));
  }
  return merge_boards({std::move(smi), std::move(rsmi), std::move(hwmon)});
}

}  // namespace qtrap::power
