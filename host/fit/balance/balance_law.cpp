#include "fit/balance/balance_law.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "core/contract.hpp"
#include "core/philox.hpp"
#include "core/threads.hpp"
#include "fit/groups.hpp"

namespace qtrap::fit {
namespace {

using result::CriticalStatus;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kSameError = 1e-12;  // relative: fits whose errors differ by less are one as good as the other

double sum_distances(std::span<const double> values, double from) {
  return std::accumulate(values.begin(), values.end(), 0.0,
                         [from](double sum, double value) { return sum + std::abs(value - from); });
}

/// Median of values in ascending order, at least one.
double median_of_sorted(std::span<const double> values) {
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

/// The same of any order, which it changes.
double median_in_place(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return 0.5 * (*std::max_element(values.begin(), middle) + *middle);
}

/// Device by device along the balance: what lies left of a knee, less the slope, and right of it, both sorted.
class CurveSearch {
 public:
  explicit CurveSearch(std::span<const DeviceRatio> devices) : devices_(devices.begin(), devices.end()) {
    std::sort(devices_.begin(), devices_.end(),
              [](const DeviceRatio& a, const DeviceRatio& b) { return a.log_balance < b.log_balance; });
    for (const DeviceRatio& one : devices_) right_.push_back(one.log_ratio);
    std::sort(right_.begin(), right_.end());
    levels_.resize(devices_.size());
  }

  BalanceCurve find() {
    const double least = devices_.front().log_balance;
    const double most = devices_.back().log_balance;
    for (std::size_t i = 0; i < devices_.size();) {
      const double here = devices_[i].log_balance;
      try_at(here);
      for (; i < devices_.size() && devices_[i].log_balance == here; ++i) move_left(devices_[i]);
      if (i < devices_.size()) try_between(here, devices_[i].log_balance);
    }
    best_.shows_cast = best_.log_knee > least;
    best_.shows_floor = best_.log_knee < most;
    return best_;
  }

 private:
  void move_left(const DeviceRatio& one) {
    right_.erase(std::lower_bound(right_.begin(), right_.end(), one.log_ratio));
    const double without_slope = one.log_ratio + one.log_balance;
    left_.insert(std::upper_bound(left_.begin(), left_.end(), without_slope), without_slope);
  }

  void take(double error, double floor, double knee) {
    if (error >= least_error_ * (1 - kSameError)) return;
    least_error_ = error;
    best_.log_floor = floor;
    best_.log_knee = knee;
  }

  void try_at(double knee) {
    std::transform(devices_.begin(), devices_.end(), levels_.begin(),
                   [knee](const DeviceRatio& one) { return one.log_ratio - std::max(0.0, knee - one.log_balance); });
    const double floor = median_in_place(levels_);
    take(sum_distances(levels_, floor), floor, knee);
  }

  /// The medians of both sides, where they meet between the two balances; elsewhere the least error lies at one.
  void try_between(double low, double high) {
    const double cast = median_of_sorted(left_);
    const double floor = median_of_sorted(right_);
    const double knee = cast - floor;
    if (knee > low && knee < high) take(sum_distances(left_, cast) + sum_distances(right_, floor), floor, knee);
  }

  std::vector<DeviceRatio> devices_;
  std::vector<double> left_, right_, levels_;
  BalanceCurve best_;
  double least_error_ = kInfinity;
};

/// Ranks from 1, equal values sharing the mean of theirs.
std::vector<double> rank(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&values](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i;
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    for (std::size_t k = i; k < end; ++k) ranks[order[k]] = 0.5 * static_cast<double>(i + 1 + end);
    i = end;
  }
  return ranks;
}

double median_log_ratio(std::span<const DeviceRatio> devices) {
  std::vector<double> ratios;
  for (const DeviceRatio& one : devices) ratios.push_back(one.log_ratio);
  return median_in_place(ratios);
}

/// Log of the balance at which the ratio comes down to 1: above all devices' where it stays above 1 by more than the
/// margin, below them where even the least has a ratio of at most 1.
double find_log_threshold(const BalanceCurve& curve, double log_least, double no_effect_margin) {
  if (curve.log_floor > std::log1p(no_effect_margin)) return kInfinity;
  const double threshold = curve.log_knee + std::min(0.0, curve.log_floor);
  return curve.shows_cast && threshold > log_least ? threshold : -kInfinity;
}

/// What one draw of devices gives.
struct Replicate {
  BalanceCurve curve;
  double log_threshold = 0;
  std::optional<double> rank_correlation;
  double median_log_ratio = 0;
};

std::vector<Replicate> draw_replicates(std::span<const DeviceRatio> devices, const BalanceOptions& options) {
  std::vector<Replicate> replicates(static_cast<std::size_t>(options.replicates));
  const auto least = std::min_element(devices.begin(), devices.end(), [](const auto& a, const auto& b) {
                       return a.log_balance < b.log_balance;
                     })->log_balance;
  for_each_index(options.replicates, options.threads, [&](int index) {
    PhiloxStream random(options.seed, static_cast<std::uint64_t>(index));
    std::vector<DeviceRatio> drawn;
    drawn.reserve(devices.size());
    for (std::size_t i = 0; i < devices.size(); ++i)
      drawn.push_back(devices[random.below(static_cast<std::uint32_t>(devices.size()))]);
    Replicate& one = replicates[static_cast<std::size_t>(index)];
    one.curve = fit_balance_curve(drawn);
    one.log_threshold = find_log_threshold(one.curve, least, options.no_effect_margin);
    one.rank_correlation = compute_rank_correlation(drawn);
    one.median_log_ratio = median_log_ratio(drawn);
  });
  return replicates;
}

/// The interval that replicates leave, widened to its value; by order, for values may be infinite. At least one.
Interval make_interval(double value, std::vector<double> replicates, double confidence) {
  std::sort(replicates.begin(), replicates.end());
  const double last = static_cast<double>(replicates.size() - 1);
  const auto at = [&replicates](double place) { return replicates[static_cast<std::size_t>(place)]; };
  const double tail = 0.5 * (1 - confidence);
  return {value, std::min(value, at(std::floor(tail * last))), std::max(value, at(std::ceil((1 - tail) * last)))};
}

Interval exponentiate(const Interval& logs) { return {std::exp(logs.value), std::exp(logs.low), std::exp(logs.high)}; }

/// A parameter of the curve; none where the estimate, or more replicates than an interval may leave out, do not show
/// it.
std::optional<Interval> estimate(const BalanceCurve& curve, const std::vector<Replicate>& replicates,
                                 bool BalanceCurve::*shows, double (*value)(const BalanceCurve&), double confidence) {
  std::vector<double> values;
  for (const Replicate& one : replicates) {
    if (one.curve.*shows) values.push_back(value(one.curve));
  }
  if (!(curve.*shows) || static_cast<double>(values.size()) < confidence * static_cast<double>(replicates.size()))
    return std::nullopt;
  return exponentiate(make_interval(value(curve), std::move(values), confidence));
}

void set_threshold(const BalanceCurve& curve, const std::vector<Replicate>& replicates, const BalanceOptions& options,
                   BalanceLaw& law) {
  std::vector<double> values;
  values.reserve(replicates.size());
  for (const Replicate& one : replicates) values.push_back(one.log_threshold);
  const double value = find_log_threshold(curve, law.log_balance_least, options.no_effect_margin);
  const Interval logs = make_interval(value, std::move(values), options.confidence);
  if (std::isfinite(logs.low)) law.low = std::exp(logs.low);
  if (std::isfinite(logs.high)) law.high = std::exp(logs.high);
  if (law.low && law.high) {
    law.status = CriticalStatus::kFound;
    law.threshold = std::exp(logs.value);
  } else if (law.low) {
    law.status = CriticalStatus::kAbove;
    law.reason = "where operations are plenty the ratio is not told from 1";
  } else if (law.high) {
    law.status = CriticalStatus::kBelow;
    law.reason = "devices with fewer operations would tell";
  } else if (logs.low > 0) {
    law.status = CriticalStatus::kTrappedEverywhere;
  } else if (logs.high < 0) {
    law.status = CriticalStatus::kNeverTrapped;
  } else {
    law.reason = "the ratio is told from 1 on neither side";
  }
}

void leave_vendors_out(std::span<const DeviceRatio> devices, BalanceLaw& law) {
  std::map<std::string, std::vector<DeviceRatio>> by_vendor;
  for (const DeviceRatio& one : devices) by_vendor[one.vendor].push_back(one);
  law.vendors = by_vendor.size();
  std::size_t tested = 0;
  double law_sum = 0;
  double constant_sum = 0;
  for (const auto& [vendor, own] : by_vendor) {
    std::vector<DeviceRatio> others;
    std::copy_if(devices.begin(), devices.end(), std::back_inserter(others),
                 [&name = vendor](const DeviceRatio& one) { return one.vendor != name; });
    if (others.size() < kLeastDevices) continue;
    const BalanceCurve curve = fit_balance_curve(others);
    const double median = median_log_ratio(others);
    LeftOutVendor one{vendor, own.size()};
    for (const DeviceRatio& device : own) {
      one.law_error += std::abs(device.log_ratio - curve.predict(device.log_balance));
      one.constant_error += std::abs(device.log_ratio - median);
    }
    tested += own.size();
    law_sum += one.law_error;
    constant_sum += one.constant_error;
    one.law_error /= static_cast<double>(own.size());
    one.constant_error /= static_cast<double>(own.size());
    law.left_out.push_back(std::move(one));
  }
  if (tested == 0) return;
  law.law_error = law_sum / static_cast<double>(tested);
  law.constant_error = constant_sum / static_cast<double>(tested);
}

/// Median and rank correlation with their intervals.
void describe_devices(std::span<const DeviceRatio> devices, const std::vector<Replicate>& replicates, BalanceLaw& law) {
  std::vector<double> medians, ranks;
  for (const Replicate& one : replicates) {
    medians.push_back(one.median_log_ratio);
    if (one.rank_correlation) ranks.push_back(*one.rank_correlation);
  }
  law.median_interval = exponentiate(make_interval(median_log_ratio(devices), std::move(medians), law.confidence));
  const auto rank = compute_rank_correlation(devices);
  if (rank && !ranks.empty()) law.rank_correlation = make_interval(*rank, std::move(ranks), law.confidence);
}

/// Why the devices bear no law; empty where they do.
std::string find_refusal(const BalanceLaw& law) {
  if (law.devices < kLeastDevices) return fmt::format("{} devices; a law needs {}", law.devices, kLeastDevices);
  if (!law.rank_correlation) return "all devices have one balance, or one ratio";
  if (law.vendors < 2) return "all devices are of one vendor: a law is tested on another's";
  if (!law.law_error) return fmt::format("no vendor left out leaves {} devices", kLeastDevices);
  if (law.rank_correlation->high >= 0) return "the rank correlation is not below 0 with its interval";
  if (*law.law_error >= *law.constant_error)
    return "vendors left out are as near to the others' median ratio as to their law";
  return {};
}

}  // namespace

double BalanceCurve::predict(double log_balance) const { return log_floor + std::max(0.0, log_knee - log_balance); }

BalanceCurve fit_balance_curve(std::span<const DeviceRatio> devices) {
  expects(!devices.empty(), "a curve is of devices");
  return CurveSearch(devices).find();
}

std::optional<double> compute_rank_correlation(std::span<const DeviceRatio> devices) {
  std::vector<double> balances, ratios;
  for (const DeviceRatio& one : devices) {
    balances.push_back(one.log_balance);
    ratios.push_back(one.log_ratio);
  }
  const std::vector<double> a = rank(balances);
  const std::vector<double> b = rank(ratios);
  const double mean = 0.5 * static_cast<double>(devices.size() + 1);
  double both = 0;
  double squares_a = 0;
  double squares_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    both += (a[i] - mean) * (b[i] - mean);
    squares_a += (a[i] - mean) * (a[i] - mean);
    squares_b += (b[i] - mean) * (b[i] - mean);
  }
  if (squares_a <= 0 || squares_b <= 0) return std::nullopt;
  return both / std::sqrt(squares_a * squares_b);
}

