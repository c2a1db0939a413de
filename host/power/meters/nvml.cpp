#include "power/meters/nvml.hpp"

#include <array>
#include <cmath>

#include <fmt/core.h>

#include "power/match.hpp"
#include "power/meters/nvml_api.hpp"

namespace qtrap::power {

namespace {

constexpr const char* kLibrary = "libnvidia-ml.so.1";
constexpr const char* kUpdate = "update the NVIDIA driver";

/// The library's functions; those that older drivers lack may be null.
struct Api {
  nvml::Init* init = nullptr;
  nvml::Shutdown* shutdown = nullptr;
  nvml::ErrorString* error_string = nullptr;
  nvml::GetCount* count = nullptr;
  nvml::GetHandle* handle = nullptr;
  nvml::GetPciInfo* pci = nullptr;
  nvml::GetText* driver = nullptr;
  nvml::GetDeviceText* name = nullptr;
  nvml::GetDeviceText* uuid = nullptr;
  nvml::GetFieldValues* fields = nullptr;
  nvml::GetMask* total_energy = nullptr;
  nvml::GetUnsigned* power = nullptr;
  nvml::GetUnsigned* power_limit = nullptr;
  nvml::GetUnsignedOf* clock = nullptr;
  nvml::GetUnsignedOf* temperature = nullptr;
  nvml::GetMask* throttle = nullptr;
  nvml::GetProcesses* processes = nullptr;
  nvml::GetPair* mig = nullptr;
  nvml::GetUnsigned* persistence = nullptr;
  nvml::GetPair* ecc = nullptr;
};

/// Library and initialisation; shared by the meters of all boards.
class Session {
 public:
  static Result<std::shared_ptr<Session>> open(const MeterEnvironment& environment) {
    auto library = VendorLibrary::open(environment, kLibrary);
    if (!library) return runtime_error(library.error().what, library.error().value, "install the NVIDIA driver");
    std::shared_ptr<Session> session(new Session(std::move(library).value()));
    if (const char* missing = session->bind()) {
      return runtime_error("the library lacks a function", missing, kUpdate);
    }
    const nvml::Return status = session->api.init();
    if (status != nvml::kSuccess) {
      return runtime_error(fmt::format("nvmlInit_v2 failed: {}", session->describe(status)), kLibrary,
                           status == nvml::kDriverNotLoaded ? "sudo modprobe nvidia" : "nvidia-smi");
    }
    session->initialised_ = true;
    return session;
  }
  ~Session() {
    if (initialised_ && api.shutdown != nullptr) api.shutdown();
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  std::string describe(nvml::Return status) const {
    const char* text = api.error_string == nullptr ? nullptr : api.error_string(status);
    return fmt::format("{} (NVML status {})", text == nullptr ? "error" : text, status);
  }

  Api api;

 private:
  explicit Session(std::shared_ptr<VendorLibrary> library) : library_(std::move(library)) {}

  /// Name of the first function that is missing and cannot be done without.
  const char* bind() {
    const VendorLibrary& lib = *library_;
    const std::array required{
        lib.bind(api.init, "nvmlInit_v2") ? nullptr : "nvmlInit_v2",
        lib.bind(api.count, "nvmlDeviceGetCount_v2") ? nullptr : "nvmlDeviceGetCount_v2",
        lib.bind(api.handle, "nvmlDeviceGetHandleByIndex_v2") ? nullptr : "nvmlDeviceGetHandleByIndex_v2",
        lib.bind(api.pci, "nvmlDeviceGetPciInfo_v3") ? nullptr : "nvmlDeviceGetPciInfo_v3",
    };
    lib.bind(api.shutdown, "nvmlShutdown");
    lib.bind(api.error_string, "nvmlErrorString");
    lib.bind(api.driver, "nvmlSystemGetDriverVersion");
    lib.bind(api.name, "nvmlDeviceGetName");
    lib.bind(api.uuid, "nvmlDeviceGetUUID");
    lib.bind(api.fields, "nvmlDeviceGetFieldValues");
    lib.bind(api.total_energy, "nvmlDeviceGetTotalEnergyConsumption");
    lib.bind(api.power, "nvmlDeviceGetPowerUsage");
    lib.bind(api.power_limit, "nvmlDeviceGetEnforcedPowerLimit");
    lib.bind(api.clock, "nvmlDeviceGetClockInfo");
    lib.bind(api.temperature, "nvmlDeviceGetTemperature");
    lib.bind(api.throttle, "nvmlDeviceGetCurrentClocksThrottleReasons");
    lib.bind(api.processes, "nvmlDeviceGetComputeRunningProcesses_v3");
    lib.bind(api.mig, "nvmlDeviceGetMigMode");
    lib.bind(api.persistence, "nvmlDeviceGetPersistenceMode");
    lib.bind(api.ecc, "nvmlDeviceGetEccMode");
    for (const char* missing : required) {
      if (missing != nullptr) return missing;
    }
    return nullptr;
  }

  std::shared_ptr<VendorLibrary> library_;
  bool initialised_ = false;
};

ReadStatus classify(nvml::Return status) {
  switch (status) {
    case nvml::kSuccess:
      return ReadStatus::kOk;
    case nvml::kNotSupported:
      return ReadStatus::kUnsupported;
    case nvml::kNoPermission:
      return ReadStatus::kDenied;
    case nvml::kUninitialised:
    case nvml::kDriverNotLoaded:
    case nvml::kGpuIsLost:
    case nvml::kGpuNotFound:
      return ReadStatus::kVanished;
    default:
      return ReadStatus::kError;
  }
}

double decode(const nvml::FieldValue& field) {
  switch (field.type) {
    case nvml::kDouble:
      return field.value.as_double;
    case nvml::kUnsignedInt:
      return field.value.as_unsigned;
    case nvml::kUnsignedLong:
      return static_cast<double>(field.value.as_unsigned_long);
    case nvml::kUnsignedLongLong:
      return static_cast<double>(field.value.as_unsigned_long_long);
    case nvml::kSignedLongLong:
      return static_cast<double>(field.value.as_signed_long_long);
    case nvml::kSignedInt:
      return field.value.as_signed;
    default:
      return std::nan("");
  }
}

/// How a channel is read. Chosen once, by what the board answers.
enum class Route { kNone, kField, kCall };

/// A number in milli-units with its status.
struct Milli {
  double value = 0;
  ReadStatus status = ReadStatus::kUnsupported;
};

/// Whether a channel answers with a number: fields of some boards succeed with 0 or NaN for ever.
bool is_alive(const Milli& milli) {
  return milli.status == ReadStatus::kOk && std::isfinite(milli.value) && milli.value > 0;
}

struct ThrottleBit {
  unsigned long long bit;
  const char* name;
};
// Idle (0x1), user-set clocks (0x2) and display (0x100) are no throttling.
constexpr std::array kThrottleBits{ThrottleBit{0x04, "sw_power_cap"},        ThrottleBit{0x08, "hw_slowdown"},
                                   ThrottleBit{0x10, "sync_boost"},          ThrottleBit{0x20, "sw_thermal_slowdown"},
                                   ThrottleBit{0x40, "hw_thermal_slowdown"}, ThrottleBit{0x80, "hw_power_brake"}};

class NvmlMeter final : public Meter {
 public:
  NvmlMeter(std::shared_ptr<Session> session, nvml::Device device, MeterInfo info, const Clock& clock)
      : session_(std::move(session)), device_(device), info_(std::move(info)), clock_(clock) {
    choose_energy();
    choose_power();
    info_.has_energy = energy_route_ != Route::kNone;
    info_.has_power = power_route_ != Route::kNone;
    info_.power_limit = read_limit();
    // Spikes of a few milliseconds reach about twice the limit.
    if (info_.power_limit) info_.limits.max_power = *info_.power_limit * 3;
  }

