#include "power/sensor/energy_window.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "core/contract.hpp"

namespace qtrap::power {

namespace {

constexpr double kDisagreement = 0.05;
/// A power reading may rest for a while (1 W steps under a steady load); a counter under load may not, not even for the
/// periods of one window.
constexpr std::size_t kStuckPeriods = 50;
constexpr std::size_t kStillPeriods = 12;

EnergyEstimate refuse(EnergyStatus status, std::string detail, std::size_t readings = 0) {
  EnergyEstimate estimate;
  estimate.status = status;
  estimate.readings = readings;
  estimate.detail = std::move(detail);
  return estimate;
}

std::string in_ms(Seconds time) {
  std::ostringstream text;
  text.imbue(std::locale::classic());
  text.precision(4);
  text << time.value() * 1e3 << " ms";
  return text.str();
}

/// Valid values of one channel, and what is known of the others.
template <class Unit>
struct Channel {
  std::vector<Timed<Unit>> valid;
  std::map<ReadStatus, std::size_t> absent;
};

template <class Unit>
Channel<Unit> select_channel(std::span<const Sample> samples, Reading<Unit> Sample::*member) {
  Channel<Unit> channel;
  for (const Sample& sample : samples) {
    const Reading<Unit>& reading = sample.*member;
    if (reading.value) {
      channel.valid.push_back({reading.at, *reading.value});
    } else {
      ++channel.absent[reading.status];
    }
  }
  return channel;
}

template <class Unit>
std::string describe_absent(const Channel<Unit>& channel) {
  std::string text;
  for (const auto& [status, count] : channel.absent) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + to_string(status);
  }
  return text.empty() ? "none was taken" : text;
}

/// Longest stretch of the window without a valid value, when it is too long to bridge.
template <class Unit>
std::optional<Seconds> find_loss(const Channel<Unit>& channel, const LoadWindow& window, Seconds period) {
  Seconds longest(0);
  Seconds last = window.begin;
  for (const Timed<Unit>& value : channel.valid) {
    if (value.at <= window.begin) continue;
    longest = std::max(longest, std::min(value.at, window.end) - last);
    last = std::min(value.at, window.end);
  }
  longest = std::max(longest, window.end - last);
  const Seconds bridge = std::max(period * 5, (window.end - window.begin) * 0.1);
  // Short windows are judged by the number of readings in them.
  if (longest > bridge) return longest;
  return std::nullopt;
}

template <class Unit>
double interpolate(const std::vector<Timed<Unit>>& curve, Seconds at) {
  const auto after = std::lower_bound(curve.begin(), curve.end(), at,
                                      [](const Timed<Unit>& point, Seconds time) { return point.at < time; });
  if (after == curve.begin()) return curve.front().value.value();
  if (after == curve.end()) return curve.back().value.value();
  const auto before = after - 1;
  const double weight = (at - before->at) / (after->at - before->at);
  return before->value.value() + weight * (after->value.value() - before->value.value());
}

/// Trapezoid of the piecewise linear curve between `from` and `to`, both inside it.
double integrate(const std::vector<Timed<Watts>>& curve, Seconds from, Seconds to) {
  double energy_j = 0;
  Timed<Watts> last{from, Watts(interpolate(curve, from))};
  for (const Timed<Watts>& point : curve) {
    if (point.at <= from || point.at >= to) continue;
    energy_j += (point.at - last.at).value() * (point.value + last.value).value() / 2;
    last = point;
  }
  return energy_j + (to - last.at).value() * (interpolate(curve, to) + last.value.value()) / 2;
}

/// Part of [begin, end] between the first and the last of the attributable points, and how many lie in it.
template <class Unit>
struct Seen {
  Seconds from;
  Seconds to;
  std::size_t count = 0;
};

template <class Unit>
Seen<Unit> find_seen(const std::vector<Timed<Unit>>& curve, const LoadWindow& window) {
  Seen<Unit> seen;
  if (curve.empty()) return seen;
  seen.from = std::max(window.begin, curve.front().at);
  seen.to = std::min(window.end, curve.back().at);
  for (const Timed<Unit>& point : curve) {
    if (point.at >= window.begin && point.at <= window.end) ++seen.count;
  }
  return seen;
}

template <class Unit>
EnergyEstimate scale_to_window(double seen_j, const Seen<Unit>& seen, const LoadWindow& window, Watts max_power) {
  EnergyEstimate estimate;
  const double length_s = (window.end - window.begin).value();
  const double seen_s = (seen.to - seen.from).value();
  const double energy_j = seen_j * length_s / seen_s;
  if (!std::isfinite(energy_j) || energy_j <= 0 || energy_j > max_power.value() * length_s) {
    return refuse(EnergyStatus::kImplausible, "the readings give a power no board of this kind draws", seen.count);
  }
  estimate.status = EnergyStatus::kOk;
  estimate.energy = Joules(energy_j);
  estimate.readings = seen.count;
  estimate.covered = seen_s / length_s;
  return estimate;
}

/// The counter's updates in order, unwrapped, stamped half a poll before they were seen and moved back by its
/// delay.
struct Updates {
  std::vector<Timed<Joules>> points;
  DeltaStatus worst = DeltaStatus::kOk;
};

Updates find_updates(const std::vector<Timed<Joules>>& values, const LoadWindow& window, const CounterLimits& limits,
                     const SensorTraits& sensor) {
  Updates updates;
  Joules unwrapped(0);
  for (std::size_t i = 1; i < values.size(); ++i) {
    const EnergyDelta delta = compute_energy_delta(values[i - 1], values[i], limits);
    const bool inside = values[i].at > window.begin && values[i - 1].at < window.end;
    if (inside) updates.worst = std::max(updates.worst, delta.status);
    if (!delta.value) {
      if (values[i - 1].at >= window.end) break;
      // What was before a break says nothing about the time after it.
      updates.points.clear();
      continue;
    }
    if (*delta.value == Joules(0)) continue;
    unwrapped += *delta.value;
    const Seconds poll = values[i].at - values[i - 1].at;
    updates.points.push_back({values[i].at - std::min(poll, sensor.period) / 2 - sensor.delay, unwrapped});
  }
  return updates;
}

/// Longest stretch of the window, once the load has `settled`, without an update, when a counter under load cannot rest
/// as long: kStillPeriods of its period, and of its own usual spacing where that is longer (an assumed period may be
/// too short).
std::optional<Seconds> find_standstill(const std::vector<Timed<Joules>>& updates, const LoadWindow& window,
                                       Seconds settled, Seconds period) {
  std::vector<Seconds> gaps;
  Seconds last = std::max(window.begin, settled);
  for (const Timed<Joules>& update : updates) {
    if (update.at <= last || update.at > window.end) continue;
    gaps.push_back(update.at - last);
    last = update.at;
  }
  const Seconds tail = window.end - last;
  const Seconds longest = gaps.empty() ? tail : std::max(tail, *std::max_element(gaps.begin(), gaps.end()));
  Seconds usual = period;
  if (!gaps.empty()) {
    std::nth_element(gaps.begin(), gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2), gaps.end());
    usual = std::max(usual, gaps[gaps.size() / 2]);
  }
  // Half a period less: a window of 12 periods is meant to be caught whole.
  if (longest + usual / 2 >= usual * kStillPeriods) return longest;
  return std::nullopt;
}

