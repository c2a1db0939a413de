#include "fit/attribution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/anchor.hpp"
#include "fit/model_curve.hpp"

namespace qtrap::fit {
namespace {

using Index = Eigen::Index;

std::size_t index_of(Part part) { return static_cast<std::size_t>(part); }

Part part_of(TermKind kind) {
  switch (kind) {
    case TermKind::kBytes:
      return Part::kBytes;
    case TermKind::kMacs:
      return Part::kOperations;
    case TermKind::kCachedBytes:
      return Part::kPassBytes;
    case TermKind::kDequantize:
      return Part::kDequantize;
    case TermKind::kCast:
      return Part::kCast;
    case TermKind::kLaunch:
      return Part::kLaunches;
    case TermKind::kSync:
      break;
  }
  return Part::kSyncs;
}

/// Everything an attribution of one quantity needs.
struct Context {
  const Design* design;
  const DeviceFit* fit;
  Quantity quantity;
  Predictor predictor;
  std::map<std::pair<std::string, std::string>, std::size_t> by_cell;  // (cell, scheme) -> configuration

  const Decomposition& decomposition() const { return quantity == Quantity::kTime ? fit->time : fit->energy; }
  const Workload& work(std::size_t c) const { return design->configurations[c].work; }
  Eigen::VectorXd counts(std::size_t c) const { return design->counts.row(static_cast<Index>(c)).transpose(); }
  std::optional<std::size_t> find(const std::string& cell, const std::string& scheme) const {
    const auto place = by_cell.find({cell, scheme});
    return place == by_cell.end() ? std::nullopt : std::optional(place->second);
  }
};

/// Share of a configuration's bytes that its format needs; 1 without an anchor to compare with.
double format_share(const Context& context, std::size_t c) {
  const Workload& work = context.work(c);
  const auto anchor = context.find(work.cell, kAnchor);
  if (!anchor || work.counts.bytes <= 0) return 1;
  const double saved = work.params_step * work.steps * (16 - work.weight_bits) / 8;
  const double needed = std::max(0.0, context.work(*anchor).counts.bytes - saved);
  return std::min(1.0, needed / work.counts.bytes);
}

/// The costs of one fit: of all sessions, of one, or of a replicate.
struct Costs {
  Eigen::VectorXd time, energy;  ///< energy: empty for Quantity::kTime
  double static_w = 0;
};

Costs mean_costs(const Context& context) {
  if (context.quantity == Quantity::kTime) return {context.fit->time.best().beta, {}, 0};
  const Decomposition& energy = context.fit->energy;
  return {context.fit->time.best().beta, energy.best().beta, energy.static_power->value_w};
}

/// Those of each session, or of each replicate. Time keeps its mean fit where energy has another number of them.
std::vector<Costs> list_costs(const Context& context, bool replicates) {
  const auto betas = [replicates](const Decomposition& fit) -> const Eigen::MatrixXd& {
    return replicates ? fit.best().replicate_betas : fit.best().session_betas;
  };
  const Eigen::MatrixXd& own = betas(context.decomposition());
  const Eigen::MatrixXd& time = betas(context.fit->time);
  std::vector<Costs> all;
  for (Index i = 0; i < own.rows(); ++i) {
    Costs costs = mean_costs(context);
    if (time.rows() == own.rows()) costs.time = time.row(i).transpose();
    if (context.quantity == Quantity::kEnergy) {
      costs.energy = own.row(i).transpose();
      if (replicates) costs.static_w = context.fit->energy.best().replicate_static_w[i];
    }
    all.push_back(std::move(costs));
  }
  return all;
}

Parts split_terms(const Context& context, const Decomposition& fit, const Eigen::VectorXd& beta, std::size_t c) {
  Parts parts{};
  const Eigen::VectorXd counts = context.counts(c);
  for (std::size_t j = 0; j < fit.terms.size(); ++j) {
    const auto i = static_cast<Index>(j);
    parts[index_of(part_of(fit.terms[j].kind))] += counts[i] * beta[i];
  }
  double& bytes = parts[index_of(Part::kBytes)];
  double& operations = parts[index_of(Part::kOperations)];
  if (fit.best().form == Form::kRoofline) (bytes >= operations ? operations : bytes) = 0;
  const double needed = bytes * format_share(context, c);
  parts[index_of(Part::kPassBytes)] += bytes - needed;
  bytes = needed;
  return parts;
}

/// Parts of the quantity; for energy the static part stands alone.
Parts compute_parts(const Context& context, const Costs& costs, std::size_t c) {
  const bool energy = context.quantity == Quantity::kEnergy;
  Parts parts = split_terms(context, context.decomposition(), energy ? costs.energy : costs.time, c);
  if (energy) {
    const double time_s =
        compute_prediction(context.fit->time.best().form, context.fit->time.terms, context.counts(c), costs.time);
    parts[index_of(Part::kStatic)] = costs.static_w * time_s;
  }
  return parts;
}

/// Parts with static energy shared out over the terms that take the time.
Parts compute_causes(const Context& context, const Costs& costs, std::size_t c) {
  Parts parts = compute_parts(context, costs, c);
  double& idle = parts[index_of(Part::kStatic)];
  if (idle <= 0) return parts;
  const Parts time = split_terms(context, context.fit->time, costs.time, c);
  double total = 0;
  for (const double part : time) total += part;
  for (std::size_t i = 0; i < kPartCount && total > 0; ++i) {
    if (i != index_of(Part::kStatic)) parts[i] += idle * time[i] / total;
  }
  idle = 0;
  return parts;
}

struct Cause {
  Part part;
  const char* term;
  DecidingKind kind;
  double difference;  ///< to the anchor, over the anchor's cost
};

/// Candidates for what decides a ratio, by their difference to the anchor. Pass bytes belong to the pass that
/// causes them: the dequantization where there is one, else the casts and quantizations.
std::vector<Cause> compare_causes(const Context& context, const Costs& costs, std::size_t c, std::size_t anchor) {
  const Parts above = compute_causes(context, costs, c);
  const Parts below = compute_causes(context, costs, anchor);
  const double whole = std::accumulate(below.begin(), below.end(), 0.0);
  const auto difference = [&](Part part) { return (above[index_of(part)] - below[index_of(part)]) / whole; };
  const bool dequantizes = context.work(c).counts.dequantized_weights > 0;
  const double scratch = difference(Part::kPassBytes);
  return {{Part::kBytes, "bytes", DecidingKind::kPhysics, difference(Part::kBytes)},
          {Part::kOperations, "operations", DecidingKind::kPhysics, difference(Part::kOperations)},
          {Part::kDequantize, "dequantize pass", DecidingKind::kPath,
           difference(Part::kDequantize) + (dequantizes ? scratch : 0)},
          {Part::kCast, "cast passes", DecidingKind::kPath, difference(Part::kCast) + (dequantizes ? 0 : scratch)},
          {Part::kLaunches, "launches", DecidingKind::kPath, difference(Part::kLaunches)},
          {Part::kSyncs, "host syncs", DecidingKind::kPath, difference(Part::kSyncs)}};
}

void decide(const Context& context, std::size_t c, std::size_t anchor, Attribution& result) {
  if (result.verdict != Verdict::kTrap && result.verdict != Verdict::kNoTrap) return;
  const double sign = result.verdict == Verdict::kTrap ? 1 : -1;
  if (!result.fitted_ratio || sign * std::log(*result.fitted_ratio) <= 0) return;
  const std::vector<Cause> causes = compare_causes(context, mean_costs(context), c, anchor);
  const auto largest = std::max_element(causes.begin(), causes.end(), [sign](const Cause& a, const Cause& b) {
    return sign * a.difference < sign * b.difference;
  });
  if (sign * largest->difference <= 0) return;
  result.deciding_term = largest->term;
  result.deciding_kind = largest->kind;
  result.deciding_identified = result.separable[index_of(largest->part)];
  if (!result.deciding_identified) return;
  const auto place = static_cast<std::size_t>(largest - causes.begin());
  const auto shares = [&](bool replicates) {
    std::vector<double> values;
    for (const Costs& costs : list_costs(context, replicates))
      values.push_back(compare_causes(context, costs, c, anchor)[place].difference);
    return values;
  };
  const std::vector<double> sessions = shares(false);
  result.deciding_share =
      SpreadRule(sessions.size(), context.decomposition().confidence).combine(sessions, shares(true));
}

Counterfactual suppose(const Context& context, std::string name, const Eigen::VectorXd& scheme,
                       const std::optional<Eigen::VectorXd>& anchor) {
  Counterfactual made{std::move(name), context.predictor.predict(scheme), std::nullopt};
  const auto log_ratio = anchor ? context.predictor.predict_log_ratio({scheme, *anchor}) : std::nullopt;
  if (log_ratio) made.ratio = Interval{std::exp(log_ratio->value), std::exp(log_ratio->low), std::exp(log_ratio->high)};
  return made;
}

/// Whether `other` multiplies the same numbers, with the passes inside the matmul.
bool is_fused_twin(const Workload& other, const Workload& split) {
  return split.path == KernelPath::kSplit && other.path == KernelPath::kFused && other.cell == split.cell &&
         other.weight_format == split.weight_format && other.weight_bits == split.weight_bits &&
         other.activation_bits == split.activation_bits;
}

/// The counts with its passes inside the matmul: the fused twin's where it was measured, else without pass
/// bytes, dequantization, casts and extra launches.
Eigen::VectorXd fuse_counts(const Context& context, std::size_t c, std::size_t anchor) {
  for (std::size_t other = 0; other < context.design->configurations.size(); ++other) {
    if (is_fused_twin(context.work(other), context.work(c))) return context.counts(other);
  }
  Eigen::VectorXd counts = context.counts(c);
  for (std::size_t j = 0; j < context.design->terms.size(); ++j) {
    const auto i = static_cast<Index>(j);
    const TermKind kind = context.design->terms[j].kind;
    if (kind == TermKind::kBytes) counts[i] *= format_share(context, c);
    if (kind == TermKind::kDequantize || kind == TermKind::kCast) counts[i] = 0;
    if (kind == TermKind::kCachedBytes) counts[i] = std::min(counts[i], context.counts(anchor)[i]);
    if (kind == TermKind::kLaunch) counts[i] = std::min(counts[i], context.counts(anchor)[i]);
  }
  return counts;
}

Eigen::VectorXd without_launches(const Context& context, Eigen::VectorXd counts) {
  for (std::size_t j = 0; j < context.design->terms.size(); ++j) {
    if (context.design->terms[j].kind == TermKind::kLaunch) counts[static_cast<Index>(j)] = 0;
  }
  return counts;
}

std::vector<Counterfactual> make_counterfactuals(const Context& context, std::size_t c,
                                                 std::optional<std::size_t> anchor) {
  std::vector<Counterfactual> made;
  const Workload& work = context.work(c);
  const auto anchor_counts = anchor ? std::optional(context.counts(*anchor)) : std::nullopt;
  const Eigen::VectorXd free = without_launches(context, context.counts(c));
  made.push_back(suppose(context, "zero_launch_cost", free,
                         anchor ? std::optional(without_launches(context, *anchor_counts)) : std::nullopt));
  if (anchor && *anchor != c)
    made.push_back(suppose(context, "fused", fuse_counts(context, c, *anchor), anchor_counts));
  for (std::size_t other = 0; other < context.design->configurations.size(); ++other) {
    const Workload& twin = context.work(other);
    if (twin.scheme != work.scheme || twin.model != work.model || twin.steps != work.steps) continue;
    if (twin.batch == work.batch) continue;
    const auto below = context.find(twin.cell, kAnchor);
    made.push_back(suppose(context, fmt::format("batch_{:g}", twin.batch), context.counts(other),
                           below ? std::optional(context.counts(*below)) : std::nullopt));
  }
  return made;
}

std::string describe(const Attribution& point) {
  const std::string quantity = to_string(point.quantity);
  std::string text = fmt::format("{} of {} at batch {:g}, {:g}×{:g}: ", point.scheme, point.model, point.batch,
                                 point.hops, point.tokens);
  if (point.scheme == kAnchor) return text + "the anchor";
  if (!point.ratio) return text + fmt::format("no {} ratio to f16", quantity);
  text += fmt::format("{} {} ({} of f16)", quantity, to_words(point.verdict),
                      judge::format_ratio(point.ratio->value, point.ratio->low, point.ratio->high));
  const bool decided = point.verdict == Verdict::kTrap || point.verdict == Verdict::kNoTrap;
  if (decided && point.fitted_ratio) text += fmt::format("; fitted {:.2f}", *point.fitted_ratio);
  if (decided && !point.deciding_kind) text += ": the fit does not bear it out, so no term is named";
  if (!point.deciding_kind) return text;
  text += fmt::format("; decided by {} ({})", point.deciding_term, to_string(*point.deciding_kind));
  if (!point.deciding_share) return text + ", a cost these windows do not tell apart from others";
  const Interval& share = *point.deciding_share;
  return text +
         fmt::format(": {:+.1f} % [{:+.1f}, {:+.1f}] of f16", 100 * share.value, 100 * share.low, 100 * share.high);
}

std::optional<double> mean_measured(const Context& context, std::size_t c) {
  std::vector<double> values;
  for (const Cell& cell : context.design->cells) {
    if (cell.configuration != c) continue;
    if (context.quantity == Quantity::kTime) values.push_back(cell.time_s);
    if (context.quantity == Quantity::kEnergy && cell.energy_j) values.push_back(*cell.energy_j);
  }
  return values.empty() ? std::nullopt : std::optional(compute_mean(values));
}

void set_shares(const Context& context, std::size_t c, Attribution& result) {
  const Parts parts = compute_parts(context, mean_costs(context), c);
  result.unexplained = 1;
  for (std::size_t i = 0; i < kPartCount; ++i) {
    result.shares[i] = parts[i] / result.measured;
    result.unexplained -= result.shares[i];
    result.predicted += parts[i];
  }
  result.separable.fill(true);
  const Decomposition& fit = context.decomposition();
  for (std::size_t j = 0; j < fit.terms.size(); ++j) {
    if (fit.best().coefficients[j].identified || context.counts(c)[static_cast<Index>(j)] <= 0) continue;
    const Part part = part_of(fit.terms[j].kind);
    result.separable[index_of(part)] = false;
    if (part == Part::kBytes) result.separable[index_of(Part::kPassBytes)] = false;
  }
}

void set_ratio(std::span<const Ratio> ratios, const Workload& work, Attribution& result) {
  const judge::CellKey cell = cell_of(work);
  for (const Ratio& ratio : ratios) {
    if (ratio.scheme != result.scheme || ratio.cell != cell || ratio.quantity != result.quantity || !ratio.interval)
      continue;
    result.ratio = Interval{std::exp(ratio.log_ratio), std::exp(ratio.interval->low), std::exp(ratio.interval->high)};
    result.verdict = ratio.verdict;
  }
}

}  // namespace

std::vector<Attribution> attribute(const Design& design, const DeviceFit& fit, Quantity quantity,
                                   std::span<const Ratio> ratios) {
  if (!fit.time.ok() || (quantity == Quantity::kEnergy && !fit.energy.ok())) return {};
  Context context{&design, &fit, quantity, Predictor(fit.time, &fit.energy, quantity), {}};
  for (std::size_t c = 0; c < design.configurations.size(); ++c) {
    context.by_cell[{context.work(c).cell, context.work(c).scheme}] = c;
  }
  std::vector<Attribution> all;
  for (std::size_t c = 0; c < design.configurations.size(); ++c) {
    const auto measured = mean_measured(context, c);
    if (design.configurations[c].probe || !measured) continue;
    const Workload& work = context.work(c);
    Attribution result;
    result.point_id = work.point_id;
    result.device = fit.device;
    result.scheme = work.scheme;
    result.model = work.model;
    result.params = work.params;
    result.batch = work.batch;
    result.steps = work.steps;
    result.hops = work.hops;
    result.tokens = work.tokens;
    result.context = work.context;
    result.phase = work.phase;
    result.quantity = quantity;
    result.measured = *measured;
    set_shares(context, c, result);
    set_ratio(ratios, work, result);
    const auto anchor = context.find(work.cell, kAnchor);
    if (anchor && *anchor != c) {
      const auto fitted = context.predictor.predict_log_ratio({context.counts(c), context.counts(*anchor)});
      if (fitted) result.fitted_ratio = std::exp(fitted->value);
      decide(context, c, *anchor, result);
    }
    result.counterfactuals = make_counterfactuals(context, c, anchor);
    result.sentence = describe(result);
    all.push_back(std::move(result));
  }
  return all;
}

}  // namespace qtrap::fit