  const MeterInfo& info() const override { return info_; }

  Sample read() override {
    Sample sample;
    sample.energy = stamp<Joules>([this] { return read_energy(); });
    sample.power = stamp<Watts>([this] { return read_power(); });
    return sample;
  }

  BoardState read_state() override {
    BoardState state;
    if (const auto mhz = read_of(api().clock, 1)) state.core_clock = Hertz(*mhz * 1e6);    // SM clock
    if (const auto mhz = read_of(api().clock, 2)) state.memory_clock = Hertz(*mhz * 1e6);  // memory clock
    state.temperature_c = read_of(api().temperature, 0);
    state.throttle_reasons = read_throttle_reasons();
    state.process_ids = read_processes();
    state.power_limit = read_limit();
    unsigned mode = 0;
    unsigned pending = 0;
    if (api().persistence != nullptr && api().persistence(device_, &mode) == nvml::kSuccess) {
      state.persistence = mode == 1;
    }
    if (api().ecc != nullptr && api().ecc(device_, &mode, &pending) == nvml::kSuccess) state.ecc = mode == 1;
    return state;
  }

  /// Why neither channel can be read; only when both routes are kNone.
  const std::string& refusal() const { return refusal_; }

 private:
  const Api& api() const { return session_->api; }

  template <class Unit, class Read>
  Reading<Unit> stamp(const Read& read) {
    const Seconds before = clock_.now();
    const Milli milli = read();
    const Seconds at = before + (clock_.now() - before) / 2;
    return milli.status == ReadStatus::kOk ? make_reading<Unit>(at, milli.value * 1e-3)
                                           : absent_reading<Unit>(at, milli.status);
  }

