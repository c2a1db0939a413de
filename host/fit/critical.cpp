#include "fit/critical.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

#include "core/anchor.hpp"
#include "fit/model_curve.hpp"

namespace qtrap::fit {
namespace {

using Index = Eigen::Index;

constexpr double kGridStep = 1.0 / 8;  // of the fitted curve, in doublings of the size
constexpr double kUndecided = 100;  // half width of a log ratio that no two sessions tell, e^100: any value is possible

/// Counts of `steps` steps of a scheme and its anchor at one size.
struct Twins : CountPair {
  double steps = 0;
};

/// What stays fixed along an axis, and the scheme.
using GroupKey = std::pair<judge::CellKey, std::string>;
using Family = std::map<GroupKey, std::map<double, Twins>>;

GroupKey key_of(judge::CellKey cell, const std::string& scheme, Axis axis) {
  if (axis == Axis::kBatch) cell.batch = 0;
  if (axis == Axis::kHops) cell.hops = 0;
  if (axis == Axis::kParams) {
    cell.model.clear();
    cell.params = 0;
  }
  return {std::move(cell), scheme};
}

double size_of(const judge::CellKey& cell, Axis axis) {
  if (axis == Axis::kParams) return cell.params;
  return axis == Axis::kBatch ? cell.batch : cell.hops;
}

Family make_family(std::span<const Term> terms, std::span<const Workload> works, Axis axis) {
  std::map<std::string, const Workload*> anchors;
  for (const Workload& work : works) {
    if (work.scheme == kAnchor) anchors[work.cell] = &work;
  }
  Family family;
  std::set<std::string> seen;
  for (const Workload& work : works) {
    const auto anchor = anchors.find(work.cell);
    if (work.scheme.empty() || work.scheme == kAnchor || anchor == anchors.end()) continue;
    if (!seen.insert(work.point_id).second) continue;
    const judge::CellKey cell = cell_of(work);
    Twins& twins = family[key_of(cell, work.scheme, axis)][size_of(cell, axis)];
    const Eigen::VectorXd scheme = compute_counts(terms, work.counts);
    const Eigen::VectorXd below = compute_counts(terms, anchor->second->counts);
    twins.scheme = twins.steps > 0 ? Eigen::VectorXd(twins.scheme + scheme) : scheme;
    twins.anchor = twins.steps > 0 ? Eigen::VectorXd(twins.anchor + below) : below;
    twins.steps += work.steps;
  }
  return family;
}

/// Power law between two sizes; straight in log size where a count is zero at either.
double interpolate_count(double left, double right, double t) {
  if (left > 0 && right > 0) return std::exp((1 - t) * std::log(left) + t * std::log(right));
  return (1 - t) * left + t * right;
}

Eigen::VectorXd interpolate_counts(const Eigen::VectorXd& left, double left_steps, const Eigen::VectorXd& right,
                                   double right_steps, double t) {
  Eigen::VectorXd counts(left.size());
  for (Index j = 0; j < left.size(); ++j) {
    counts[j] = interpolate_count(left[j] / left_steps, right[j] / right_steps, t);
  }
  return counts;
}

/// Whether scheme and anchor are of one table.
bool is_paired(const Ratio* ratio) { return ratio->basis != judge::Basis::kUnpaired; }

/// Whether sessions say where the ratio lies.
bool is_decided(const Ratio& ratio) { return ratio.basis == judge::Basis::kSessions && !ratio.flagged; }

/// The interval of a ratio; one without effect is 1 for all that matters, however narrow its interval beside it.
Interval hold_one(const Ratio& ratio) {
  Interval interval = *ratio.interval;
  if (ratio.verdict != Verdict::kNoEffect) return interval;
  interval.low = std::min(interval.low, 0.0);
  interval.high = std::max(interval.high, 0.0);
  return interval;
}

void append_point(Curve& curve, double size, const Interval& ratio) {
  curve.sizes.push_back(size);
  curve.log_ratio.push_back(ratio.value);
  curve.low.push_back(ratio.low);
  curve.high.push_back(ratio.high);
}

/// One size of a measured curve. Models of equal size are all kept: the interval holds those of all.
void append_size(Curve& curve, double size, const std::vector<const Ratio*>& members) {
  Interval joint{0, kUndecided, -kUndecided};
  double p = 0;
  for (const Ratio* one : members) {
    const bool decided = is_decided(*one);
    const Interval own =
        decided ? hold_one(*one) : Interval{0, one->log_ratio - kUndecided, one->log_ratio + kUndecided};
    joint.value += one->log_ratio / static_cast<double>(members.size());
    joint.low = std::min(joint.low, own.low);
    joint.high = std::max(joint.high, own.high);
    p = std::max(p, decided ? one->p_value.value_or(1) : 1);
  }
  append_point(curve, size, joint);
  curve.p_values.push_back(p);
}

/// How a scheme's fitted curve is moved to where its measured ratios lie.
struct Shift {
  Level level;        ///< the fits' mean log ratio over the places measured
  double value = 0;   ///< the measured one
  double offset = 0;  ///< value less the fits' own
  double half = 0;    ///< half width of value
};

/// By scheme with two measured ratios. The half width joins that of the ratios, as if all erred together, with how the
/// fit's shape misses them: Student's t over the places.
std::map<std::string, Shift> find_shifts(const Predictor& predictor, const Family& family,
                                         std::span<const Ratio> ratios, Axis axis) {
  std::map<std::string, std::vector<std::pair<const Ratio*, const Twins*>>> measured;
  for (const Ratio& ratio : ratios) {
    const auto group = family.find(key_of(ratio.cell, ratio.scheme, axis));
    if (group == family.end() || !is_decided(ratio)) continue;
    const auto twins = group->second.find(size_of(ratio.cell, axis));
    if (twins != group->second.end()) measured[ratio.scheme].emplace_back(&ratio, &twins->second);
  }
  std::map<std::string, Shift> shifts;
  for (const auto& [scheme, places] : measured) {
    std::vector<CountPair> counts;
    std::vector<double> misses;
    double value = 0;
    double half = 0;
    for (const auto& [ratio, twins] : places) {
      const auto fitted = predictor.predict_log_ratio(*twins);
      if (!fitted) continue;
      counts.push_back(*twins);
      misses.push_back(ratio->log_ratio - fitted->value);
      value += ratio->log_ratio;
      half += 0.5 * (ratio->interval->high - ratio->interval->low);
    }
    const auto miss = compute_t_interval(misses);
    if (!miss) continue;
    const auto n = static_cast<double>(misses.size());
    shifts[scheme] = {predictor.compute_level(counts), value / n, miss->value,
                      std::hypot(half / n, miss->high - miss->value)};
  }
  return shifts;
}

/// The fitted shape at the height of the measured ratios.
std::optional<Interval> predict_shifted(const Predictor& predictor, const CountPair& counts, const Shift& shift) {
  const auto shape = predictor.predict_log_ratio(counts, &shift.level);
  if (!shape) return std::nullopt;
  const double value = shape->value + shift.value;
  return Interval{value, value - std::hypot(shape->value - shape->low, shift.half),
                  value + std::hypot(shape->high - shape->value, shift.half)};
}

Curve predict_curve(const Predictor& predictor, const std::map<double, Twins>& sizes, const Shift& shift) {
  Curve curve;
  for (auto place = sizes.begin(); place != sizes.end(); ++place) {
    const auto next = std::next(place);
    const double span = next == sizes.end() ? 0 : std::log2(next->first / place->first);
    const int pieces = std::max(1, static_cast<int>(std::ceil(span / kGridStep)));
    for (int piece = 0; piece < (next == sizes.end() ? 1 : pieces); ++piece) {
      const double t = static_cast<double>(piece) / pieces;
      const Twins& left = place->second;
      const Twins& right = next == sizes.end() ? left : next->second;
      const CountPair counts{interpolate_counts(left.scheme, left.steps, right.scheme, right.steps, t),
                             interpolate_counts(left.anchor, left.steps, right.anchor, right.steps, t)};
      const auto ratio = predict_shifted(predictor, counts, shift);
      if (ratio) append_point(curve, place->first * std::exp2(span * t), *ratio);
    }
  }
  return curve;
}

std::optional<double> identified_value(const FormFit& fit, const std::string& name) {
  for (const Coefficient& one : fit.coefficients) {
    if (one.name == name) return one.value;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Critical> interpolate_critical(std::span<const Ratio> ratios, Axis axis) {
  std::map<GroupKey, std::map<double, std::vector<const Ratio*>>> groups;
  for (const Ratio& ratio : ratios)
    groups[key_of(ratio.cell, ratio.scheme, axis)][size_of(ratio.cell, axis)].push_back(&ratio);
  std::vector<Critical> entries;
  for (const auto& [key, sizes] : groups) {
    Critical entry;
    entry.axis = axis;
    std::tie(entry.cell, entry.scheme) = key;
    entry.quantity = sizes.begin()->second.front()->quantity;
    Curve curve;
    bool intervals = false;
    bool sessions = false;
    for (const auto& [size, all] : sizes) {
      std::vector<const Ratio*> members;
      std::copy_if(all.begin(), all.end(), std::back_inserter(members), is_paired);
      if (members.empty()) continue;
      entry.sizes_used.insert(entry.sizes_used.end(), members.size(), size);
      for (const Ratio* one : members) {
        intervals = intervals || one->interval;
        sessions = sessions || is_decided(*one);
      }
      append_size(curve, size, members);
    }
    if (intervals) entry.interval_basis = sessions ? IntervalBasis::kSessions : IntervalBasis::kBlocks;
    if (!intervals) {
      curve.low.clear();
      curve.high.clear();
      curve.p_values.clear();
    }
    if (curve.sizes.empty()) {
      for (const auto& [size, all] : sizes) entry.sizes_used.insert(entry.sizes_used.end(), all.size(), size);
      entry.crossing.reason = "its ratios are unpaired: f16 was published in another table";
    } else {
      entry.crossing = find_crossing(curve);
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<Critical> fit_critical(const DeviceFit& fit, std::span<const Workload> works, std::span<const Ratio> ratios,
                                   Quantity quantity, Axis axis) {
  if (!fit.time.ok() || (quantity == Quantity::kEnergy && !fit.energy.ok())) return {};
  const Predictor predictor(fit.time, &fit.energy, quantity);
  const Family family = make_family(predictor.terms(), works, axis);
  const std::map<std::string, Shift> shifts = find_shifts(predictor, family, ratios, axis);
  std::vector<Critical> entries;
  for (const auto& [key, sizes] : family) {
    Critical entry;
    entry.axis = axis;
    std::tie(entry.cell, entry.scheme) = key;
    entry.quantity = quantity;
    entry.method = CriticalMethod::kFitted;
    entry.interval_basis = (quantity == Quantity::kTime ? fit.time : fit.energy).interval_basis;
    for (const auto& [size, twins] : sizes) entry.sizes_used.push_back(size);
    const auto shift = shifts.find(entry.scheme);
    if (shift == shifts.end()) {
      entry.crossing.reason = "fewer than two ratios over sessions say how far the fit lies off";
    } else {
      entry.log_offset = shift->second.offset;
      for (const auto& [size, twins] : sizes) {
        const auto ratio = predict_shifted(predictor, twins, shift->second);
        entry.predicted.push_back(ratio ? std::optional(ratio->value) : std::nullopt);
      }
      entry.crossing = find_crossing(predict_curve(predictor, sizes, shift->second));
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

void refuse_contradicted(std::span<const Ratio> ratios, std::vector<Critical>& fitted) {
  for (Critical& entry : fitted) {
    if (entry.predicted.empty()) continue;  // refused before
    std::map<double, const Ratio*> measured;
    for (const Ratio& ratio : ratios) {
      const bool same = key_of(ratio.cell, ratio.scheme, entry.axis) == GroupKey{entry.cell, entry.scheme};
      if (same && is_decided(ratio)) measured[size_of(ratio.cell, entry.axis)] = &ratio;
    }
    std::vector<int> signs;
    std::size_t outside = 0;
    for (const auto& [size, ratio] : measured) {
      const int sign = ratio->verdict == Verdict::kTrap ? 1 : ratio->verdict == Verdict::kNoTrap ? -1 : 0;
      if (sign != 0 && (signs.empty() || signs.back() != sign)) signs.push_back(sign);
      const auto place = std::find(entry.sizes_used.begin(), entry.sizes_used.end(), size);
      if (place == entry.sizes_used.end()) continue;
      const auto& predicted = entry.predicted[static_cast<std::size_t>(place - entry.sizes_used.begin())];
      if (!predicted || *predicted < ratio->interval->low || *predicted > ratio->interval->high) ++outside;
    }
    std::string reason;
    if (signs.empty()) reason = "no measured ratio is decided over sessions";
    if (signs.size() > 2) reason = "the measured ratio crosses 1 more than once";
    if (outside > 0)
      reason = "the fitted ratio lies outside the measured interval at " + std::to_string(outside) + " of " +
               std::to_string(measured.size()) + " sizes";
    if (reason.empty()) continue;
    entry.crossing = Crossing();
    entry.crossing.reason = reason;
  }
}

void add_paper_forms(const Decomposition& time, std::span<const Workload> family, std::vector<Critical>& entries) {
  if (!time.ok()) return;
  const auto per_byte = identified_value(time.best(), "bytes");
  const auto per_launch = identified_value(time.best(), "launches");
  if (!per_byte || !per_launch || *per_byte <= 0) return;
  std::map<std::string, const Workload*> anchors;
  for (const Workload& work : family) {
    if (work.scheme == kAnchor) anchors[work.cell] = &work;
  }
  for (Critical& entry : entries) {
    if (entry.quantity != Quantity::kTime || entry.axis == Axis::kHops) continue;
    double phi = 0;
    double saved = 0;
    double params = 0;
    double members = 0;
    for (const Workload& work : family) {
      const auto anchor = anchors.find(work.cell);
      const bool same = key_of(cell_of(work), work.scheme, entry.axis) == GroupKey{entry.cell, entry.scheme};
      if (!same || anchor == anchors.end()) continue;
      phi += *per_launch * (work.counts.launches - anchor->second->counts.launches) / work.steps;
      saved += (anchor->second->weight_bits - work.weight_bits) / 8;
      params += work.params;
      members += 1;
    }
    if (members <= 0 || phi <= 0 || saved <= 0) continue;
    const double scale = (phi / members) / (*per_byte * saved / members);  // phi B_W / (alpha (pi - p))
    const bool sizes = entry.axis == Axis::kParams;
    entry.paper_printed = sizes ? scale * entry.cell.batch : params / members / scale;
    entry.paper_rederived = sizes ? scale / entry.cell.batch : scale / (params / members);
  }
}

}  // namespace qtrap::fit
