#include "power/sensor/protocol.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "core/contract.hpp"

namespace qtrap::power {

namespace {

constexpr int kFewestRepetitions = 32;
constexpr int kPhaseShifts = 8;

int count_to_cover(Seconds span, Seconds repetition) { return static_cast<int>(std::ceil(span / repetition)); }

/// Repetitions that follow each other without a pause.
struct Block {
  Seconds begin;
  Seconds end;
};

Seconds mean_length(std::span<const LoadInterval> repetitions) {
  Seconds sum(0);
  for (const LoadInterval& repetition : repetitions) sum += repetition.end - repetition.begin;
  return sum / static_cast<double>(std::max<std::size_t>(1, repetitions.size()));
}

std::vector<Block> find_blocks(std::span<const LoadInterval> repetitions) {
  // Launch latency between repetitions is no gap.
  const Seconds pause(0.0005);
  std::vector<Block> blocks;
  for (const LoadInterval& repetition : repetitions) {
    if (blocks.empty() || repetition.begin - blocks.back().end > pause) {
      blocks.push_back({repetition.begin, repetition.end});
    } else {
      blocks.back().end = repetition.end;
    }
  }
  return blocks;
}

/// A reading at its place in the repetition, 0 to 1.
struct Phase {
  double at;
  double power_w;
  double readings = 1;
};

std::optional<Phase> find_phase(const Timed<Watts>& reading, std::span<const LoadInterval> repetitions,
                                std::span<const Block> blocks, const SensorTraits& sensor) {
  const Seconds closes = reading.at - sensor.delay;
  const Seconds opens = closes - sensor.settling();
  const bool inside = std::any_of(blocks.begin(), blocks.end(),
                                  [&](const Block& block) { return opens >= block.begin && closes <= block.end; });
  if (!inside) return std::nullopt;
  const Seconds centre = reading.at - sensor.lag();
  const auto after =
      std::upper_bound(repetitions.begin(), repetitions.end(), centre,
                       [](Seconds time, const LoadInterval& repetition) { return time < repetition.begin; });
  if (after == repetitions.begin()) return std::nullopt;
  const LoadInterval& seen = *(after - 1);
  const double phase = (centre - seen.begin) / (seen.end - seen.begin);
  return Phase{std::min(phase, 1.0), reading.value.value()};
}

/// Sorted, and readings closer than `resolution` joined to their mean: many readings of one phase are one
/// well-known point, not a crowd whose outermost members carry all the weight.
std::vector<Phase> merge_close(std::vector<Phase> phases, double resolution) {
  std::sort(phases.begin(), phases.end(), [](const Phase& a, const Phase& b) { return a.at < b.at; });
  std::vector<Phase> merged;
  double first = 0;
  for (const Phase& phase : phases) {
    if (merged.empty() || phase.at - first > resolution) {
      merged.push_back(phase);
      first = phase.at;
      continue;
    }
    Phase& last = merged.back();
    const double sum = last.readings + phase.readings;
    last.at = (last.at * last.readings + phase.at * phase.readings) / sum;
    last.power_w = (last.power_w * last.readings + phase.power_w * phase.readings) / sum;
    last.readings = sum;
  }
  return merged;
}

/// Mean over the phase by trapezoid around the circle, and the widest step between two points.
struct Circle {
  double mean_w = 0;
  double widest_hole = 0;
};

Circle integrate_circle(const std::vector<Phase>& phases) {
  Circle circle;
  for (std::size_t i = 0; i < phases.size(); ++i) {
    const bool last = i + 1 == phases.size();
    const Phase& next = phases[last ? 0 : i + 1];
    const double step = next.at + (last ? 1 : 0) - phases[i].at;
    circle.mean_w += step * (phases[i].power_w + next.power_w) / 2;
    circle.widest_hole = std::max(circle.widest_hole, step);
  }
  return circle;
}

/// Widest part of the repetition that the readings of a trial would miss, with gaps of a given length.
double predict_hole(const SensorTraits& sensor, Seconds repetition, const TrialPlan& plan, Seconds gap) {
  const double block_s = repetition.value() * plan.repetitions / plan.groups;
  const double group_s = block_s + gap.value();
  std::vector<Phase> phases;
  // NOLINTNEXTLINE(clang-analyzer-security.FloatLoopCounter): products would round to other gaps than this sum
  for (double at_s = 0; at_s < group_s * plan.groups; at_s += sensor.period.value()) {
    const double in_group_s = std::fmod(at_s, group_s);
    if (in_group_s < sensor.settling().value() || in_group_s > block_s) continue;
    phases.push_back({std::fmod(in_group_s, repetition.value()) / repetition.value(), 0});
  }
  std::sort(phases.begin(), phases.end(), [](const Phase& a, const Phase& b) { return a.at < b.at; });
  return phases.empty() ? 1 : integrate_circle(phases).widest_hole;
}

/// The shortest gap of 2/16 to 16/16 of a period that leaves no hole wider than half the window, else the
/// best of them. One fixed gap will not do: a repetition slightly shorter than the period slides against the
/// sensor by itself and can undo the shift.
Seconds choose_gap(const SensorTraits& sensor, Seconds repetition, const TrialPlan& plan) {
  const double enough = sensor.window_or_zero() / 2 / repetition;
  Seconds best;
  double least = 2;
  for (int sixteenths = 2; sixteenths <= 16; ++sixteenths) {
    const Seconds gap = sensor.period * sixteenths / 16;
    const double hole = predict_hole(sensor, repetition, plan, gap);
    if (hole < least) {
      least = hole;
      best = gap;
    }
    if (hole <= enough) break;
  }
  return best;
}

}  // namespace

TrialPlan plan_trial(const SensorTraits& sensor, Seconds repetition, Seconds least) {
  expects(repetition > Seconds(0) && least > Seconds(0), "a repetition and a window take time");
  TrialPlan plan;
  plan.lead = count_to_cover(sensor.settling() + sensor.window_or_zero() + sensor.period, repetition);
  plan.tail = count_to_cover(sensor.window_or_zero() + sensor.period, repetition);
  plan.repetitions = std::max(kFewestRepetitions, count_to_cover(least, repetition));
  if (sensor.is_blind()) {
    plan.groups = kPhaseShifts;
    plan.repetitions += (kPhaseShifts - plan.repetitions % kPhaseShifts) % kPhaseShifts;
    plan.gap = choose_gap(sensor, repetition, plan);
  }
  return plan;
}

Seconds draw_trial_gap(const SensorTraits& sensor, PhiloxStream& random) { return sensor.period * random.uniform(); }

EnergyEstimate fold_repetitions(std::span<const Sample> samples, std::span<const LoadInterval> repetitions,
                                const MeterInfo& info, const SensorTraits& sensor) {
  EnergyEstimate estimate;
  estimate.status = EnergyStatus::kTooShort;
  const std::vector<Block> blocks = find_blocks(repetitions);
  const double length_s = mean_length(repetitions).value();
  std::vector<Phase> phases;
  for (const Timed<Watts>& reading : find_publications(samples, sensor.period)) {
    if (const auto phase = find_phase(reading, repetitions, blocks, sensor)) phases.push_back(*phase);
  }
  estimate.readings = phases.size();
  if (phases.size() < kFewestReadings) {
    estimate.detail = fmt::format("{} readings saw the repetitions alone, {} needed", phases.size(), kFewestReadings);
    return estimate;
  }
  const double resolution = std::min(sensor.window_or_zero().value() / 8 / length_s, 1.0 / 64);
  const Circle circle = integrate_circle(merge_close(std::move(phases), resolution));
  // A hole no wider than the sensor's window is seen by the readings at its ends.
  if (circle.widest_hole > 0.25 && circle.widest_hole * length_s > sensor.window_or_zero().value()) {
    estimate.detail = fmt::format("{:.0f} % of the repetition was never seen", circle.widest_hole * 100);
    return estimate;
  }
  if (!(circle.mean_w > 0) || circle.mean_w > info.limits.max_power.value()) {
    estimate.status = EnergyStatus::kImplausible;
    estimate.detail = "the readings give a power no board of this kind draws";
    return estimate;
  }
  estimate.status = EnergyStatus::kOk;
  estimate.energy = Joules(circle.mean_w * length_s);
  estimate.covered = 1 - circle.widest_hole;
  return estimate;
}

RepetitionEnergy estimate_repetition_energy(std::span<const Sample> samples, const PlayedTrial& trial,
                                            const MeterInfo& info, const MeterSensors& sensors) {
  RepetitionEnergy answer;
  answer.window = estimate_window_energy(samples, trial.window, info, sensors);
  answer.status = answer.window.status;
  answer.detail = answer.window.detail;
  if (!answer.window.energy) return answer;
  const bool counted = answer.window.counter.status == EnergyStatus::kOk;
  std::optional<Joules> energy = (*answer.window.energy - trial.idle * trial.plan.total_gap()) / trial.plan.repetitions;
  if (!counted && sensors.power.is_blind()) {
    const EnergyEstimate folded = fold_repetitions(samples, trial.repetitions, info, sensors.power);
    answer.folded = true;
    answer.status = folded.status;
    answer.detail = folded.detail;
    energy = folded.energy;
  } else if (*energy <= Joules(0)) {
    answer.status = EnergyStatus::kImplausible;
    answer.detail = "the idle gaps take more than the whole window";
    energy.reset();
  }
  answer.energy = energy;
  if (energy) answer.method = answer.window.method;
  return answer;
}

}  // namespace qtrap::power