EnergyEstimate estimate_from_counter(std::span<const Sample> samples, const LoadWindow& window, const MeterInfo& info,
                                     const SensorTraits& sensor) {
  if (!info.has_energy) return refuse(EnergyStatus::kNoMeter, "the meter has no energy counter");
  const auto channel = select_channel(samples, &Sample::energy);
  if (channel.valid.empty()) return refuse(EnergyStatus::kNoMeter, "no counter reading: " + describe_absent(channel));
  if (window.load_end - window.load_begin < sensor.period * 2 + sensor.rise * 4) {
    return refuse(EnergyStatus::kUnattributable, "the load of " + in_ms(window.load_end - window.load_begin) +
                                                     " is shorter than two updates of the counter");
  }
  if (const auto lost = find_loss(channel, window, sensor.period)) {
    return refuse(EnergyStatus::kNoMeter,
                  "no counter reading for " + in_ms(*lost) + " of the window: " + describe_absent(channel));
  }
  Updates updates = find_updates(channel.valid, window, info.limits, sensor);
  if (updates.worst == DeltaStatus::kReset) return refuse(EnergyStatus::kReset, "the counter fell back");
  if (updates.worst == DeltaStatus::kImplausible) {
    return refuse(EnergyStatus::kImplausible, "the counter jumped further than the board can draw");
  }
  // The first step after the load began may hold energy from before it: it starts no interval.
  const Seconds settled = window.load_begin + sensor.rise * 4;
  std::erase_if(updates.points,
                [&](const Timed<Joules>& point) { return point.at < settled || point.at > window.load_end; });
  const auto seen = find_seen(updates.points, window);
  const Seconds length = window.end - window.begin;
  if (const auto still = find_standstill(updates.points, window, settled, sensor.period)) {
    return refuse(EnergyStatus::kImplausible, "the counter stands still for " + in_ms(*still) + " of " + in_ms(length),
                  seen.count);
  }
  if (seen.count < kFewestReadings) {
    return refuse(EnergyStatus::kTooShort,
                  std::to_string(seen.count) + " counter updates in the window, " + std::to_string(kFewestReadings) +
                      " needed (period " + in_ms(sensor.period) + ")",
                  seen.count);
  }
  const double seen_j = interpolate(updates.points, seen.to) - interpolate(updates.points, seen.from);
  EnergyEstimate estimate = scale_to_window(seen_j, seen, window, info.limits.max_power);
  estimate.wrapped = updates.worst == DeltaStatus::kWrapped;
  return estimate;
}

