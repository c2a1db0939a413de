#include "fit/result_rows.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "core/anchor.hpp"
#include "core/statistics.hpp"
#include "fit/legacy_schemes.hpp"
#include "judge/point_cell.hpp"

namespace qtrap::fit {
namespace {

constexpr std::string_view kMacProbe = "macs_";
/// Class of a coefficient: kernels differ by the class that the record names and by tokens in lockstep.
std::string precision_of(const std::optional<std::string>& mac_class, const std::string& scheme,
                         const std::string& tokens) {
  return (mac_class ? *mac_class : find_legacy_scheme(scheme).mac_class) + "_b" + tokens;
}

/// `precision`: class of the multiply-adds but for those of the head, `tokens` in lockstep.
Counts scale_counts(const result::TrialRecord& trial, const std::string& precision, const std::string& tokens = {}) {
  const double chains = static_cast<double>(std::max<std::int64_t>(trial.repetitions, 1));
  Counts counts;
  counts.bytes = static_cast<double>(trial.bytes - trial.cached_bytes) / chains;
  counts.cached_bytes = static_cast<double>(trial.cached_bytes) / chains;
  const double head_macs = trial.head_mac_class ? static_cast<double>(trial.head_macs.value_or(0)) : 0;
  if (static_cast<double>(trial.macs) > head_macs)
    counts.macs.push_back({precision, (static_cast<double>(trial.macs) - head_macs) / chains});
  if (head_macs > 0) counts.macs.push_back({precision_of(trial.head_mac_class, {}, tokens), head_macs / chains});
  counts.dequantized_weights = static_cast<double>(trial.dequantized_weights) / chains;
  counts.cast_elements = static_cast<double>(trial.cast_elements) / chains;
  counts.launches = static_cast<double>(trial.launches) / chains;
  counts.syncs = static_cast<double>(trial.syncs) / chains;
  counts.quantized_elements = static_cast<double>(trial.quantized_elements.value_or(0)) / chains;
  counts.weight_launches = static_cast<double>(trial.weight_launches.value_or(0)) / chains;
  return counts;
}

/// That of the probe "macs_<scheme>@<tokens>"; its own name for another.
std::string probe_precision(const result::TrialRecord& trial, const std::string& name) {
  const auto at = name.find('@');
  return at == std::string::npos ? name : precision_of(trial.mac_class, name.substr(0, at), name.substr(at + 1));
}

Workload probe_work(const result::TrialRecord& trial) {
  const std::string phase = trial.phase.value_or("probe");
  const bool macs = phase.starts_with(kMacProbe);
  Workload work;
  work.counts = scale_counts(trial, macs ? probe_precision(trial, phase.substr(kMacProbe.size())) : "none");
  // Sizes of one probe are told apart by their counts: probe windows have no point.
  work.point_id.assign("probe/").append(phase);
  for (const double count :
       {work.counts.bytes + work.counts.cached_bytes, work.counts.macs.empty() ? 0 : work.counts.macs.front().count,
        work.counts.dequantized_weights, work.counts.cast_elements, work.counts.launches, work.counts.syncs}) {
    work.point_id.append("/").append(std::to_string(std::llround(count)));
  }
  work.cell = work.point_id;
  return work;
}

Workload shape_work(const result::PointRecord& point) {
  Workload work;
  work.point_id = point.point_id;
  work.cell = point.cell_id;
  work.scheme = point.scheme;
  work.model = point.model;
  work.family = point.model_family.value_or("");
  work.batch = static_cast<double>(point.batch);
  work.layers = static_cast<double>(point.layers.value_or(0));
  work.params = static_cast<double>(point.params);
  work.params_step = static_cast<double>(point.params_step.value_or(point.params));
  work.weight_bits = static_cast<double>(point.weight_bits);
  work.activation_bits = static_cast<double>(point.activation_bits);
  work.weight_format = point.weight_format ? *point.weight_format : find_legacy_scheme(point.scheme).weight_format;
  work.path = point.path.value_or(KernelPath::kNone);
  work.steps = static_cast<double>(point.hops * (point.phase == result::Phase::kPrefill ? 1 : point.tokens_per_hop));
  work.hops = static_cast<double>(point.hops);
  work.tokens = static_cast<double>(point.tokens_per_hop);
  work.context = static_cast<double>(point.context_tokens);
  work.phase = point.phase;
  return work;
}

Workload point_work(const result::TrialRecord& trial, const result::PointRecord& point) {
  Workload work = shape_work(point);
  // Time and counts are of the layers that were run, and so are the layers and what a step reads of them.
  if (trial.layers && point.layers && *point.layers > 0) {
    work.params_step *= static_cast<double>(*trial.layers) / work.layers;
    work.layers = static_cast<double>(*trial.layers);
  }
  const std::string tokens = std::to_string(point.batch);
  work.counts = scale_counts(trial, precision_of(point.mac_class, point.scheme, tokens), tokens);
  return work;
}

template <class Record>
bool was_measured(const Record& record) {
  return record.energy_status == EnergyStatus::kOk && record.energy_gross_j.value_or(0) > 0 &&
         (!record.energy_method || result::is_read_by_sensor(*record.energy_method));
}

using PointsById = std::map<std::string, const result::PointRecord*>;

/// Energies by counter and by integrated power differ by the sensor's gain and must not meet in one ratio: those of the
/// method that the point and its anchor were pooled by count.
bool shares_method(const result::TrialRecord& trial, const result::PointRecord& point, const PointsById& points) {
  if (trial.energy_method != point.energy_method) return false;
  return std::none_of(points.begin(), points.end(), [&](const auto& other) {
    return other.second->cell_id == point.cell_id && other.second->scheme == kAnchor &&
           other.second->energy_method != point.energy_method;
  });
}

/// Numbers sessions in the order in which files name them.
class SessionNumbers {
 public:
  int number(const std::string& session_id) {
    return numbers_.try_emplace(session_id, static_cast<int>(numbers_.size())).first->second;
  }