BalanceLaw fit_balance_law(std::span<const DeviceRatio> devices, const BalanceOptions& options) {
  expects(!devices.empty(), "a law is of devices");
  expects(options.replicates >= 2, "a bootstrap needs two replicates");
  expects(options.no_effect_margin >= 0, "a margin lies above 1");
  BalanceLaw law;
  law.confidence = options.confidence;
  law.devices = devices.size();
  const auto [least, most] = std::minmax_element(
      devices.begin(), devices.end(), [](const auto& a, const auto& b) { return a.log_balance < b.log_balance; });
  law.log_balance_least = least->log_balance;
  law.log_balance_most = most->log_balance;
  law.median_ratio = std::exp(median_log_ratio(devices));
  leave_vendors_out(devices, law);
  const bool enough = law.devices >= kLeastDevices;
  const std::vector<Replicate> replicates = enough ? draw_replicates(devices, options) : std::vector<Replicate>();
  if (enough) describe_devices(devices, replicates, law);
  law.reason = find_refusal(law);
  if (!law.reason.empty()) return law;
  const BalanceCurve curve = fit_balance_curve(devices);
  law.cast_flop_per_byte = estimate(
      curve, replicates, &BalanceCurve::shows_cast, [](const BalanceCurve& one) { return one.log_cast(); },
      options.confidence);
  if (!law.cast_flop_per_byte) {
    law.reason = "too few devices are short of operations: their ratios are as well one for all";
    return law;
  }
  law.floor_ratio = estimate(
      curve, replicates, &BalanceCurve::shows_floor, [](const BalanceCurve& one) { return one.log_floor; },
      options.confidence);
  set_threshold(curve, replicates, options, law);
  return law;
}

}  // namespace qtrap::fit
