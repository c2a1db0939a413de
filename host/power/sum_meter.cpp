#include "power/sum_meter.hpp"

#include <algorithm>

#include "core/contract.hpp"

namespace qtrap::power {

namespace {

class SumMeter final : public Meter {
 public:
  SumMeter(std::vector<std::shared_ptr<Meter>> parts, const Clock& clock, std::vector<std::string> notes)
      : clock_(clock), parts_(std::move(parts)), last_(parts_.size()) {
    expects(!parts_.empty(), "a sum has parts");
    info_ = parts_.front()->info();
    info_.limits.range.reset();
    info_.limits.max_power = Watts(0);
    info_.power_limit.reset();
    info_.source.clear();
    info_.board.clear();
    bool memory = false;
    for (const auto& part : parts_) {
      const MeterInfo& info = part->info();
      info_.has_energy = info_.has_energy && info.has_energy;
      info_.has_power = info_.has_power && info.has_power;
      info_.simulated = info_.simulated || info.simulated;
      info_.limits.max_power += info.limits.max_power;
      info_.source += (info_.source.empty() ? "" : " + ") + info.source;
      info_.board += (info_.board.empty() ? "" : " + ") + info.board;
      memory = memory || info.scope == Scope::kDram;
    }
    if (memory && info_.scope == Scope::kPackage) info_.scope = Scope::kPackageAndDram;
    info_.notes.insert(info_.notes.end(), notes.begin(), notes.end());
  }

  const MeterInfo& info() const override { return info_; }

  Sample read() override {
    const Seconds before = clock_.now();
    std::optional<double> power_w = info_.has_power ? std::optional(0.0) : std::nullopt;
    ReadStatus energy = info_.has_energy ? ReadStatus::kOk : ReadStatus::kUnsupported;
    ReadStatus power = info_.has_power ? ReadStatus::kOk : ReadStatus::kUnsupported;
    double added_j = 0;
    bool reset = false;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const Sample sample = parts_[i]->read();
      if (info_.has_power && !sample.power.value) power = sample.power.status;
      if (power_w && sample.power.value) *power_w += sample.power.value->value();
      if (!info_.has_energy) continue;
      if (!sample.energy.value) {
        energy = sample.energy.status;
        continue;
      }
      const Timed<Joules> now{sample.energy.at, *sample.energy.value};
      added_j += advance(i, now, reset);
    }
    total_j_ = reset ? kStart_j : total_j_ + added_j;
    const Seconds at = before + (clock_.now() - before) / 2;
    Sample sum{absent_reading<Joules>(at, energy), absent_reading<Watts>(at, power)};
    if (energy == ReadStatus::kOk) sum.energy = make_reading<Joules>(at, total_j_);
    if (power == ReadStatus::kOk) sum.power = make_reading<Watts>(at, *power_w);
    return sum;
  }

 private:
  // Above 0, which would be taken for no reading.
  static constexpr double kStart_j = 1e-3;

  /// Energy of part `i` since its last reading. A jump is handed on as it is, for the window to judge.
  double advance(std::size_t i, const Timed<Joules>& now, bool& reset) {
    double added_j = 0;
    if (last_[i]) {
      const EnergyDelta delta = compute_energy_delta(*last_[i], now, parts_[i]->info().limits);
      reset = reset || delta.status == DeltaStatus::kReset;
      added_j = delta.value ? delta.value->value() : std::max(0.0, (now.value - last_[i]->value).value());
    }
    last_[i] = now;
    return added_j;
  }

  const Clock& clock_;
  std::vector<std::shared_ptr<Meter>> parts_;
  std::vector<std::optional<Timed<Joules>>> last_;
  MeterInfo info_;
  double total_j_ = kStart_j;
};

}  // namespace

std::shared_ptr<Meter> make_sum_meter(std::vector<std::shared_ptr<Meter>> parts, const Clock& clock,
                                      std::vector<std::string> notes) {
  expects(!parts.empty(), "a sum has parts");
  if (parts.size() == 1 && notes.empty()) return parts.front();
  return std::make_shared<SumMeter>(std::move(parts), clock, std::move(notes));
}

}  // namespace qtrap::power
