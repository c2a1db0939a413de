#include "report/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <tuple>

#include "core/anchor.hpp"
#include "judge/point_cell.hpp"
#include "result/check_records.hpp"

namespace qtrap::report {
namespace {

/// The part of a file that one device measured.
result::ResultFile keep_device(const result::ResultFile& file, const std::string& device) {
  result::ResultFile kept;
  std::set<std::string> sessions;
  for (const result::SessionRecord& session : file.sessions) {
    if (session.device.id != device) continue;
    sessions.insert(session.session_id);
    kept.sessions.push_back(session);
  }
  const auto own = [&sessions](const std::string& id) { return sessions.contains(id); };
  std::copy_if(file.trials.begin(), file.trials.end(), std::back_inserter(kept.trials),
               [&own](const result::TrialRecord& trial) { return own(trial.session_id); });
  std::copy_if(file.points.begin(), file.points.end(), std::back_inserter(kept.points),
               [&own](const result::PointRecord& point) {
                 return std::any_of(point.session_ids.begin(), point.session_ids.end(), own);
               });
  return kept;
}

std::vector<std::string> list_devices(const result::ResultFile& file) {
  std::vector<std::string> devices;
  for (const result::SessionRecord& session : file.sessions) {
    if (std::find(devices.begin(), devices.end(), session.device.id) == devices.end()) {
      devices.push_back(session.device.id);
    }
  }
  return devices;
}

void set_deciding_term(const fit::FitReport& report, ComparedPoint& compared) {
  for (const fit::Attribution& one : report.attribution) {
    // Energy comes last and, where it is fitted, has the last word.
    if (one.point_id != compared.point.point_id || !one.deciding_kind) continue;
    compared.deciding_term = one.deciding_term;
    compared.deciding_kind = one.deciding_kind;
  }
}

std::size_t add_points(const result::ResultFile& file, const fit::FitReport& report, std::size_t subject,
                       std::vector<ComparedPoint>& points) {
  const auto find = [](const std::vector<fit::Ratio>& ratios, const result::PointRecord& point,
                       fit::Quantity quantity) -> std::optional<fit::Ratio> {
    for (const fit::Ratio& one : ratios) {
      if (one.quantity == quantity && one.scheme == point.scheme && one.cell == judge::cell_of(point)) return one;
    }
    return std::nullopt;
  };
  std::set<std::pair<std::string, std::string>> seen;
  std::size_t added = 0;
  for (const result::PointRecord& point : file.points) {
    const std::pair key{point.cell_id, point.scheme};
    if (point.scheme == kAnchor || !seen.insert(key).second) continue;
    ComparedPoint compared{subject,
                           point,
                           find(report.ratios, point, fit::Quantity::kTime),
                           find(report.ratios, point, fit::Quantity::kEnergy),
                           find(report.net_ratios, point, fit::Quantity::kEnergy),
                           "",
                           {}};
    if (!compared.time && !compared.energy) continue;
    set_deciding_term(report, compared);
    points.push_back(std::move(compared));
    ++added;
  }
  return added;
}

auto order_of(const ComparedPoint& one) {
  const result::PointRecord& p = one.point;
  return std::tie(p.params, p.model, p.batch, p.hops, p.tokens_per_hop, p.context_tokens, p.phase, p.scheme,
                  one.subject);
}

/// The first point whose workload differs, as an error that names the file.
std::optional<Error> find_other_workload(const NamedResult& result, const std::string& first_name,
                                         std::optional<result::Workload>& workload) {
  for (const result::PointRecord& point : result.file.points) {
    if (!workload) workload = point.workload;
    if (point.workload == workload) continue;
    return usage_error(fmt::format("{} cannot be compared with {}: other workload", result.name, first_name),
                       fmt::format("{} and {}", to_string(point.workload), to_string(*workload)),
                       "compare files of one workload");
  }
  return std::nullopt;
}

/// Boards of one name are told apart by their files, and within a file by their identities.
void label_subjects(std::vector<Subject>& subjects) {
  const auto name_of = [](const Subject& one) { return one.device.board.value_or(one.device.name); };
  std::map<std::string, std::map<std::string, int>> counts;  // by name, then file
  for (const Subject& one : subjects) ++counts[name_of(one)][one.file];
  for (Subject& one : subjects) {
    one.label = name_of(one);
    const auto& files = counts[one.label];
    std::vector<std::string> apart;
    if (files.size() > 1) apart.push_back(std::filesystem::path(one.file).stem().string());
    if (files.at(one.file) > 1) apart.push_back(one.device.id);
    if (!apart.empty()) one.label += fmt::format(" ({})", fmt::join(apart, ", "));
  }
}

}  // namespace

Result<Comparison> compare_results(std::span<const NamedResult> results, const fit::ReportOptions& options) {
  Comparison comparison;
  std::optional<result::Workload> workload;
  std::set<std::string> sessions;
  for (const NamedResult& result : results) {
    if (const auto other = find_other_workload(result, results.front().name, workload)) return *other;
    if (auto noted = result::note_sessions(result.file, result.name, sessions); !noted) return noted.error();
    std::size_t ratios = 0;
    for (const std::string& device : list_devices(result.file)) {
      const result::ResultFile own = keep_device(result.file, device);
      if (own.points.empty()) continue;
      auto report = fit::make_fit_report(std::vector{own}, options);
      if (!report) {
        Error error = report.error();
        error.what = fmt::format("{}: {}", result.name, error.what);
        return error;
      }
      ratios += add_points(own, report.value(), comparison.subjects.size(), comparison.points);
      comparison.subjects.push_back({"", result.name, own.sessions.front().origin, own.sessions.front().device,
                                     own.sessions.size(), std::move(report).value()});
    }
    if (ratios > 0) continue;
    return usage_error(fmt::format("{} has no ratio to f16", result.name),
                       fmt::format("{} points", result.file.points.size()),
                       "compare files that hold the anchor and another scheme");
  }
  if (workload) comparison.workload = *workload;
  label_subjects(comparison.subjects);
  std::stable_sort(comparison.points.begin(), comparison.points.end(),
                   [](const ComparedPoint& a, const ComparedPoint& b) { return order_of(a) < order_of(b); });
  return comparison;
}

}  // namespace qtrap::report
