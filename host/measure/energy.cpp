#include "measure/energy.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <future>
#include <utility>

#include "core/contract.hpp"
#include "power/meter.hpp"

namespace qtrap::measure {
namespace {

const Seconds kRest(1.0);
/// Publications a window spans: kFewestReadings and room for those at its ends, which may not count.
constexpr int kWindowPeriods = 12;
/// A driver that stalls for longer has lost the readings anyway.
const Seconds kPatience(5.0);

std::int64_t to_us(Seconds time) { return std::llround(time.value() * 1e6); }

void set_absent(const std::vector<std::pair<std::size_t, power::ReadStatus>>& absent, std::vector<std::int64_t>& at,
                std::vector<std::string>& reasons) {
  for (const auto& [index, status] : absent) {
    at.push_back(static_cast<std::int64_t>(index));
    reasons.push_back(to_string(status));
  }
}

result::SamplesRecord make_samples(const power::Recording& recording, const power::LoadWindow& window) {
  auto encoded = power::encode_samples(recording.samples);
  result::SamplesRecord record;
  record.window_begin_us = to_us(window.begin);
  record.window_end_us = to_us(window.end);
  record.at_us = std::move(encoded.at_us);
  record.energy_mj = std::move(encoded.energy_mj);
  record.power_mw = std::move(encoded.power_mw);
  set_absent(encoded.energy_absent, record.energy_absent, record.energy_absent_reasons);
  set_absent(encoded.power_absent, record.power_absent, record.power_absent_reasons);
  record.late_reads = static_cast<std::int64_t>(recording.cost.late_ticks);
  record.reading_share = recording.cost.core_share();
  return record;
}

/// The method recorded for a meter, before any window.
EnergyMethod method_of(const power::MeterInfo& info) {
  if (info.simulated) return EnergyMethod::kSimulated;
  if (info.estimated) return EnergyMethod::kEstimated;
  return info.has_energy ? EnergyMethod::kCounter : EnergyMethod::kIntegrated;
}

}  // namespace

result::MeterSummary describe_meter(const EnergySource& source) {
  result::MeterSummary summary;
  if (!source.match.meter) {
    summary.reason = source.match.reason;
    return summary;
  }
  const power::MeterInfo& info = source.match.meter->info();
  const power::SensorTraits& sensor = info.has_energy ? source.sensors.counter : source.sensors.power;
  summary.name = info.name;
  summary.scope = to_string(info.scope);
  summary.method = to_string(method_of(info));
  summary.status = to_string(EnergyStatus::kOk);
  summary.board = info.board;
  summary.source = info.source;
  summary.match = source.match.basis;
  if (info.estimated) return summary;  // a constant has no sensor
  summary.period_s = sensor.period.value();
  if (sensor.window) summary.window_s = sensor.window->value();
  summary.delay_s = sensor.delay.value();
  summary.rise_s = sensor.rise.value();
  summary.sensor_basis = sensor.characterised ? result::SensorBasis::kCharacterised : result::SensorBasis::kAssumed;
  summary.poll_s = source.poll().value();
  return summary;
}

void set_energy(const EnergyReading& reading, std::optional<Watts> idle, result::TrialRecord& trial) {
  trial.energy_status = reading.status;
  trial.energy_method = reading.method;
  trial.energy_flags = reading.flags;
  if (!reading.reason.empty()) trial.energy_reason = reading.reason;
  if (!reading.energy) return;
  trial.energy_gross_j = reading.energy->value();
  if (idle) trial.energy_idle_j = (*idle * reading.busy).value();
}

EnergyRecorder::EnergyRecorder(EnergySource source, const Clock& clock, power::Pacing pacing, Seconds least,
                               std::uint64_t seed)
    : source_(std::move(source)),
      clock_(&clock),
      pacing_(std::move(pacing)),
      least_(least),
      random_(seed, 0x656e65726779) {
  expects(source_.match.meter != nullptr, "an energy recorder has a meter");
}

template <class Play>
power::Recording EnergyRecorder::sample_around(Play&& play) {
  const auto& sensors = source_.sensors;
  const Seconds poll = source_.poll();
  const auto rest = pacing_.load();
  power::Sampler sampler(*source_.match.meter, *clock_, pacing_.sampler(), poll);
  rest->wait_until(clock_->now() + poll * 2);
  const Seconds end = play(*rest);
  const Seconds shown =
      std::max(sensors.power.lag() + sensors.power.period * 2, sensors.counter.lag() + sensors.counter.period * 2);
  rest->wait_until(end + shown + poll * 2);
  (void)sampler.wait_for_sample(end + shown, shown * 2 + kPatience);
  return sampler.finish();
}

EnergyReading EnergyRecorder::measure_load(const std::function<Seconds()>& play, Seconds repetition) {
  const auto& sensors = source_.sensors;
  EnergyReading reading;
  power::PlayedTrial trial;
  const Seconds least = std::max(least_, std::max(sensors.power.period, sensors.counter.period) * kWindowPeriods);
  trial.plan = power::plan_trial(sensors.power, repetition, least);
  // Many short repetitions are for a sensor that must be folded; any other needs the time alone.
  if (!sensors.power.is_blind()) trial.plan.repetitions = std::max(1, static_cast<int>(std::ceil(least / repetition)));
  trial.idle = active_idle_;
  // The plan counts repetitions of the expected length; shorter ones go on until the planned time is over.
  const auto repeat = [&](int times, Seconds at_least, bool counted) {
    const Seconds start = clock_->now();
    for (int i = 0; !stopped() && (i < times || clock_->now() - start < at_least); ++i) {
      const Seconds begin = clock_->now();
      const Seconds wall = play();
      const Seconds end = clock_->now();
      trial.repetitions.push_back({begin, end, true});
      if (!counted) continue;
      ++reading.repetitions;
      reading.wall += wall;
      reading.busy += end - begin;
    }
  };
  const power::Recording recording = sample_around([&](power::Waiter& rest) {
    rest.wait_until(clock_->now() + power::draw_trial_gap(sensors.power, random_));
    trial.window.load_begin = clock_->now();
    repeat(trial.plan.lead, sensors.power.settling() + sensors.power.window_or_zero() + sensors.power.period, false);
    trial.window.begin = clock_->now();
    for (int group = 0; group < trial.plan.groups; ++group) {
      repeat(trial.plan.repetitions / trial.plan.groups, least / trial.plan.groups, true);
      if (trial.plan.gap > Seconds(0)) rest.wait_until(clock_->now() + trial.plan.gap);
    }
    trial.window.end = clock_->now();
    // Clocks and throttling fall back with the load: they are read beside its tail.
    auto state = std::async(std::launch::async, [this] { return source_.match.meter->read_state(); });
    repeat(std::max(trial.plan.tail, 1), sensors.power.window_or_zero() + sensors.power.period, false);
    trial.window.load_end = clock_->now();
    reading.state = state.get();
    return trial.window.end;
  });
  if (stopped()) return reading;
  trial.plan.repetitions = static_cast<int>(reading.repetitions);
  const auto estimate =
      power::estimate_repetition_energy(recording.samples, trial, source_.match.meter->info(), sensors);
  reading.status = estimate.status;
  reading.reason = estimate.detail;
  reading.flags = estimate.window.flags;
  if (estimate.folded) reading.flags.emplace_back("folded");
  if (estimate.energy) reading.energy = *estimate.energy * static_cast<double>(reading.repetitions);
  reading.method = estimate.method;
  reading.samples = make_samples(recording, trial.window);
  return reading;
}

EnergyReading EnergyRecorder::measure_rest() {
  const auto& sensors = source_.sensors;
  const Seconds period = std::max(sensors.power.period, sensors.counter.period);
  const Seconds settling = std::max(sensors.power.settling(), sensors.counter.settling()) + period;
  power::LoadWindow window;
  const power::Recording recording = sample_around([&](power::Waiter& rest) {
    window.load_begin = clock_->now();
    rest.wait_until(window.load_begin + settling);
    window.begin = clock_->now();
    rest.wait_until(window.begin + std::max(kRest, period * kWindowPeriods));
    window.end = clock_->now();
    rest.wait_until(window.end + sensors.power.window_or_zero() + period);
    window.load_end = clock_->now();
    return window.end;
  });
  const auto estimate = power::estimate_window_energy(recording.samples, window, source_.match.meter->info(), sensors);
  EnergyReading reading;
  reading.status = estimate.status;
  reading.energy = estimate.energy;
  reading.reason = estimate.detail;
  reading.flags = estimate.flags;
  reading.method = estimate.method;
  reading.repetitions = 1;
  reading.wall = reading.busy = window.end - window.begin;
  reading.state = source_.match.meter->read_state();
  reading.samples = make_samples(recording, window);
  return reading;
}

}  // namespace qtrap::measure
