// What `compare` prints and writes: tables and JSON of a Comparison.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <tuple>

#include "judge/judge.hpp"
#include "report/compare.hpp"
#include "report/table.hpp"
#include "report/verdict_text.hpp"

namespace qtrap::report {
namespace {

using Json = nlohmann::ordered_json;

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
                   {"net", "net energy vs f16"},
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
         verdict_cell(one.time), ratio_cell(one.energy), verdict_cell(one.energy), ratio_cell(one.net),
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
                    {"energy_net", to_json(one.net)},
                    {"cor_operational", one.time ? Json(std::exp(one.time->log_ratio) - 1) : Json()},
                    {"cor_phase", point.cor_phase ? Json(*point.cor_phase) : Json()},
                    {"deciding_term", text_or_null(one.deciding_term)},
                    {"deciding_kind", text_or_null(one.deciding_kind)}});
  }
  return list;
}

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
