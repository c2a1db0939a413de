#include "fit/file/fit_report.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <tuple>

#include "fit/result_rows.hpp"

namespace qtrap::fit {
namespace {

using EntryKey = std::tuple<judge::CellKey, std::string, Quantity>;

EntryKey key_of(const Critical& entry) { return {entry.cell, entry.scheme, entry.quantity}; }

/// Sorts the two methods' entries into the one that counts and the other: interpolation needs no model, so it
/// counts unless it identifies nothing and the fit does.
void choose_entries(std::vector<Critical> interpolated, std::vector<Critical> fitted, std::vector<Critical>& chosen,
                    std::vector<Critical>& other) {
  std::map<EntryKey, Critical> by_key;
  for (Critical& entry : fitted) by_key[key_of(entry)] = std::move(entry);
  for (Critical& entry : interpolated) {
    const auto twin = by_key.find(key_of(entry));
    if (twin == by_key.end()) {
      chosen.push_back(std::move(entry));
      continue;
    }
    const bool take_fitted = entry.crossing.status == CriticalStatus::kNotIdentified &&
                             twin->second.crossing.status != CriticalStatus::kNotIdentified;
    other.push_back(take_fitted ? entry : twin->second);
    chosen.push_back(take_fitted ? std::move(twin->second) : std::move(entry));
    by_key.erase(twin);
  }
  for (auto& [key, entry] : by_key) chosen.push_back(std::move(entry));
}

Decomposition refuse(Quantity quantity, std::string reason) {
  Decomposition fit;
  fit.quantity = quantity;
  fit.reason = std::move(reason);
  return fit;
}

void add_critical(const DeviceFit& fit, std::span<const Ratio> ratios, std::span<const Workload> family,
                  Quantity quantity, Axis axis, FitReport& report) {
  std::vector<Ratio> sized;  // a kernel of no model has no parameters
  std::copy_if(ratios.begin(), ratios.end(), std::back_inserter(sized),
               [axis](const Ratio& one) { return axis != Axis::kParams || one.cell.params > 0; });
  std::vector<Critical> interpolated = interpolate_critical(sized, axis);
  std::vector<Critical> fitted = fit_critical(fit, family, ratios, quantity, axis);
  refuse_contradicted(ratios, fitted);
  add_paper_forms(fit.time, family, interpolated);
  add_paper_forms(fit.time, family, fitted);
  choose_entries(std::move(interpolated), std::move(fitted), report.critical, report.critical_other);
}

void add_quantity(const std::optional<Design>& design, std::span<const Row> rows, std::span<const Workload> family,
                  Quantity quantity, const judge::Options& options, FitReport& report) {
  const DeviceFit fit{report.devices.front(), report.time, report.energy};
  const std::vector<Ratio> ratios = compute_ratios(rows, quantity, options);
  for (const Axis axis : kAxes) {
    if (!ratios.empty()) add_critical(fit, ratios, family, quantity, axis, report);
  }
  for (const judge::Anchorless& one : judge::find_anchorless(observe(rows, quantity)))
    report.anchorless.emplace_back(quantity, one);
  const std::vector<HopSlope> slopes = compute_hop_slopes(ratios, options.confidence);
  report.hop_slopes.insert(report.hop_slopes.end(), slopes.begin(), slopes.end());
  if (design) {
    std::vector<Attribution> points = attribute(*design, fit, quantity, ratios);
    std::move(points.begin(), points.end(), std::back_inserter(report.attribution));
  }
  report.ratios.insert(report.ratios.end(), ratios.begin(), ratios.end());
}

/// What costs are fitted to: nothing that was disturbed or published elsewhere.
std::vector<Row> select_sound(std::span<const Row> rows) {
  std::vector<Row> sound;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(sound),
               [](const Row& row) { return !row.flagged && !row.foreign; });
  return sound;
}

bool is_decode(const Row& row) { return row.workload.phase == result::Phase::kDecode; }

/// Those of decode: counts are of its passes, and a prefill's costs are others.
std::vector<Row> select_decode(std::span<const Row> rows) {
  std::vector<Row> decode;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(decode), is_decode);
  return decode;
}

/// Why no costs can be fitted; empty where they can.
std::string find_refusal(std::span<const Row> all, std::span<const Row> sound, std::span<const Row> decode,
                         std::size_t devices) {
  const auto has_time = [](const Row& row) { return row.time_s.has_value(); };
  if (devices > 1) return "more than one device: costs belong to a device, fit each alone";
  if (std::any_of(decode.begin(), decode.end(), has_time)) return {};
  if (sound.empty()) return "no measured window without a flag";
  const auto is_flagged_decode = [&](const Row& row) { return is_decode(row) && row.flagged && has_time(row); };
  if (std::any_of(all.begin(), all.end(), is_flagged_decode)) return "no window of decode without a flag";
  return std::any_of(sound.begin(), sound.end(), has_time) ? "only prefill has a time: costs are those of decode"
                                                           : "no window has a time";
}