  Milli read_field(unsigned id, unsigned scope) const {
    if (api().fields == nullptr) return {};
    nvml::FieldValue field{};
    field.field = id;
    field.scope = scope;
    const nvml::Return status = api().fields(device_, 1, &field);
    if (status != nvml::kSuccess) return {0, classify(status)};
    return {decode(field), classify(field.status)};
  }

  Milli call_total_energy() const {
    if (api().total_energy == nullptr) return {};
    unsigned long long value = 0;
    const nvml::Return status = api().total_energy(device_, &value);
    return {static_cast<double>(value), classify(status)};
  }

  Milli call_power() const {
    if (api().power == nullptr) return {};
    unsigned value = 0;
    const nvml::Return status = api().power(device_, &value);
    return {static_cast<double>(value), classify(status)};
  }

  Milli read_energy() const {
    if (energy_route_ == Route::kField) return read_field(nvml::kFieldTotalEnergy, 0);
    return energy_route_ == Route::kCall ? call_total_energy() : Milli{};
  }

  Milli read_power() const {
    if (power_route_ == Route::kField) return read_field(power_field_, power_scope_);
    return power_route_ == Route::kCall ? call_power() : Milli{};
  }

  void choose_energy() {
    const Milli field = read_field(nvml::kFieldTotalEnergy, 0);
    const Milli called = is_alive(field) ? Milli{} : call_total_energy();
    if (field.status == ReadStatus::kOk && !is_alive(called)) {
      energy_route_ = Route::kField;
    } else if (called.status == ReadStatus::kOk) {
      energy_route_ = Route::kCall;
    }
    refusal_ = "energy " + to_string(called.status);
  }

  /// Instant before average; the GPU's own scope before the module's, which Grace-Hopper has instead.
  void choose_power() {
    struct Choice {
      unsigned field;
      unsigned scope;
      const char* name;
    };
    constexpr std::array kChoices{Choice{nvml::kFieldPowerInstant, nvml::kScopeGpu, "instant"},
                                  Choice{nvml::kFieldPowerInstant, nvml::kScopeModule, "instant"},
                                  Choice{nvml::kFieldPowerAverage, nvml::kScopeGpu, "average"},
                                  Choice{nvml::kFieldPowerAverage, nvml::kScopeModule, "average"}};
    for (const Choice& choice : kChoices) {
      if (!is_alive(read_field(choice.field, choice.scope))) continue;
      power_route_ = Route::kField;
      power_field_ = choice.field;
      power_scope_ = choice.scope;
      info_.power_field = choice.name;
      if (choice.scope == nvml::kScopeModule) info_.scope = Scope::kModule;
      return;
    }
    const Milli called = call_power();
    if (is_alive(called)) {
      power_route_ = Route::kCall;
      // Undocumented which of the two it is; the wide assumption is the safe one.
      info_.power_field = "average";
      info_.notes.emplace_back("power by nvmlDeviceGetPowerUsage: the driver does not say over which time");
    }
    refusal_ += ", power " + to_string(called.status);
  }

  std::optional<double> read_of(nvml::GetUnsignedOf* call, unsigned kind) const {
    unsigned value = 0;
    if (call == nullptr || call(device_, kind, &value) != nvml::kSuccess) return std::nullopt;
    return static_cast<double>(value);
  }

  std::optional<Watts> read_limit() const {
    unsigned milliwatts = 0;
    if (api().power_limit == nullptr || api().power_limit(device_, &milliwatts) != nvml::kSuccess) return std::nullopt;
    return Watts(milliwatts * 1e-3);
  }

