#include "report/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "judge/judge.hpp"
#include "judge/point_cell.hpp"
#include "report/table.hpp"
#include "report/verdict_text.hpp"
#include "result/check_records.hpp"

namespace qtrap::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kAnchor = "f16";

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
    if (one.point_id != compared.point.point_id || one.deciding_kind.empty()) continue;
    compared.deciding_term = one.deciding_term;
    compared.deciding_kind = one.deciding_kind;
  }
}

std::size_t add_points(const result::ResultFile& file, const fit::FitReport& report, std::size_t subject,
                       std::vector<ComparedPoint>& points) {
  const auto find = [&report](const result::PointRecord& point, fit::Quantity quantity) -> std::optional<fit::Ratio> {
    for (const fit::Ratio& one : report.ratios) {
      if (one.quantity == quantity && one.scheme == point.scheme && one.cell == judge::cell_of(point)) return one;
    }
    return std::nullopt;
  };
  std::set<std::pair<std::string, std::string>> seen;
  std::size_t added = 0;
  for (const result::PointRecord& point : file.points) {
    const std::pair key{point.cell_id, point.scheme};
    if (point.scheme == kAnchor || !seen.insert(key).second) continue;
    ComparedPoint compared{subject, point, find(point, fit::Quantity::kTime), find(point, fit::Quantity::kEnergy),
                           "",      ""};
    if (!compared.time && !compared.energy) continue;
    set_deciding_term(report, compared);
    points.push_back(std::move(compared));
    ++added;
  }
  return added;
}

auto order_of(const ComparedPoint& one) {
  const result::PointRecord& p = one.point;
  return std::tie(p.params, p.model, p.batch, p.hops, p.tokens_per_hop, p.context_tokens, p.scheme, one.subject);
}

