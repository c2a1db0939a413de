// The fit file out of a report: to_fit_file() of fit_report.hpp.
#include <cmath>

#include "fit/file/file_entries.hpp"
#include "fit/file/fit_report.hpp"

namespace qtrap::fit {
namespace {

std::int64_t whole(double value) { return static_cast<std::int64_t>(value); }

std::optional<result::IntervalValue> to_value(const std::optional<Interval>& from) {
  if (!from) return std::nullopt;
  return result::IntervalValue{from->value, from->low, from->high};
}

result::Coefficient to_coefficient(const Coefficient& one) {
  return {one.name, one.unit, one.value, one.low, one.high, one.identified, one.vif, text_or_none(one.reason)};
}

std::vector<result::Coefficient> to_coefficients(const std::vector<Coefficient>& from) {
  std::vector<result::Coefficient> coefficients;
  coefficients.reserve(from.size());
  for (const Coefficient& one : from) coefficients.push_back(to_coefficient(one));
  return coefficients;
}

void fill_quantity(const Decomposition& fit, result::QuantityFit& out) {
  out.reason = text_or_none(fit.reason);
  if (!fit.ok()) return;
  const FormFit& best = fit.best();
  out.status = result::FitStatus::kOk;
  out.form = best.form;
  out.coefficients = to_coefficients(best.coefficients);
  out.rows = static_cast<std::int64_t>(fit.rows);
  out.rank = best.rank;
  out.condition_number = best.condition_number;
  out.r2 = best.r2;
  out.loo_mape = best.loo_mape;
  out.loo_mape_session = best.loo_mape_session;
  for (const SchemeResidual& one : best.residual_by_scheme) out.residual_by_scheme[one.scheme] = one.residual;
  out.configurations = static_cast<std::int64_t>(fit.configurations);
  out.sessions = static_cast<std::int64_t>(fit.sessions);
  out.confidence = fit.confidence;
  out.interval_basis = fit.interval_basis;
  out.choice = fit.choice;
  for (const FormFit& form : fit.forms) {
    out.forms.push_back({form.form, form.rank, form.condition_number, form.r2, form.loo_mape, form.loo_mape_session,
                         form.aicc, form.aicc_without_casts, to_coefficients(form.coefficients)});
  }
}

void fill_energy(const Decomposition& fit, result::EnergyFit& out) {
  fill_quantity(fit, out);
  if (!fit.ok()) return;
  out.static_power_w = fit.static_power->value_w;
  out.static_power_sd_w = std::sqrt(fit.static_power->variance_w2);
  out.sensor_gain_error = fit.sensor_gain_error;
}

template <class Entry>
Entry to_entry(const Critical& from) {
  Entry entry;
  set_crossing(from, entry);
  entry.sizes_used = from.sizes_used;
  if constexpr (requires { entry.paper_printed; }) {
    entry.paper_printed = from.paper_printed;
    entry.paper_rederived = from.paper_rederived;
  }
  if (from.crossing.low || from.crossing.high)
    entry.direction = from.crossing.dissolves ? result::Direction::kDissolves : result::Direction::kSetsIn;
  entry.log_offset = from.log_offset;
  return entry;
}

template <class Entry>
std::vector<Entry> list_critical(const std::vector<Critical>& all, Axis axis) {
  std::vector<Entry> entries;
  for (const Critical& one : all) {
    if (one.axis == axis) entries.push_back(to_entry<Entry>(one));
  }
  return entries;
}

result::VerdictEntry to_entry(const Ratio& one) {
  result::VerdictEntry entry;
  set_cell(one.cell, entry);
  entry.scheme = one.scheme;
  entry.quantity = one.quantity;
  set_ratio(one, entry);
  entry.sessions = static_cast<std::int64_t>(one.session_logs.size());
  entry.sessions_without_anchor = one.unpaired;
  return entry;
}

result::HopSlope to_entry(const HopSlope& one) {
  result::HopSlope entry;
  set_slope(one, entry);
  return entry;
}

result::OperationBound to_entry(const OperationBound& one) {
  result::OperationBound entry;
  set_cell(one.cell, entry);
  entry.batches = one.batches;
  entry.scheme = one.scheme;
  entry.unpack_operations = one.unpack_operations;
  entry.operation_budget = one.operation_budget;
  entry.predicted_bound_batch = one.predicted_bound_batch;
  entry.predicted_slower_batch = one.predicted_slower_batch;
  entry.measured_bound_low = one.measured_bound_low;
  entry.measured_bound_high = one.measured_bound_high;
  return entry;
}

result::PartShares to_shares(const Attribution& point) {
  const Parts& s = point.shares;  // in the order of Part
  return {s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], point.unexplained};
}

result::Attribution to_entry(const Attribution& point) {
  result::Attribution entry;
  const auto& s = point.separable;
  entry.point_id = point.point_id;
  entry.scheme = point.scheme;
  entry.model = point.model;
  entry.params = point.params;
  entry.batch = point.batch;
  entry.steps = point.steps;
  entry.hops = point.hops;
  entry.tokens_per_hop = point.tokens;
  entry.context_tokens = point.context;
  entry.phase = point.phase;
  entry.quantity = point.quantity;
  entry.measured = point.measured;
  entry.predicted = point.predicted;
  entry.shares = to_shares(point);
  entry.separable = {s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]};
  entry.ratio = to_value(point.ratio);
  entry.fitted_ratio = point.fitted_ratio;
  entry.verdict = point.verdict;
  entry.deciding_term = text_or_none(point.deciding_term);
  entry.deciding_kind = point.deciding_kind;
  for (const Counterfactual& one : point.counterfactuals)
    entry.counterfactuals.push_back({one.name, one.predicted, to_value(one.ratio)});
  entry.deciding_identified = point.deciding_identified;
  entry.deciding_share = to_value(point.deciding_share);
  entry.sentence = point.sentence;
  return entry;
}