/// Whether a power channel that was polled for long never moved: a sensor that sticks, unless it is a
/// constant.
bool is_stuck(const std::vector<Timed<Watts>>& published, const LoadWindow& window, const SensorTraits& sensor) {
  if (sensor.period == Seconds(0) || window.end - window.begin < sensor.period * kStuckPeriods) return false;
  std::optional<Watts> first;
  for (const Timed<Watts>& point : published) {
    if (point.at < window.begin || point.at > window.end) continue;
    if (first && point.value != *first) return false;
    first = point.value;
  }
  return first.has_value();
}

/// A constant times the time: no updates to wait for, and nothing to attribute.
EnergyEstimate estimate_from_constant(const Channel<Watts>& channel, const LoadWindow& window) {
  EnergyEstimate estimate;
  estimate.status = EnergyStatus::kOk;
  estimate.energy = channel.valid.front().value * (window.end - window.begin);
  estimate.readings = channel.valid.size();
  estimate.covered = 1;
  return estimate;
}

EnergyEstimate estimate_from_power(std::span<const Sample> samples, const LoadWindow& window, const MeterInfo& info,
                                   const SensorTraits& sensor) {
  if (!info.has_power) return refuse(EnergyStatus::kNoMeter, "the meter has no power reading");
  const auto channel = select_channel(samples, &Sample::power);
  if (channel.valid.empty()) return refuse(EnergyStatus::kNoMeter, "no power reading: " + describe_absent(channel));
  if (info.estimated) return estimate_from_constant(channel, window);
  // Attribution in publication time: the averaging window and the rise before it lie inside the load.
  const Seconds opens = window.load_begin + sensor.settling() + sensor.delay;
  const Seconds closes = window.load_end + sensor.delay;
  const Seconds earliest = std::max(window.begin + sensor.lag(), opens);
  const Seconds latest = std::min(window.end + sensor.lag(), closes);
  if (latest <= earliest) {
    return refuse(EnergyStatus::kUnattributable, "the load of " + in_ms(window.load_end - window.load_begin) +
                                                     " is shorter than the sensor takes to show it (" +
                                                     in_ms(sensor.settling()) + ")");
  }
  if (const auto lost = find_loss(channel, window, sensor.period)) {
    return refuse(EnergyStatus::kNoMeter,
                  "no power reading for " + in_ms(*lost) + " of the window: " + describe_absent(channel));
  }
  std::vector<Timed<Watts>> curve = find_publications(samples, sensor.period);
  if (is_stuck(curve, window, sensor)) {
    return refuse(EnergyStatus::kImplausible, "the power reading never moved in the window");
  }
  std::erase_if(curve, [&](const Timed<Watts>& point) { return point.at < opens || point.at > closes; });
  for (Timed<Watts>& point : curve) {
    if (point.value > info.limits.max_power) {
      return refuse(EnergyStatus::kImplausible, "a power reading is higher than any board of this kind draws");
    }
    point.at = point.at - sensor.lag();
  }
  const auto seen = find_seen(curve, window);
  if (seen.count < kFewestReadings) {
    return refuse(EnergyStatus::kTooShort,
                  std::to_string(seen.count) + " power readings in the window, " + std::to_string(kFewestReadings) +
                      " needed (period " + in_ms(sensor.period) + ")",
                  seen.count);
  }
  double seen_j = integrate(curve, seen.from, seen.to);
  if (sensor.shape == SensorShape::kExponential) {
    // P_true = P + rise dP/dt, integrated.
    seen_j += sensor.rise.value() * (interpolate(curve, seen.to) - interpolate(curve, seen.from));
  }
  return scale_to_window(seen_j, seen, window, info.limits.max_power);
}

}  // namespace