/// The first point whose workload differs, as an error that names the file.
std::optional<Error> find_other_workload(const NamedResult& result, const std::string& first_name,
                                         std::string& workload) {
  for (const result::PointRecord& point : result.file.points) {
    if (workload.empty()) workload = point.workload;
    if (point.workload == workload) continue;
    return usage_error(fmt::format("{} cannot be compared with {}: other workload", result.name, first_name),
                       fmt::format("{} and {}", point.workload, workload), "compare files of one workload");
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

Value ratio_cell(const std::optional<fit::Ratio>& ratio) {
  return ratio ? Value(judge::format_ratio(ratio->log_ratio, ratio->interval)) : Value(std::monostate{});
}

Value verdict_cell(const std::optional<fit::Ratio>& ratio) {
  Value cell;
  if (ratio) cell = verdict_text(*ratio);
  return cell;
}

Table make_point_table(const Comparison& comparison) {
  Table table;
  table.columns = {{"model", "model"},
                   {"batch", "B"},
                   {"chain", "H×T"},
                   {"scheme", "scheme"},
                   {"device", "device"},
                   {"sessions", "sessions"},
                   {"time", "time vs f16"},
                   {"cor", "COR"},
                   {"time_verdict", "of time"},
                   {"energy", "energy vs f16"},
                   {"energy_verdict", "of energy"},
                   {"decided", "decided by"}};
  std::string last_cell;
  for (const ComparedPoint& one : comparison.points) {
    const result::PointRecord& point = one.point;
    const std::string cell =
        fmt::format("{} {} {} {} {}", point.model, point.batch, point.hops, point.tokens_per_hop, point.scheme);
    const auto once = [&](std::string text) { return Value(cell == last_cell ? std::string() : std::move(text)); };
    const Subject& subject = comparison.subjects[one.subject];
    table.rows.push_back(
        {once(point.model), once(fmt::format("{}", point.batch)),
         once(fmt::format("{}×{}", point.hops, point.tokens_per_hop)), once(point.scheme), subject.label,
         static_cast<std::int64_t>((one.time ? one.time : one.energy)->session_logs.size()), ratio_cell(one.time),
         one.time ? Value(fmt::format("{:.2f}", std::exp(one.time->log_ratio) - 1)) : Value(std::monostate{}),
         verdict_cell(one.time), ratio_cell(one.energy), verdict_cell(one.energy),
         one.deciding_term.empty() ? Value(std::monostate{})
                                   : Value(fmt::format("{} ({})", one.deciding_term, one.deciding_kind))});
    last_cell = cell;
  }
  return table;
}

/// Crossings along one axis of all subjects, one quantity, scheme and place after the other.
std::vector<std::pair<std::size_t, const fit::Critical*>> list_critical(const Comparison& comparison, fit::Axis axis) {
  std::vector<std::pair<std::size_t, const fit::Critical*>> entries;
  for (std::size_t i = 0; i < comparison.subjects.size(); ++i) {
    for (const fit::Critical& one : comparison.subjects[i].report.critical) {
      if (one.axis == axis) entries.emplace_back(i, &one);
    }
  }
  const auto order = [](const fit::Critical& one) {
    const judge::CellKey& cell = one.cell;
    return std::tie(one.quantity, one.scheme, cell.family, cell.params, cell.model, cell.batch, cell.tokens,
                    cell.context, cell.hops);
  };
  std::stable_sort(entries.begin(), entries.end(),
                   [&](const auto& a, const auto& b) { return order(*a.second) < order(*b.second); });
  return entries;
}

Json number_or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json to_json(const std::optional<fit::Ratio>& ratio) {
  if (!ratio) return {};
  const auto detectable = judge::find_detectable(*ratio);
  Json sessions = Json::array();
  for (const double log : ratio->session_logs) sessions.push_back(std::exp(log));
  return {{"ratio", std::exp(ratio->log_ratio)},
          {"low", ratio->interval ? Json(std::exp(ratio->interval->low)) : Json()},
          {"high", ratio->interval ? Json(std::exp(ratio->interval->high)) : Json()},
          {"interval_basis", to_string(ratio->basis)},
          {"degrees_of_freedom", ratio->interval ? Json(ratio->degrees_of_freedom) : Json()},
          {"p_value", number_or_null(ratio->p_value)},
          {"detectable", detectable ? Json(std::exp(*detectable)) : Json()},
          {"flagged", ratio->flagged},
          {"verdict", to_string(ratio->verdict)},
          {"by_session", std::move(sessions)}};
}

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json list_points(const Comparison& comparison) {
  Json list = Json::array();
  for (const ComparedPoint& one : comparison.points) {
    const result::PointRecord& point = one.point;
    list.push_back({{"subject", one.subject},
                    {"label", comparison.subjects[one.subject].label},
                    {"model", point.model},
                    {"params", point.params},
                    {"batch", point.batch},
                    {"hops", point.hops},
                    {"tokens_per_hop", point.tokens_per_hop},
                    {"context_tokens", point.context_tokens},
                    {"scheme", point.scheme},
                    {"path", point.path},
                    {"time", to_json(one.time)},
                    {"energy", to_json(one.energy)},
                    {"cor_operational", one.time ? Json(std::exp(one.time->log_ratio) - 1) : Json()},
                    {"cor_phase", point.cor_phase ? Json(*point.cor_phase) : Json()},
                    {"deciding_term", text_or_null(one.deciding_term)},
                    {"deciding_kind", text_or_null(one.deciding_kind)}});
  }
  return list;
}

/// An axis along which the ratio may cross 1.
struct AxisName {
  fit::Axis axis;
  const char* name;   ///< "N*"
  const char* key;    ///< of the list
  const char* value;  ///< of the crossing in an entry
};
constexpr AxisName kAxisNames[] = {{fit::Axis::kParams, "N*", "critical_scale", "n_star"},
                                   {fit::Axis::kBatch, "B*", "critical_batch", "b_star"},
                                   {fit::Axis::kHops, "H*", "critical_hops", "h_star"}};

Json critical_json(std::size_t subject, const std::string& label, const fit::Critical& one) {
  const fit::Crossing& crossing = one.crossing;
  Json json{{"subject", subject}, {"label", label}, {"scheme", one.scheme}};
  if (one.axis == fit::Axis::kParams) json["model_family"] = text_or_null(one.cell.family);
  if (one.axis != fit::Axis::kParams) json["model"] = one.cell.model;
  if (one.axis != fit::Axis::kBatch) json["batch"] = one.cell.batch;
  if (one.axis != fit::Axis::kHops) json["hops"] = one.cell.hops;
  json.update({{"tokens_per_hop", one.cell.tokens},
               {"context_tokens", one.cell.context},
               {"quantity", to_string(one.quantity)},
               {"status", to_string(crossing.status)},
               {kAxisNames[static_cast<std::size_t>(one.axis)].value, number_or_null(crossing.value)},
               {"low", number_or_null(crossing.low)},
               {"high", number_or_null(crossing.high)},
               {"method", to_string(one.method)},
               {"interval_basis", one.interval_basis},
               {"reason", text_or_null(crossing.reason)}});
  return json;
}

/// "B 1, 4×4": what an entry's axis leaves of the cell.
std::string place_text(const fit::Critical& one) {
  std::vector<std::string> parts;
  if (one.axis != fit::Axis::kParams) parts.push_back(one.cell.model);
  if (one.axis == fit::Axis::kParams && !one.cell.family.empty()) parts.push_back(one.cell.family);
  if (one.axis != fit::Axis::kBatch) parts.push_back(fmt::format("B {:g}", one.cell.batch));
  parts.push_back(one.axis == fit::Axis::kHops ? fmt::format("T {:g}", one.cell.tokens)
                                               : fmt::format("{:g}×{:g}", one.cell.hops, one.cell.tokens));
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// Crossings of all axes along which some device has two sizes.
std::string describe_critical(const Comparison& comparison) {
  std::string text;
  for (const AxisName& axis : kAxisNames) {
    Table table;
    table.columns = {{"quantity", "of"},         {"scheme", "scheme"}, {"at", "at"},
                     {"device", "device"},       {"value", axis.name}, {"method", "how"},
                     {"basis", "interval over"}, {"note", "note"}};
    for (const auto& [subject, one] : list_critical(comparison, axis.axis)) {
      if (one->sizes_used.size() < 2) continue;
      table.rows.push_back({std::string(to_string(one->quantity)), one->scheme, place_text(*one),
                            comparison.subjects[subject].label, crossing_text(*one),
                            std::string(to_string(one->method)), basis_text(*one), one->crossing.reason});
    }
    if (!table.rows.empty()) text += (text.empty() ? "" : "\n") + to_text(table);
  }
  return text;
}

using SubjectSlope = std::pair<std::size_t, const fit::HopSlope*>;

/// By what two devices share of a chain; devices side by side.
std::vector<SubjectSlope> order_slopes(const Comparison& comparison) {
  std::vector<SubjectSlope> slopes;
  for (std::size_t i = 0; i < comparison.subjects.size(); ++i) {
    for (const fit::HopSlope& one : comparison.subjects[i].report.hop_slopes) slopes.emplace_back(i, &one);
  }
  const auto order = [](const fit::HopSlope& one) {
    return std::tie(one.quantity, one.cell.params, one.cell.model, one.cell.batch, one.cell.tokens, one.cell.context,
                    one.scheme);
  };
  std::stable_sort(slopes.begin(), slopes.end(),
                   [&](const auto& a, const auto& b) { return order(*a.second) < order(*b.second); });
  return slopes;
}

std::string describe_slopes(const Comparison& comparison) {
  Table table;
  table.columns = {
      {"quantity", "of"},   {"model", "model"},   {"batch", "B"},   {"tokens", "T"},
      {"scheme", "scheme"}, {"device", "device"}, {"hops", "hops"}, {"slope", "ratio per doubling of hops"}};
  for (const auto& [subject, one] : order_slopes(comparison)) {
    table.rows.push_back({std::string(to_string(one->quantity)), one->cell.model, fmt::format("{:g}", one->cell.batch),
                          fmt::format("{:g}", one->cell.tokens), one->scheme, comparison.subjects[subject].label,
                          fmt::format("{}", fmt::join(one->hops, ", ")), slope_text(*one)});
  }
  return table.rows.empty() ? std::string() : to_text(table);
}

Json list_slopes(const Comparison& comparison) {
  Json list = Json::array();
  for (const auto& [subject, one] : order_slopes(comparison)) {
    list.push_back({{"subject", subject},
                    {"label", comparison.subjects[subject].label},
                    {"model", one->cell.model},
                    {"params", one->cell.params},
                    {"batch", one->cell.batch},
                    {"tokens_per_hop", one->cell.tokens},
                    {"context_tokens", one->cell.context},
                    {"scheme", one->scheme},
                    {"quantity", to_string(one->quantity)},
                    {"hops", one->hops},
                    {"ratio_per_doubling", std::exp(one->slope)},
                    {"low", one->interval ? Json(std::exp(one->interval->low)) : Json()},
                    {"high", one->interval ? Json(std::exp(one->interval->high)) : Json()},
                    {"sessions", one->session_slopes.size()}});
  }
  return list;
}

}  // namespace

Result<Comparison> compare_results(std::span<const NamedResult> results, const fit::ReportOptions& options) {
  Comparison comparison;
  std::set<std::string> sessions;
  for (const NamedResult& result : results) {
    if (const auto other = find_other_workload(result, results.front().name, comparison.workload)) return *other;
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
  label_subjects(comparison.subjects);
  std::stable_sort(comparison.points.begin(), comparison.points.end(),
                   [](const ComparedPoint& a, const ComparedPoint& b) { return order_of(a) < order_of(b); });
  return comparison;
}

std::string to_text(const Comparison& comparison) {
  std::string text = fmt::format("workload {}; each device against its own f16 anchor\n\n", comparison.workload) +
                     to_text(make_point_table(comparison));
  for (const std::string& paragraph : {describe_slopes(comparison), describe_critical(comparison)}) {
    if (!paragraph.empty()) text += "\n" + paragraph;
  }
  return text;
}

std::string to_json(const Comparison& comparison) {
  Json json{{"schema", "qtrap.compare"}, {"schema_version", "1.1"}, {"workload", comparison.workload}};
  json["subjects"] = Json::array();
  for (const Subject& one : comparison.subjects) {
    json["subjects"].push_back({{"label", one.label},
                                {"file", one.file},
                                {"origin", one.origin},
                                {"device_id", one.device.id},
                                {"device_name", one.device.name},
                                {"driver", one.device.driver},
                                {"sessions", one.sessions}});
  }
  json["points"] = list_points(comparison);
  json["hop_slopes"] = list_slopes(comparison);
  for (const AxisName& axis : kAxisNames) {
    json[axis.key] = Json::array();
    for (const auto& [subject, one] : list_critical(comparison, axis.axis))
      json[axis.key].push_back(critical_json(subject, comparison.subjects[subject].label, *one));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace qtrap::report