  std::vector<std::string> read_throttle_reasons() const {
    unsigned long long mask = 0;
    std::vector<std::string> reasons;
    if (api().throttle == nullptr || api().throttle(device_, &mask) != nvml::kSuccess) return reasons;
    for (const ThrottleBit& bit : kThrottleBits) {
      if ((mask & bit.bit) != 0) reasons.emplace_back(bit.name);
    }
    return reasons;
  }

  std::optional<std::vector<std::uint32_t>> read_processes() const {
    if (api().processes == nullptr) return std::nullopt;
    std::vector<nvml::ProcessInfo> list(64);
    auto count = static_cast<unsigned>(list.size());
    nvml::Return status = api().processes(device_, &count, list.data());
    if (status == nvml::kInsufficientSize) {
      list.resize(count + 16U);
      count = static_cast<unsigned>(list.size());
      status = api().processes(device_, &count, list.data());
    }
    if (status != nvml::kSuccess) return std::nullopt;
    std::vector<std::uint32_t> ids;
    for (unsigned i = 0; i < count; ++i) ids.push_back(list[i].pid);
    return ids;
  }

  std::shared_ptr<Session> session_;
  nvml::Device device_;
  MeterInfo info_;
  const Clock& clock_;
  Route energy_route_ = Route::kNone;
  Route power_route_ = Route::kNone;
  unsigned power_field_ = 0;
  unsigned power_scope_ = 0;
  std::string refusal_;
};

std::string read_text(nvml::GetDeviceText* call, nvml::Device device) {
  std::array<char, 128> text{};
  if (call == nullptr || call(device, text.data(), static_cast<unsigned>(text.size())) != nvml::kSuccess) return "";
  return text.data();
}

Finding open_board(const MeterEnvironment& environment, const std::shared_ptr<Session>& session, unsigned index,
                   const Clock& clock) {
  const Api& api = session->api;
  Finding finding{"nvml", kLibrary, nullptr, "", "", std::nullopt};
  nvml::Device device = nullptr;
  nvml::PciInfo pci{};
  nvml::Return status = api.handle(index, &device);
  if (status == nvml::kSuccess) status = api.pci(device, &pci);
  if (status != nvml::kSuccess) {
    finding.reason = fmt::format("board {} does not answer: {}", index, session->describe(status));
    finding.fix = "nvidia-smi -i " + std::to_string(index);
    return finding;
  }
  finding.pci = normalise_pci(pci.bus_id);
  unsigned mig = 0;
  unsigned pending = 0;
  if (api.mig != nullptr && api.mig(device, &mig, &pending) == nvml::kSuccess && mig == 1) {
    finding.reason = "the board is in MIG mode: every instance would report the whole board";
    finding.fix = fmt::format("sudo nvidia-smi -i {} -mig 0", index);
    return finding;
  }
  MeterInfo info;
  info.name = "nvml";
  info.source = kLibrary;
  info.board = read_text(api.name, device);
  std::array<char, 96> driver{};
  if (api.driver != nullptr && api.driver(driver.data(), static_cast<unsigned>(driver.size())) == nvml::kSuccess) {
    info.driver = driver.data();
  }
  info.pci = finding.pci;
  info.uuid = normalise_uuid(read_text(api.uuid, device));
  info.simulated = environment.is_simulated();
  const auto meter = std::make_shared<NvmlMeter>(session, device, std::move(info), clock);
  if (meter->info().has_energy || meter->info().has_power) {
    finding.meter = meter;
  } else {
    finding.reason = fmt::format("board {} reports no energy and no power: {}", index, meter->refusal());
    finding.fix = "nvidia-smi -q -d POWER -i " + std::to_string(index);
  }
  return finding;
}

}  // namespace

std::vector<Finding> find_nvml(const MeterEnvironment& environment, const Clock& clock) {
  const auto session = Session::open(environment);
  if (!session) {
    const Error& error = session.error();
    return {{"nvml", environment.library_path(kLibrary), nullptr, fmt::format("{} ({})", error.what, error.value),
             error.fix, std::nullopt}};
  }
  unsigned count = 0;
  const nvml::Return status = session.value()->api.count(&count);
  if (status != nvml::kSuccess || count == 0) {
    return {{"nvml", kLibrary, nullptr,
             status == nvml::kSuccess ? "the driver sees no board" : session.value()->describe(status), "nvidia-smi",
             std::nullopt}};
  }
  std::vector<Finding> found;
  for (unsigned index = 0; index < count; ++index)
    found.push_back(open_board(environment, session.value(), index, clock));
  return found;
}

}  // namespace qtrap::power
