#include "fit/critical.hpp"

#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "fit/model_curve.hpp"

namespace qtrap::fit {
namespace {

using Index = Eigen::Index;

constexpr double kGridStep = 1.0 / 8;  // of the fitted curve, in doublings of the size
constexpr const char* kAnchor = "f16";

/// Counts per step of a scheme and its anchor at one size.
struct Twins {
  Eigen::VectorXd scheme, anchor;
  double steps = 0;
};

/// What stays fixed along an axis: (scheme, model or empty, batch or 1).
using GroupKey = std::tuple<std::string, std::string, double>;
using Family = std::map<GroupKey, std::map<double, Twins>>;

GroupKey key_of(const std::string& scheme, const std::string& model, double batch, Axis axis) {
  return axis == Axis::kParams ? GroupKey{scheme, "", batch} : GroupKey{scheme, model, 1.0};
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
    Twins& twins =
        family[key_of(work.scheme, work.model, work.batch, axis)][axis == Axis::kParams ? work.params : work.batch];
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

void append_point(Curve& curve, double size, const Interval& ratio) {
  curve.sizes.push_back(size);
  curve.log_ratio.push_back(ratio.value);
  curve.low.push_back(ratio.low);
  curve.high.push_back(ratio.high);
}

Curve predict_curve(const Predictor& predictor, const std::map<double, Twins>& sizes) {
  Curve curve;
  const auto positive = [&](const Eigen::VectorXd& counts) { return predictor.predict(counts) > 0; };
  for (auto place = sizes.begin(); place != sizes.end(); ++place) {
    const auto next = std::next(place);
    const double span = next == sizes.end() ? 0 : std::log2(next->first / place->first);
    const int pieces = std::max(1, static_cast<int>(std::ceil(span / kGridStep)));
    for (int piece = 0; piece < (next == sizes.end() ? 1 : pieces); ++piece) {
      const double t = static_cast<double>(piece) / pieces;
      const Twins& left = place->second;
      const Twins& right = next == sizes.end() ? left : next->second;
      const Eigen::VectorXd scheme = interpolate_counts(left.scheme, left.steps, right.scheme, right.steps, t);
      const Eigen::VectorXd anchor = interpolate_counts(left.anchor, left.steps, right.anchor, right.steps, t);
      if (!positive(scheme) || !positive(anchor)) continue;
      append_point(curve, place->first * std::exp2(span * t), predictor.predict_log_ratio(scheme, anchor));
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

const char* to_string(CriticalStatus status) {
  switch (status) {
    case CriticalStatus::kFound:
      return "found";
    case CriticalStatus::kTrappedEverywhere:
      return "trapped_everywhere";
    case CriticalStatus::kNeverTrapped:
      return "never_trapped";
    case CriticalStatus::kNotIdentified:
      break;
  }
  return "not_identified";
}

const char* to_string(CriticalMethod method) {
  return method == CriticalMethod::kInterpolated ? "interpolated" : "fitted";
}

std::vector<Critical> interpolate_critical(std::span<const Ratio> ratios, Axis axis) {
  std::map<std::pair<std::string, GroupKey>, std::map<double, const Ratio*>> groups;
  for (const Ratio& ratio : ratios) {
    groups[{ratio.device, key_of(ratio.scheme, ratio.model, ratio.batch, axis)}]
          [axis == Axis::kParams ? ratio.params : ratio.batch] = &ratio;
  }
  std::vector<Critical> entries;
  for (const auto& [key, sizes] : groups) {
    Critical entry;
    entry.axis = axis;
    entry.device = key.first;
    std::tie(entry.scheme, entry.model, entry.batch) = key.second;
    entry.quantity = sizes.begin()->second->quantity;
    Curve curve;
    bool intervals = true;
    for (const auto& [size, ratio] : sizes) {
      entry.sizes_used.push_back(size);
      entry.interval_basis = ratio->basis;
      intervals = intervals && ratio->interval.has_value();
      append_point(curve, size, ratio->interval.value_or(Interval{ratio->log_ratio, 0, 0}));
    }
    if (!intervals) {
      curve.low.clear();
      curve.high.clear();
      entry.interval_basis = "bracket";
    }
    entry.crossing = find_crossing(curve);
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<Critical> fit_critical(const DeviceFit& fit, std::span<const Workload> family, Quantity quantity,
                                   Axis axis) {
  if (!fit.time.ok() || (quantity == Quantity::kEnergy && !fit.energy.ok())) return {};
  const Predictor predictor(fit.time, &fit.energy, quantity);
  std::vector<Critical> entries;
  for (const auto& [key, sizes] : make_family(predictor.terms(), family, axis)) {
    Critical entry;
    entry.axis = axis;
    entry.device = fit.device;
    std::tie(entry.scheme, entry.model, entry.batch) = key;
    entry.quantity = quantity;
    entry.method = CriticalMethod::kFitted;
    entry.interval_basis = (quantity == Quantity::kTime ? fit.time : fit.energy).interval_basis;
    for (const auto& [size, twins] : sizes) entry.sizes_used.push_back(size);
    entry.crossing = find_crossing(predict_curve(predictor, sizes));
    entries.push_back(std::move(entry));
  }
  return entries;
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
    if (entry.quantity != Quantity::kTime) continue;
    double phi = 0;
    double saved = 0;
    double params = 0;
    double members = 0;
    for (const Workload& work : family) {
      const auto anchor = anchors.find(work.cell);
      const bool same = work.scheme == entry.scheme &&
                        (entry.axis == Axis::kParams ? work.batch == entry.batch : work.model == entry.model);
      if (!same || anchor == anchors.end()) continue;
      phi += *per_launch * (work.counts.launches - anchor->second->counts.launches) / work.steps;
      saved += (anchor->second->weight_bits - work.weight_bits) / 8;
      params += work.params;
      members += 1;
    }
    if (members <= 0 || phi <= 0 || saved <= 0) continue;
    const double scale = (phi / members) / (*per_byte * saved / members);  // phi B_W / (alpha (pi - p))
    const bool sizes = entry.axis == Axis::kParams;
    entry.paper_printed = sizes ? scale * entry.batch : params / members / scale;
    entry.paper_rederived = sizes ? scale / entry.batch : scale / (params / members);
  }
}

}  // namespace qtrap::fit