result::Scaling to_entry(const Scaling& one) {
  result::Scaling entry;
  set_cell(one.cell, entry);
  entry.scheme = one.scheme;
  entry.quantity = one.quantity;
  entry.reason = text_or_none(one.reason);
  if (one.reason.empty()) {
    entry.per_layer = to_coefficient(one.per_layer);
    entry.per_param = to_coefficient(one.per_param);
    entry.layer_share = one.layer_share;
  }
  if (one.loo) entry.loo_mape = one.loo->mean;
  if (one.loo) entry.loo_max = one.loo->largest;
  if (one.ratio) entry.ratio_loo_mape = one.ratio->mean;
  if (one.ratio) entry.ratio_loo_max = one.ratio->largest;
  entry.ratio_baseline_mape = one.baseline;
  entry.sizes_used = one.sizes_used;
  return entry;
}

result::ParetoCell to_entry(const ParetoCell& cell) {
  result::ParetoCell entry{cell.device, cell.cell, cell.model, cell.batch, cell.phase, {}};
  for (const ParetoPoint& one : cell.points) {
    entry.points.push_back(
        {one.scheme, one.throughput, one.frugality, one.accuracy, one.dominated_by, one.weighted_index});
  }
  return entry;
}

void set_interval(const std::optional<Interval>& from, std::optional<double>& value, std::optional<double>& low,
                  std::optional<double>& high) {
  if (!from) return;
  value = from->value;
  low = from->low;
  high = from->high;
}

result::DeviceBalance to_entry(const Balance& one) {
  const BalanceLaw& law = one.law;
  result::DeviceBalance entry;
  set_cell(one.cell, entry);
  entry.device_type = one.device_type;
  entry.scheme = one.scheme;
  entry.reference = one.reference;
  entry.basis = one.basis;
  entry.devices = static_cast<std::int64_t>(law.devices);
  entry.vendors = static_cast<std::int64_t>(law.vendors);
  entry.flop_per_byte_least = std::exp(law.log_balance_least);
  entry.flop_per_byte_most = std::exp(law.log_balance_most);
  entry.median_ratio = law.median_ratio;
  if (law.median_interval) {
    entry.median_ratio_low = law.median_interval->low;
    entry.median_ratio_high = law.median_interval->high;
  }
  set_interval(law.rank_correlation, entry.rank_correlation, entry.rank_correlation_low, entry.rank_correlation_high);
  entry.status = law.status;
  entry.threshold = law.threshold;
  entry.low = law.low;
  entry.high = law.high;
  set_interval(law.floor_ratio, entry.floor_ratio, entry.floor_ratio_low, entry.floor_ratio_high);
  set_interval(law.cast_flop_per_byte, entry.cast_flop_per_byte, entry.cast_flop_per_byte_low,
               entry.cast_flop_per_byte_high);
  entry.law_error = law.law_error;
  entry.constant_error = law.constant_error;
  for (const LeftOutVendor& vendor : law.left_out) {
    entry.vendors_left_out.push_back(
        {vendor.vendor, static_cast<std::int64_t>(vendor.devices), vendor.law_error, vendor.constant_error});
  }
  entry.confidence = law.confidence;
  entry.reason = text_or_none(law.reason);
  return entry;
}

template <class From>
auto to_entries(const std::vector<From>& all) {
  std::vector<decltype(to_entry(all.front()))> entries;
  entries.reserve(all.size());
  for (const From& one : all) entries.push_back(to_entry(one));
  return entries;
}

void fill_paper_view(const PaperView& view, result::FitFile& file) {
  for (const PaperPoint& one : view.points) {
    if (!one.energy_tdp_j) continue;
    file.paper_view.push_back({one.point_id, one.device, one.model, one.scheme, whole(one.batch), one.phase,
                               *one.energy_tdp_j, one.energy_gross_j, one.energy_ratio_tdp, one.energy_ratio,
                               one.cor_operational, one.cor_phase});
  }
  file.paper_view_summary = {static_cast<std::int64_t>(view.compared), static_cast<std::int64_t>(view.disagreements)};
}

}  // namespace

result::FitFile to_fit_file(const FitReport& report) {
  result::FitFile file;
  file.sessions = report.sessions;
  fill_quantity(report.time, file.time);
  fill_energy(report.energy, file.energy);
  file.critical_scale = list_critical<result::CriticalScale>(report.critical, Axis::kParams);
  file.critical_batch = list_critical<result::CriticalBatch>(report.critical, Axis::kBatch);
  file.critical_hops = list_critical<result::CriticalHops>(report.critical, Axis::kHops);
  fill_paper_view(report.paper_view, file);
  const std::vector<Critical>& other = report.critical_other;
  file.critical_scale_other = list_critical<result::OtherCritical<Axis::kParams>>(other, Axis::kParams);
  file.critical_batch_other = list_critical<result::OtherCritical<Axis::kBatch>>(other, Axis::kBatch);
  file.critical_hops_other = list_critical<result::OtherCritical<Axis::kHops>>(other, Axis::kHops);
  file.seed = static_cast<std::int64_t>(report.seed);
  file.devices = report.devices;
  file.verdict_map = to_entries(report.ratios);
  file.net_energy_ratios = to_entries(report.net_ratios);
  file.hop_slopes = to_entries(report.hop_slopes);
  file.operation_bounds = to_entries(report.operation_bounds);
  file.attribution = to_entries(report.attribution);
  file.scaling = to_entries(report.scaling);
  file.pareto = to_entries(report.pareto);
  file.device_balance = to_entries(report.balances);
  return file;
}

}  // namespace qtrap::fit
