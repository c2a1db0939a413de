// What `compare` prints and writes: tables and JSON of a Comparison.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "fit/file/file_entries.hpp"
#include "judge/judge.hpp"
#include "report/compare.hpp"
#include "report/table.hpp"
#include "report/verdict_text.hpp"
#include "result/file_fields.hpp"
#include "table/codec.hpp"

namespace qtrap::report {
namespace {

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
    const std::string cell = fmt::format("{} {} {} {} {} {}", point.model, point.batch, point.hops,
                                         point.tokens_per_hop, to_string(point.phase), point.scheme);
    const auto once = [&](std::string text) { return Value(cell == last_cell ? std::string() : std::move(text)); };
    const Subject& subject = comparison.subjects[one.subject];
    table.rows.push_back(
        {once(point.model), once(fmt::format("{}", point.batch)),
         once(fmt::format("{}×{}{}", point.hops, point.tokens_per_hop, phase_text(point.phase))), once(point.scheme),
         subject.label, static_cast<std::int64_t>((one.time ? one.time : one.energy)->session_logs.size()),
         ratio_cell(one.time),
         one.time ? Value(fmt::format("{:.2f}", std::exp(one.time->log_ratio) - 1)) : Value(std::monostate{}),
         verdict_cell(one.time), ratio_cell(one.energy), verdict_cell(one.energy), ratio_cell(one.net),
         one.deciding_kind ? Value(fmt::format("{} ({})", one.deciding_term, to_string(*one.deciding_kind)))
                           : Value(std::monostate{})});
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
                    cell.context, cell.hops, cell.phase);
  };
  std::stable_sort(entries.begin(), entries.end(),
                   [&](const auto& a, const auto& b) { return order(*a.second) < order(*b.second); });
  return entries;
}

std::optional<result::ComparedRatio> to_entry(const std::optional<fit::Ratio>& ratio) {
  if (!ratio) return std::nullopt;
  result::ComparedRatio entry;
  fit::set_ratio(*ratio, entry);
  entry.flagged = ratio->flagged;
  for (const double log : ratio->session_logs) entry.by_session.push_back(std::exp(log));
  return entry;
}

result::ComparedPoint to_entry(const ComparedPoint& one, const std::string& label) {
  const result::PointRecord& point = one.point;
  result::ComparedPoint entry;
  entry.subject = static_cast<std::int64_t>(one.subject);
  entry.label = label;
  entry.model = point.model;
  entry.params = point.params;
  entry.batch = point.batch;
  entry.hops = point.hops;
  entry.tokens_per_hop = point.tokens_per_hop;
  entry.context_tokens = point.context_tokens;
  entry.phase = point.phase;
  entry.scheme = point.scheme;
  entry.path = point.path.value();
  entry.time = to_entry(one.time);
  entry.energy = to_entry(one.energy);
  entry.energy_net = to_entry(one.net);
  if (one.time) entry.cor_operational = std::exp(one.time->log_ratio) - 1;
  entry.cor_phase = point.cor_phase;
  entry.deciding_term = fit::text_or_none(one.deciding_term);
  entry.deciding_kind = one.deciding_kind;
  return entry;
}

/// Crossings of all subjects along one axis, as entries of the file.
template <fit::Axis A>
std::vector<result::ComparedCritical<A>> critical_entries(const Comparison& comparison) {
  std::vector<result::ComparedCritical<A>> entries;
  for (const auto& [subject, one] : list_critical(comparison, A)) {
    result::ComparedCritical<A> entry;
    entry.subject = static_cast<std::int64_t>(subject);
    entry.label = comparison.subjects[subject].label;
    fit::set_crossing(*one, entry);
    entries.push_back(std::move(entry));
  }
  return entries;
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
      table.rows.push_back({to_string(one->quantity), one->scheme, place_text(*one), comparison.subjects[subject].label,
                            crossing_text(*one), to_string(one->method), basis_text(*one), one->crossing.reason});
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
                    one.cell.phase, one.scheme);
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
    table.rows.push_back({to_string(one->quantity), one->cell.model, fmt::format("{:g}", one->cell.batch),
                          fmt::format("{:g}{}", one->cell.tokens, phase_text(one->cell.phase)), one->scheme,
                          comparison.subjects[subject].label, fmt::format("{}", fmt::join(one->hops, ", ")),
                          slope_text(*one)});
  }
  return table.rows.empty() ? std::string() : to_text(table);
}

result::ComparedSlope to_entry(std::size_t subject, const std::string& label, const fit::HopSlope& one) {
  result::ComparedSlope entry;
  entry.subject = static_cast<std::int64_t>(subject);
  entry.label = label;
  fit::set_slope(one, entry);
  return entry;
}

}  // namespace

std::string to_text(const Comparison& comparison) {
  std::string text =
      fmt::format("workload {}; each device against its own f16 anchor\n\n", to_string(comparison.workload)) +
      to_text(make_point_table(comparison));
  for (const std::string& paragraph : {describe_slopes(comparison), describe_critical(comparison)}) {
    if (!paragraph.empty()) text += "\n" + paragraph;
  }
  return text;
}

result::CompareFile to_compare_file(const Comparison& comparison) {
  result::CompareFile file;
  file.workload = comparison.workload;
  for (const Subject& one : comparison.subjects) {
    file.subjects.push_back({one.label, one.file, one.origin, one.device.id, one.device.name, one.device.driver,
                             static_cast<std::int64_t>(one.sessions)});
  }
  for (const ComparedPoint& one : comparison.points)
    file.points.push_back(to_entry(one, comparison.subjects[one.subject].label));
  for (const auto& [subject, one] : order_slopes(comparison))
    file.hop_slopes.push_back(to_entry(subject, comparison.subjects[subject].label, *one));
  file.critical_scale = critical_entries<fit::Axis::kParams>(comparison);
  file.critical_batch = critical_entries<fit::Axis::kBatch>(comparison);
  file.critical_hops = critical_entries<fit::Axis::kHops>(comparison);
  return file;
}

std::string to_json(const Comparison& comparison) { return table::write_document(to_compare_file(comparison)).value(); }

}  // namespace qtrap::report