std::vector<Timed<Watts>> find_publications(std::span<const Sample> samples, Seconds period) {
  std::vector<Timed<Watts>> published;
  std::optional<Seconds> polled;
  for (const Sample& sample : samples) {
    if (!sample.power.value) continue;
    const Seconds now = sample.power.at;
    const Seconds poll = polled ? std::min(now - *polled, period) : Seconds(0);
    polled = now;
    if (published.empty() || period == Seconds(0) || *sample.power.value != published.back().value) {
      published.push_back({now - poll / 2, *sample.power.value});
    } else if (now - published.back().at >= period * 1.5) {
      published.push_back({published.back().at + period, published.back().value});
    }
  }
  return published;
}

WindowEnergy estimate_window_energy(std::span<const Sample> samples, const LoadWindow& window, const MeterInfo& info,
                                    const MeterSensors& sensors) {
  expects(window.load_begin <= window.begin && window.begin < window.end && window.end <= window.load_end,
          "the window lies inside its load and is not empty");
  WindowEnergy answer;
  answer.counter = estimate_from_counter(samples, window, info, sensors.counter);
  answer.integrated = estimate_from_power(samples, window, info, sensors.power);
  const bool counted = answer.counter.status == EnergyStatus::kOk;
  const bool integrated = answer.integrated.status == EnergyStatus::kOk;
  const EnergyEstimate& taken = counted || (info.has_energy && !integrated) ? answer.counter : answer.integrated;
  answer.status = taken.status;
  answer.energy = taken.energy;
  answer.detail = taken.detail;
  if (taken.energy) {
    answer.method = info.simulated   ? EnergyMethod::kSimulated
                    : info.estimated ? EnergyMethod::kEstimated
                    : counted        ? EnergyMethod::kCounter
                                     : EnergyMethod::kIntegrated;
  }
  if (info.has_energy && !counted) answer.flags.push_back("counter_" + to_string(answer.counter.status));
  if (answer.counter.wrapped) answer.flags.emplace_back("counter_wrapped");
  if (counted && integrated) {
    answer.disagreement = *answer.integrated.energy / *answer.counter.energy - 1;
    if (std::abs(*answer.disagreement) > kDisagreement) answer.flags.emplace_back("methods_disagree");
  }
  return answer;
}

}  // namespace qtrap::power
