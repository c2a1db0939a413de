#include "support/emulated_protocol.hpp"

#include <array>
#include <cmath>

#include "core/contract.hpp"

namespace qtrap::test {

double Repetition::duration_s() const {
  double sum = 0;
  for (const Phase& phase : phases) sum += phase.duration_s;
  return sum;
}

double Repetition::energy_j() const {
  double sum = 0;
  for (const Phase& phase : phases) sum += phase.duration_s * phase.power_w;
  return sum;
}

namespace {

void repeat(EmulatedBench& bench, const Repetition& load, int times, std::vector<power::LoadInterval>& played) {
  for (int i = 0; i < times; ++i) {
    const Seconds begin(bench.board().end_s());
    for (const Repetition::Phase& phase : load.phases) bench.draw(phase.duration_s, phase.power_w);
    played.push_back({begin, Seconds(bench.board().end_s()), true});
  }
}

BoardModel make_model(double period_s, double window_s, double rise_s) {
  BoardModel model;
  model.period_s = period_s;
  model.window_s = window_s;
  model.delay_s = period_s * 0.08 + 0.002;
  model.rise_s = rise_s;
  model.noise = 0.005;
  return model;
}

bool covers(const std::optional<Interval>& interval, double truth) {
  return interval && interval->low <= truth && truth <= interval->high;
}

}  // namespace

std::vector<NamedBoard> list_emulated_boards() {
  return {{"(20, 10) ms", make_model(0.02, 0.01, 0.005)},
          {"(100, 25) ms", make_model(0.1, 0.025, 0.015)},
          {"(100, 100) ms", make_model(0.1, 0.1, 0.015)},
          {"(100, 1000) ms", make_model(0.1, 1.0, 0.015)},
          {"RC, 20 ms, 840 ms", make_model(0.02, 0, 0.84)}};
}

Repetition draw_repetition(PhiloxStream& random) {
  Repetition load;
  const std::uint32_t phases = 3 + random.below(3);
  for (std::uint32_t i = 0; i < phases; ++i) {
    load.phases.push_back({0.007 + 0.043 * random.uniform(), 120 + 260 * random.uniform()});
  }
  return load;
}

double TrialOutcome::window_j() const {
  expects(estimate.energy.has_value(), "no energy of an emulated trial: " + estimate.detail);
  return estimate.energy.value().value() * trial.plan.repetitions + (trial.idle * trial.plan.total_gap()).value();
}

TrialOutcome play_trial(EmulatedBench& bench, const power::MeterSensors& sensors, const Repetition& load, Watts idle) {
  const power::SensorTraits& sensor = sensors.power;
  const double idle_w = bench.board().model().idle_w;
  bench.draw((sensor.settling() + sensor.period + power::draw_trial_gap(sensor, bench.random())).value(), idle_w);
  bench.sample_to_end();

  TrialOutcome outcome;
  power::PlayedTrial& trial = outcome.trial;
  trial.plan = power::plan_trial(sensor, Seconds(load.duration_s()));
  trial.idle = idle;
  const auto now = [&bench] { return Seconds(bench.board().end_s()); };
  trial.window.load_begin = now();
  repeat(bench, load, trial.plan.lead, trial.repetitions);
  trial.window.begin = now();
  for (int group = 0; group < trial.plan.groups; ++group) {
    repeat(bench, load, trial.plan.repetitions / trial.plan.groups, trial.repetitions);
    bench.draw(trial.plan.gap.value(), idle_w);
  }
  trial.window.end = now();
  repeat(bench, load, trial.plan.tail, trial.repetitions);
  trial.window.load_end = now();
  bench.draw((sensor.lag() + sensor.period * 2).value(), idle_w);
  outcome.estimate = power::estimate_repetition_energy(bench.sample_to_end(), trial, bench.meter().info(), sensors);
  outcome.window_truth_j = bench.board().true_energy_j(trial.window.begin.value(), trial.window.end.value());
  return outcome;
}

Watts measure_idle(EmulatedBench& bench, const power::MeterSensors& sensors) {
  const double idle_w = bench.board().model().idle_w;
  bench.draw(sensors.power.settling().value() + 0.5, idle_w);
  bench.sample_to_end();
  const double begin_s = bench.board().end_s();
  bench.draw(5 + sensors.power.lag().value() + 2 * sensors.power.period.value(), idle_w);
  const double end_s = bench.board().end_s();
  const auto samples = bench.sample_to_end();
  const auto window =
      power::estimate_window_energy(samples, {Seconds(begin_s), Seconds(begin_s + 5), Seconds(begin_s), Seconds(end_s)},
                                    bench.meter().info(), sensors);
  return Watts(window.energy.value().value() / 5);
}

double play_naive(EmulatedBench& bench, const Repetition& load) {
  bench.draw(2, bench.board().model().idle_w);
  bench.sample_to_end();
  const double begin_s = bench.board().end_s();
  const int times = static_cast<int>(std::ceil(5 / load.duration_s()));
  std::vector<power::LoadInterval> played;
  repeat(bench, load, times, played);
  double energy_j = 0;
  double last_s = begin_s;
  double last_w = 0;
  for (const power::Sample& sample : bench.sample_to_end()) {
    const double now_s = sample.power.at.value();
    const double now_w = sample.power.value.value().value();
    if (last_s > begin_s) energy_j += (now_s - last_s) * (now_w + last_w) / 2;
    last_s = now_s;
    last_w = now_w;
  }
  return energy_j / times;
}

SeedOutcome play_seed(const NamedBoard& board, std::uint64_t seed) {
  SeedOutcome outcome;
  PhiloxStream random(seed, 3);
  BoardModel model = board.model;
  model.gain = 0.95 + 0.1 * random.uniform();
  EmulatedBench bench(model, seed);
  const auto found = power::characterise_sensor(bench.player(), power::MeterChannel::kPower, seed);
  if (!found) return outcome;
  outcome.characterised = true;
  const power::SensorTraits& sensor = found.value().sensor;
  outcome.period_error = sensor.period.value() / model.period_s - 1;
  if (sensor.shape == power::SensorShape::kExponential) {
    outcome.window_error = sensor.rise.value() / model.rise_s - 1;
  } else if (sensor.window && model.window_s > 0) {
    outcome.window_error = sensor.window->value() / model.window_s - 1;
  }

  const power::MeterSensors sensors{sensor, sensor};
  const Watts idle = measure_idle(bench, sensors);
  const std::array<Repetition, 2> loads{draw_repetition(random), draw_repetition(random)};
  std::array<std::vector<double>, 2> energies;
  std::vector<double> ratios;
  for (int trial = 0; trial < power::kTrialsPerPoint; ++trial) {
    for (std::size_t i = 0; i < loads.size(); ++i) {
      const TrialOutcome played = play_trial(bench, sensors, loads[i], idle);
      outcome.window_errors.push_back(played.window_j() / model.gain / played.window_truth_j - 1);
      energies[i].push_back(played.estimate.energy.value().value() / model.gain);
    }
    ratios.push_back(energies[1].back() / energies[0].back());
  }
  for (std::size_t i = 0; i < loads.size(); ++i) {
    outcome.naive_errors.push_back(play_naive(bench, loads[i]) / model.gain / loads[i].energy_j() - 1);
    outcome.energy_covered.push_back(covers(compute_t_interval(energies[i]), loads[i].energy_j()));
  }
  const double true_ratio = loads[1].energy_j() / loads[0].energy_j();
  outcome.ratio_error = compute_mean(ratios) / true_ratio - 1;
  outcome.ratio_covered = covers(compute_t_interval(ratios), true_ratio);
  return outcome;
}

}  // namespace qtrap::test
