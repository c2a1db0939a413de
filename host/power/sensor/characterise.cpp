#include "power/sensor/characterise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "core/philox.hpp"
#include "power/sensor/energy_window.hpp"
#include "power/sensor/nelder_mead.hpp"

namespace qtrap::power {

namespace {

constexpr std::array kFractions{1.0 / 2, 2.0 / 3, 3.0 / 4, 4.0 / 5, 6.0 / 5, 5.0 / 4, 4.0 / 3};

/// One run as the fit sees it.
struct Observation {
  std::vector<LoadInterval> played;
  std::vector<Timed<Watts>> readings;
};

/// Power between two updates of the counter, stamped at the later one: a reading whose window is the period.
std::vector<Timed<Watts>> find_counter_readings(std::span<const Sample> samples, const CounterLimits& limits) {
  std::vector<Timed<Watts>> readings;
  std::optional<Timed<Joules>> update;
  std::optional<Timed<Joules>> last;
  for (const Sample& sample : samples) {
    if (!sample.energy.value) continue;
    const Timed<Joules> now{sample.energy.at, *sample.energy.value};
    if (last && now.value != last->value) {
      const Timed<Joules> changed{now.at - (now.at - last->at) / 2, now.value};
      if (update) {
        const EnergyDelta delta = compute_energy_delta(*update, changed, limits);
        if (delta.value) readings.push_back({changed.at, *delta.value / (changed.at - update->at)});
      }
      update = changed;
    }
    last = now;
  }
  return readings;
}

/// Plays `steps` and keeps the readings published after `rest`: earlier ones still show what ran before the
/// run.
Result<Observation> observe(const PlayLoad& play, std::span<const LoadStep> steps, MeterChannel channel, Seconds period,
                            Seconds rest) {
  auto run = play(steps);
  if (!run) return run.error();
  Observation observation;
  observation.played = std::move(run.value().played);
  observation.readings = channel == MeterChannel::kPower ? find_publications(run.value().samples, period)
                                                         : find_counter_readings(run.value().samples, {});
  if (observation.played.empty()) {
    return runtime_error("the load for the characterisation was not played", "0 steps", "use another device");
  }
  const Seconds settled = observation.played.front().begin + rest;
  std::erase_if(observation.readings, [&](const Timed<Watts>& reading) { return reading.at < settled; });
  return observation;
}

/// Spacing of the publications: the median first, then the slope of time over publication number.
Result<Interval> find_period(const std::vector<Timed<Watts>>& readings) {
  if (readings.size() < 20) {
    return runtime_error("the meter hardly moves under a changing load",
                         std::to_string(readings.size()) + " new readings in 10 s",
                         "check that the meter measures this device and that nothing else holds it");
  }
  std::vector<double> spacings;
  for (std::size_t i = 1; i < readings.size(); ++i) {
    spacings.push_back((readings[i].at - readings[i - 1].at).value());
  }
  const double rough_s = compute_median(spacings);
  const auto n = static_cast<double>(readings.size());
  std::vector<double> numbers(1, 0.0);
  for (const double spacing : spacings)
    numbers.push_back(numbers.back() + std::max(1.0, std::round(spacing / rough_s)));
  const double centre = compute_mean(numbers);
  double cross = 0;
  double square = 0;
  const double middle_s = std::accumulate(readings.begin(), readings.end(), 0.0,
                                          [](double sum, const Timed<Watts>& r) { return sum + r.at.value(); }) /
                          n;
  for (std::size_t i = 0; i < readings.size(); ++i) {
    cross += (numbers[i] - centre) * (readings[i].at.value() - middle_s);
    square += (numbers[i] - centre) * (numbers[i] - centre);
  }
  const double slope_s = cross / square;
  double residual = 0;
  for (std::size_t i = 0; i < readings.size(); ++i) {
    const double off_s = readings[i].at.value() - middle_s - slope_s * (numbers[i] - centre);
    residual += off_s * off_s;
  }
  const double error_s = student_t_quantile(0.5 + 0.5 * kConfidence, n - 2) * std::sqrt(residual / (n - 2) / square);
  return Interval{slope_s, slope_s - error_s, slope_s + error_s};
}

/// Parameters of the fit: log window, delay, log rise; so that window and rise stay above 0.
using Parameters = std::array<double, 3>;
constexpr Parameters kStep{0.3, 0.01, 0.5};

double window_of(const Parameters& p) { return std::exp(std::clamp(p[0], std::log(1e-4), std::log(10.0))); }
double delay_of(const Parameters& p) { return std::abs(p[1]); }
double rise_of(const Parameters& p) { return std::exp(std::clamp(p[2], std::log(1e-4), std::log(10.0))); }

/// How well the model with given constants explains the readings. Idle and busy level follow by least
/// squares.
struct Match {
  double squared_error = 0;
  double variance = 0;  ///< sum of squares about the mean
  double idle_w = 0;
  double swing_w = 0;
  std::size_t readings = 0;
};

Match compute_match(std::span<const Observation> runs, std::optional<std::size_t> left_out, const Parameters& p) {
  const Seconds window(window_of(p));
  double n = 0, sum_x = 0, sum_g = 0, sum_xx = 0, sum_gg = 0, sum_xg = 0;
  for (std::size_t run = 0; run < runs.size(); ++run) {
    if (run == left_out) continue;
    const LoadResponse response(runs[run].played, Seconds(rise_of(p)));
    for (const Timed<Watts>& reading : runs[run].readings) {
      const double g = response.mean(reading.at - Seconds(delay_of(p)), window);
      const double x = reading.value.value();
      n += 1;
      sum_x += x;
      sum_g += g;
      sum_xx += x * x;
      sum_gg += g * g;
      sum_xg += x * g;
    }
  }
  Match match;
  match.readings = static_cast<std::size_t>(n);
  match.variance = sum_xx - sum_x * sum_x / n;
  const double spread = sum_gg - sum_g * sum_g / n;
  const double together = sum_xg - sum_x * sum_g / n;
  if (spread <= 1e-9) {
    match.squared_error = match.variance;
    match.idle_w = sum_x / n;
    return match;
  }
  match.swing_w = together / spread;
  match.idle_w = (sum_x - match.swing_w * sum_g) / n;
  // A negative swing is no sensor: it explains nothing.
  match.squared_error = match.swing_w > 0 ? match.variance - together * together / spread : match.variance;
  return match;
}

Minimum<3> fit(std::span<const Observation> runs, std::optional<std::size_t> left_out, const Parameters& start,
               int evaluations) {
  const auto objective = [&](const Parameters& p) { return compute_match(runs, left_out, p).squared_error; };
  return minimise<3>(objective, start, kStep, evaluations);
}

/// Best of the local searches from the best points of a coarse grid in units of the period, and of `extra`.
Parameters fit_globally(std::span<const Observation> runs, Seconds period, const std::vector<Parameters>& extra) {
  std::vector<Minimum<3>> starts;
  const auto consider = [&](const Parameters& p) {
    starts.push_back({p, compute_match(runs, std::nullopt, p).squared_error});
  };
  for (const double window : {0.1, 0.3, 1.0, 3.0, 10.0}) {
    for (const double delay : {0.1, 0.5, 1.0}) {
      for (const double rise : {0.02, 0.3, 3.0, 30.0}) {
        consider({std::log(window * period.value()), delay * period.value(), std::log(rise * period.value())});
      }
    }
  }
  for (const Parameters& p : extra) consider(p);
  std::sort(starts.begin(), starts.end(), [](const auto& a, const auto& b) { return a.value < b.value; });
  Minimum<3> best = fit(runs, std::nullopt, starts[0].at, 400);
  for (std::size_t i = 1; i < 3; ++i) {
    const Minimum<3> other = fit(runs, std::nullopt, starts[i].at, 400);
    if (other.value < best.value) best = other;
  }
  return best.at;
}

std::vector<LoadStep> make_irregular_load(std::uint64_t seed) {
  PhiloxStream random(seed);
  std::vector<LoadStep> steps;
  for (Seconds total(0); total < Seconds(10); total += steps.back().duration) {
    steps.push_back({Seconds(0.012 + 0.05 * random.uniform()), steps.size() % 2 == 0});
  }
  return steps;
}

std::vector<LoadStep> make_square_wave(Seconds period, Seconds length, Seconds rest) {
  std::vector<LoadStep> steps{{rest, false}};
  for (Seconds total(0); total < length; total += period) {
    steps.push_back({period / 2, true});
    steps.push_back({period / 2, false});
  }
  return steps;
}

/// Jackknife interval of one parameter: t over the estimates with one run left out.
Interval jackknife(double value, const std::vector<double>& left_out) {
  const auto n = static_cast<double>(left_out.size());
  const double deviation = compute_standard_deviation(left_out);
  const double error = student_t_quantile(0.5 + 0.5 * kConfidence, n - 1) * deviation * (n - 1) / std::sqrt(n);
  return {value, std::max(0.0, value - error), value + error};
}

Confidence judge(const Characterisation& found) {
  const auto half_width = [](const Interval& i) { return (i.high - i.low) / 2 / std::max(i.value, 1e-9); };
  const Interval& length = found.window_s ? *found.window_s : found.rise_s;
  if (found.explained >= 0.98 && half_width(length) <= 0.15 && half_width(found.period_s) <= 0.02) {
    return Confidence::kHigh;
  }
  return found.explained >= 0.9 && half_width(length) <= 0.5 ? Confidence::kMedium : Confidence::kLow;
}

std::string describe(const Characterisation& found) {
  const auto part = [](const char* name, const Interval& interval) {
    std::array<char, 96> text{};
    std::snprintf(text.data(), text.size(), "%s %.1f ms [%.1f, %.1f]", name, interval.value * 1e3, interval.low * 1e3,
                  interval.high * 1e3);
    return std::string(text.data());
  };
  std::array<char, 96> fit{};
  std::snprintf(fit.data(), fit.size(), "; %zu readings, %.1f %% of their variance explained; confidence ",
                found.publications, found.explained * 100);
  return to_string(found.sensor.shape) + ": " + part("period", found.period_s) +
         (found.window_s ? ", " + part("window", *found.window_s) : "") + ", " + part("delay", found.delay_s) + ", " +
         part("rise", found.rise_s) + fit.data() + to_string(found.confidence);
}

Characterisation summarise(std::span<const Observation> runs, const Interval& period, const Parameters& best) {
  Characterisation found;
  std::array<std::vector<double>, 3> left_out;
  for (std::size_t run = 0; run < runs.size(); ++run) {
    const Parameters p = fit(runs, run, best, 150).at;
    left_out[0].push_back(window_of(p));
    left_out[1].push_back(delay_of(p));
    left_out[2].push_back(rise_of(p));
  }
  found.period_s = period;
  found.delay_s = jackknife(delay_of(best), left_out[1]);
  found.rise_s = jackknife(rise_of(best), left_out[2]);
  const double window_s = window_of(best);
  // A rise this long hides period and window alike: the sensor is a filter, not an average.
  const bool exponential = rise_of(best) > 3 * std::max(period.value, window_s);
  if (!exponential) found.window_s = jackknife(window_s, left_out[0]);
  const Match match = compute_match(runs, std::nullopt, best);
  found.idle = Watts(match.idle_w);
  found.busy = Watts(match.idle_w + match.swing_w);
  found.explained = 1 - match.squared_error / match.variance;
  found.publications = match.readings;
  found.sensor.period = Seconds(period.value);
  if (!exponential) found.sensor.window = Seconds(window_s);
  found.sensor.delay = Seconds(found.delay_s.value);
  found.sensor.rise = Seconds(found.rise_s.value);
  found.sensor.shape = exponential ? SensorShape::kExponential : SensorShape::kBoxcar;
  found.sensor.characterised = true;
  found.confidence = judge(found);
  found.statement = describe(found);
  return found;
}

}  // namespace

Result<Characterisation> characterise_sensor(const PlayLoad& play, MeterChannel channel, std::uint64_t seed) {
  const auto irregular = make_irregular_load(seed);
  auto fast = observe(play, irregular, channel, Seconds(1e9), Seconds(0));
  if (!fast) return fast.error();
  const auto period = find_period(fast.value().readings);
  if (!period) return period.error();
  const Seconds spacing(period.value().value);

  const std::array<LoadStep, 3> long_step{{{Seconds(4), false}, {Seconds(4), true}, {Seconds(3), false}}};
  auto step = observe(play, long_step, channel, spacing, Seconds(3.5));
  if (!step) return step.error();
  std::vector<Observation> runs{std::move(step).value()};
  const Parameters first = fit_globally(runs, spacing, {});

  const Seconds base = std::max({spacing, Seconds(window_of(first)), Seconds(rise_of(first))});
  const Seconds rest = std::max(Seconds(0.2), Seconds(window_of(first) + 4 * rise_of(first) + delay_of(first)));
  for (const double fraction : kFractions) {
    const Seconds length = std::max({Seconds(2), spacing * 30, base * fraction * 8});
    auto run = observe(play, make_square_wave(base * fraction, length, rest), channel, spacing, rest);
    if (!run) return run.error();
    runs.push_back(std::move(run).value());
  }
  Characterisation found = summarise(runs, period.value(), fit_globally(runs, spacing, {first}));
  if (found.explained < 0.5) {
    return runtime_error("the meter does not follow the load", found.statement,
                         "check that the meter measures this device and that nothing else uses it");
  }
  return found;
}

}  // namespace qtrap::power
