#include "power/meters/file_meter.hpp"

#include <fmt/core.h>

namespace qtrap::power {

namespace {

class FileMeter final : public Meter {
 public:
  FileMeter(MeterInfo info, MeterFiles files, const Clock& clock)
      : info_(std::move(info)), files_(std::move(files)), clock_(clock) {}

  const MeterInfo& info() const override { return info_; }

  Sample read() override {
    Sample sample;
    sample.energy = read_channel<Joules>(files_.energy_uj);
    sample.power = files_.rails.empty() ? read_channel<Watts>(files_.power_uw) : read_rails();
    return sample;
  }

  BoardState read_state() override {
    BoardState state;
    if (const auto value = read_optional(files_.temperature_mc)) state.temperature_c = *value / 1e3;
    if (const auto value = read_optional(files_.clock_hz)) state.core_clock = Hertz(*value);
    state.power_limit = info_.power_limit;
    return state;
  }

 private:
  static std::optional<double> read_optional(const std::filesystem::path& path) {
    return path.empty() ? std::nullopt : read_file_number(path).value;
  }

  template <class Unit>
  Reading<Unit> read_channel(const std::filesystem::path& path) {
    const Seconds before = clock_.now();
    if (path.empty()) return absent_reading<Unit>(before, ReadStatus::kUnsupported);
    const FileNumber number = read_file_number(path);
    const Seconds at = before + (clock_.now() - before) / 2;
    return number.value ? make_reading<Unit>(at, *number.value * 1e-6) : absent_reading<Unit>(at, number.status);
  }

  Reading<Watts> read_rails() {
    const Seconds before = clock_.now();
    double power_w = 0;
    for (const MeterFiles::Rail& rail : files_.rails) {
      const FileNumber voltage = read_file_number(rail.voltage_mv);
      const FileNumber current = read_file_number(rail.current_ma);
      if (!voltage.value) return absent_reading<Watts>(before, voltage.status);
      if (!current.value) return absent_reading<Watts>(before, current.status);
      power_w += *voltage.value * *current.value * 1e-6;
    }
    return make_reading<Watts>(before + (clock_.now() - before) / 2, power_w);
  }

  MeterInfo info_;
  MeterFiles files_;
  const Clock& clock_;
};

bool is_readable(ReadStatus status) {
  return status == ReadStatus::kOk || status == ReadStatus::kZero || status == ReadStatus::kUnsupported;
}

std::filesystem::path power_file(const MeterFiles& files) {
  if (!files.power_uw.empty() || files.rails.empty()) return files.power_uw;
  return files.rails.front().voltage_mv;
}

}  // namespace

std::shared_ptr<Meter> make_file_meter(const MeterEnvironment& environment, MeterInfo info, MeterFiles files,
                                       const Clock& clock) {
  info.has_energy = !files.energy_uj.empty();
  info.has_power = !files.power_uw.empty() || !files.rails.empty();
  info.simulated = environment.is_simulated();
  return std::make_shared<FileMeter>(std::move(info), std::move(files), clock);
}

std::filesystem::path choose_file(const std::vector<std::filesystem::path>& paths, std::vector<std::string>& notes) {
  const std::filesystem::path* first = nullptr;
  const std::filesystem::path* zero = nullptr;
  ReadStatus failed = ReadStatus::kOk;
  for (const auto& path : paths) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) continue;
    const FileNumber number = read_file_number(path);
    if (first == nullptr && number.status == ReadStatus::kDenied) return path;  // its fix opens it
    if (number.value && *number.value > 0) {
      if (first != nullptr)
        notes.push_back(fmt::format("{} gives no reading ({}): {} is read instead", first->string(), to_string(failed),
                                    path.filename().string()));
      return path;
    }
    if (zero == nullptr && number.value) zero = &path;
    if (first == nullptr) {
      first = &path;
      failed = number.value ? ReadStatus::kZero : number.status;
    }
  }
  if (zero != nullptr) return *zero;
  return first != nullptr ? *first : paths.back();
}

Finding make_file_finding(const MeterEnvironment& environment, const MeterInfo& info, const MeterFiles& files,
                          const Clock& clock) {
  const std::filesystem::path first = files.energy_uj.empty() ? power_file(files) : files.energy_uj;
  Finding finding;
  finding.name = info.name;
  finding.where = first.string();
  finding.pci = info.pci;
  finding.meter = make_file_meter(environment, info, files, clock);
  const Sample sample = finding.meter->read();
  const ReadStatus failed = is_readable(sample.energy.status) ? sample.power.status : sample.energy.status;
  if (is_readable(failed)) return finding;
  finding.meter.reset();
  finding.scope = info.scope;
  if (failed == ReadStatus::kDenied) {
    finding.denied = true;
    finding.reason = fmt::format("permission denied: {}", first.string());
    finding.fix = fmt::format("sudo chmod a+r {}", first.string());
  } else {
    finding.reason = fmt::format("{} gives no reading ({})", first.string(), to_string(failed));
    finding.fix = "sudo dmesg | grep -i hwmon";
  }
  return finding;
}

}  // namespace qtrap::power