Result<FitReport> make_report(std::span<const Row> all, const ReportOptions& options,
                              const std::map<std::string, double>& cor_phase) {
  const std::vector<Row> rows = select_sound(all);
  FitReport report;
  report.seed = options.fit.seed;
  std::map<std::string, std::vector<Row>> by_device;
  for (const Row& row : all) by_device[row.workload.device].push_back(row);
  if (all.empty()) return make_design(rows).error();
  for (const auto& [device, own] : by_device) {
    if (find_defect(own)) return make_design(own).error();
    report.devices.push_back(device);
  }
  std::optional<Design> design;
  const std::vector<Row> decode = select_decode(rows);
  const std::string reason = find_refusal(all, rows, decode, report.devices.size());
  if (!reason.empty()) {
    report.time = refuse(Quantity::kTime, reason);
    report.energy = refuse(Quantity::kEnergy, reason);
  } else {
    design = make_design(decode).value();
    report.time = decompose(*design, Quantity::kTime, options.fit);
    report.energy = decompose(*design, Quantity::kEnergy, options.fit);
  }
  std::vector<Workload> family = options.family;
  if (design) {
    for (const Configuration& configuration : design->configurations) family.push_back(configuration.work);
  }
  judge::Options judging;
  judging.confidence = options.ratio_confidence.value_or(options.fit.confidence);
  judging.no_effect_margin = options.no_effect_margin.value_or(judging.no_effect_margin);
  for (const Quantity quantity : {Quantity::kTime, Quantity::kEnergy}) {
    add_quantity(design, all, family, quantity, judging, report);
    const std::vector<Scaling> scaling = fit_scaling(rows, quantity, options.fit.confidence);
    report.scaling.insert(report.scaling.end(), scaling.begin(), scaling.end());
  }
  report.net_ratios = compute_net_ratios(all, judging);
  report.paper_view = compare_with_paper(rows, options.tdp_w, cor_phase);
  report.pareto = compare_schemes(rows, options.accuracy, options.weights);
  report.balances = fit_balances(all, options.balances,
                                 {options.fit.seed, options.fit.replicates, options.fit.threads, options.fit.confidence,
                                  judging.no_effect_margin});
  return report;
}

/// Points of different workloads on one device cannot share costs.
std::optional<Error> find_mixture(std::span<const result::ResultFile> files) {
  std::map<std::string, result::Workload> workloads;
  for (const result::ResultFile& file : files) {
    for (const result::PointRecord& point : file.points) {
      const auto [known, inserted] = workloads.try_emplace(point.device_id.value_or(""), point.workload);
      if (inserted || known->second == point.workload) continue;
      return usage_error("one device comes with different workloads",
                         known->first + ": " + to_string(known->second) + ", " + to_string(point.workload),
                         "fit these files apart");
    }
  }
  return std::nullopt;
}

/// The margin that the points of all files were judged by; none where they do not say.
Result<std::optional<double>> find_margin(std::span<const result::ResultFile> files) {
  std::optional<double> margin;
  for (const result::ResultFile& file : files) {
    for (const result::PointRecord& point : file.points) {
      if (!point.no_effect_margin) continue;
      if (margin && *margin != *point.no_effect_margin)
        return usage_error("the files were judged by different no_effect_margin",
                           std::to_string(*margin) + ", " + std::to_string(*point.no_effect_margin),
                           "choose one with --no-effect-margin");
      margin = point.no_effect_margin;
    }
  }
  return margin;
}

/// Runs that were looked at until they decided spend their error over looks and ratios: judged as any other file, they
/// would show what they did not find.
std::optional<double> find_confidence(std::span<const result::ResultFile> files) {
  std::optional<double> strictest;
  for (const result::ResultFile& file : files) {
    for (const result::PointRecord& point : file.points) {
      if (point.ratio_confidence) strictest = std::max(strictest.value_or(0), *point.ratio_confidence);
    }
  }
  return strictest;
}

/// exp(-KL divergence) of the files' losses: the mean factor by which a token is less likely than f16 says.
std::map<std::pair<std::string, std::string>, double> find_accuracies(std::span<const result::ResultFile> files) {
  std::map<std::pair<std::string, std::string>, double> accuracies;
  for (const result::ResultFile& file : files) {
    for (const result::QualityRecord& quality : file.qualities) {
      if (quality.kl_nats_per_token)
        accuracies[{quality.model, quality.scheme}] = std::exp(-*quality.kl_nats_per_token);
    }
  }
  return accuracies;
}

}  // namespace

Result<FitReport> make_fit_report(std::span<const Row> rows, const ReportOptions& options) {
  return make_report(rows, options, {});
}

Result<FitReport> make_fit_report(std::span<const result::ResultFile> files, const ReportOptions& options) {
  if (const auto mixture = find_mixture(files)) return *mixture;
  const std::vector<Row> rows = rows_from_results(files);
  ReportOptions completed = options;
  if (!completed.no_effect_margin) {
    const auto margin = find_margin(files);
    if (!margin) return margin.error();
    completed.no_effect_margin = margin.value();
  }
  if (completed.accuracy.empty()) completed.accuracy = find_accuracies(files);
  if (completed.balances.empty()) completed.balances = balances_from_results(files);
  if (!completed.ratio_confidence) completed.ratio_confidence = find_confidence(files);
  if (!completed.fit.static_power && !rows.empty()) {
    completed.fit.static_power = estimate_static_power(files, rows.front().workload.device);
  }
  std::map<std::string, double> cor_phase;
  std::set<std::string> sessions;
  std::vector<result::PointRecord> points;
  for (const result::ResultFile& file : files) {
    points.insert(points.end(), file.points.begin(), file.points.end());
    for (const result::PointRecord& point : file.points) {
      if (point.cor_phase) cor_phase[point.point_id] = *point.cor_phase;
    }
    for (const result::SessionRecord& session : file.sessions) sessions.insert(session.session_id);
  }
  auto report = make_report(rows, completed, cor_phase);
  if (!report) return report;
  report.value().sessions.assign(sessions.begin(), sessions.end());
  report.value().operation_bounds = find_operation_bounds(points);
  return report;
}

}  // namespace qtrap::fit