 private:
  std::map<std::string, int> numbers_;
};

void append_rows(const result::ResultFile& file, SessionNumbers& sessions, std::vector<Row>& rows) {
  std::map<std::string, std::string> devices;
  for (const result::SessionRecord& session : file.sessions) devices[session.session_id] = session.device.id;
  PointsById points;
  for (const result::PointRecord& point : file.points) {
    if (point.status == result::PointStatus::kOk) points[point.point_id] = &point;
  }
  for (const result::TrialRecord& trial : file.trials) {
    const bool probe = trial.mode == result::TrialMode::kProbe;
    if ((probe && !trial.flags.empty()) || (trial.mode != result::TrialMode::kBare && !probe)) continue;
    const auto point = points.find(trial.point_id.value_or(""));
    if (!probe && point == points.end()) continue;
    const double chains = static_cast<double>(std::max<std::int64_t>(trial.repetitions, 1));
    Row row;
    row.workload = probe ? probe_work(trial) : point_work(trial, *point->second);
    row.workload.device = devices[trial.session_id];
    row.session = sessions.number(trial.session_id);
    row.block = static_cast<int>(trial.block);
    row.time_s = trial.wall_s / chains;
    row.flagged = !trial.flags.empty();
    if (was_measured(trial) && (probe || shares_method(trial, *point->second, points)))
      row.energy_j = *trial.energy_gross_j / chains;
    if (row.energy_j && trial.energy_idle_j) row.idle_j = *trial.energy_idle_j / chains;
    rows.push_back(std::move(row));
  }
}

/// A published number has no windows: its point stands for one. Sessions share a configuration, so the session leaves
/// the point_id.
void append_imported(const result::ResultFile& file, SessionNumbers& sessions, std::vector<Row>& rows) {
  std::map<std::string, std::string> devices;
  for (const result::SessionRecord& session : file.sessions) {
    if (session.origin == result::Origin::kImported) devices[session.session_id] = session.device.id;
  }
  for (const result::PointRecord& point : file.points) {
    if (point.status != result::PointStatus::kOk || point.session_ids.size() != 1) continue;
    const auto device = devices.find(point.session_ids.front());
    if (device == devices.end()) continue;
    Row row;
    row.workload = shape_work(point);
    row.workload.point_id = point.cell_id + "|" + point.scheme;
    row.workload.device = device->second;
    row.session = sessions.number(device->first);
    row.time_s = point.time_s;
    row.time_spread = judge::time_spread_of(point);
    row.foreign = point.anchor_table.has_value();
    if (was_measured(point)) row.energy_j = point.energy_gross_j;
    if (row.energy_j) row.idle_j = point.energy_idle_j;
    if (row.energy_j) row.energy_spread = judge::energy_spread_of(point);
    if (row.time_s || row.energy_j) rows.push_back(std::move(row));
  }
}

}  // namespace

std::vector<Row> rows_from_results(std::span<const result::ResultFile> files) {
  SessionNumbers sessions;
  std::vector<Row> rows;
  for (const result::ResultFile& file : files) {
    append_rows(file, sessions, rows);
    append_imported(file, sessions, rows);
  }
  return rows;
}

std::optional<StaticPower> estimate_static_power(std::span<const result::ResultFile> files, const std::string& device) {
  std::map<std::string, std::vector<double>> idle;
  std::map<std::string, std::vector<double>> active;
  for (const result::ResultFile& file : files) {
    std::map<std::string, std::string> devices;
    for (const result::SessionRecord& session : file.sessions) devices[session.session_id] = session.device.id;
    for (const result::TrialRecord& trial : file.trials) {
      if (trial.mode != result::TrialMode::kIdle || !trial.flags.empty() || !was_measured(trial) || trial.wall_s <= 0)
        continue;
      if (devices[trial.session_id] != device) continue;
      (trial.phase == "active_idle" ? active : idle)[trial.session_id].push_back(*trial.energy_gross_j / trial.wall_s);
    }
  }
  const auto& windows = active.empty() ? idle : active;
  if (windows.empty()) return std::nullopt;
  std::vector<double> medians;
  medians.reserve(windows.size());
  for (const auto& [session, powers] : windows) medians.push_back(compute_median(powers));
  const std::vector<double>& spread = medians.size() > 1 ? medians : windows.begin()->second;
  StaticPower power{compute_mean(medians), 0};
  if (spread.size() > 1) {
    power.variance_w2 = std::pow(compute_standard_deviation(spread), 2) / static_cast<double>(spread.size());
  }
  return power;
}

}  // namespace qtrap::fit
