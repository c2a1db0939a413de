#include "report/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/text.hpp"
#include "report/hazards.hpp"
#include "report/table.hpp"

namespace qtrap::report {
namespace {

using result::PointRecord;

/// "−0.36": with the minus sign a reader expects in a table.
std::string signed_number(double value) { return fmt::format("{}{:.2f}", value < 0 ? "−" : "", std::abs(value)); }

/// "1.60 [1.55, 1.68]": a ratio to f16 with its interval.
std::string ratio_text(const PointRecord& point, std::optional<double> ratio, std::optional<double> low,
                       std::optional<double> high) {
  if (point.scheme == "f16") return "1";
  if (!ratio) return "–";
  if (!low || !high) return fmt::format("{:.2f}", *ratio);
  return fmt::format("{:.2f} [{:.2f}, {:.2f}]", *ratio, *low, *high);
}

/// "~" before an energy that is no measurement.
std::string energy_text(const PointRecord& point, const std::string& text) {
  const bool measured = point.energy_method == "counter" || point.energy_method == "integrated";
  return measured || text == "–" ? text : "~" + text;
}

std::string conversion_share(const PointRecord& point) {
  const double conversion =
      point.phase_cast_s.value_or(0) + point.phase_quantize_s.value_or(0) + point.phase_dequantize_s.value_or(0);
  const double all = conversion + point.phase_matmul_s.value_or(0) + point.phase_attention_s.value_or(0) +
                     point.phase_other_s.value_or(0) + point.gap_s.value_or(0);
  return point.phase_matmul_s && all > 0 ? fmt::format("{:.0f} %", 100 * conversion / all) : "–";
}

/// `trap_word` for a trap; "anchor" for f16.
std::string verdict_text(const PointRecord& point, const std::optional<std::string>& verdict, std::string trap_word) {
  if (point.status != "ok") return point.status;
  if (point.scheme == "f16") return "anchor";
  const std::string word = verdict.value_or("undecided");
  if (word == "trap") return trap_word;
  if (word == "no_meter") return "–";
  return word == "no_trap" ? "no trap" : word;
}

bool has_energy(const std::vector<PointRecord>& points) {
  return std::any_of(points.begin(), points.end(), [](const auto& point) { return point.energy_gross_j.has_value(); });
}

Table point_table(const std::vector<PointRecord>& points) {
  Table table;
  for (const char* heading :
       {"model", "B", "H×T", "scheme", "ms/token", "time vs f16", "COR", "cast+deq", "of roof", "verdict"})
    table.columns.push_back({heading, heading});
  const bool energy = has_energy(points);
  if (energy) {
    for (const char* heading : {"J/token", "energy vs f16", "energy verdict"})
      table.columns.push_back({heading, heading});
  }
  std::string last_cell;
  for (const PointRecord& point : points) {
    const bool first = point.cell_id != last_cell;
    last_cell = point.cell_id;
    const auto once = [&](std::string text) { return Value(first ? std::move(text) : std::string()); };
    table.rows.push_back({once(point.model), once(fmt::format("{}", point.batch)),
                          once(fmt::format("{}×{}", point.hops, point.tokens_per_hop)),
                          point.scheme + (point.basis == "extrapolated" ? "*" : ""),
                          point.time_per_token_s ? fmt::format("{:.3g}", 1e3 * *point.time_per_token_s) : "–",
                          ratio_text(point, point.time_ratio, point.time_ratio_low, point.time_ratio_high),
                          point.cor_operational ? signed_number(*point.cor_operational) : "–", conversion_share(point),
                          point.roof_fraction ? fmt::format("{:.2f}", *point.roof_fraction) : "–",
                          verdict_text(point, point.verdict_time, "time trap")});
    if (!energy) continue;
    const auto energy_ratio = ratio_text(point, point.energy_ratio, point.energy_ratio_low, point.energy_ratio_high);
    for (std::string text :
         {point.energy_per_token_j ? energy_text(point, fmt::format("{:.3g}", *point.energy_per_token_j))
                                   : point.energy_status,
          energy_text(point, energy_ratio), verdict_text(point, point.verdict_energy, "energy trap")})
      table.rows.back().emplace_back(std::move(text));
  }
  return table;
}

std::string list_of(const std::set<std::string>& names) {
  std::string text;
  std::size_t left = names.size();
  for (const auto& name : names) {
    text += name;
    --left;
    text += left > 1 ? ", " : left == 1 ? " and " : "";
  }
  return text;
}

/// A quantity with a verdict per point.
struct Judged {
  const char* word;     ///< "time"
  const char* heading;  ///< "Time"
  std::optional<std::string> PointRecord::*verdict;
};
constexpr Judged kTime{"time", "Time", &PointRecord::verdict_time};
constexpr Judged kEnergy{"energy", "Energy", &PointRecord::verdict_energy};

/// Points of one path and verdict.
std::set<std::string> schemes_with(const std::vector<PointRecord>& points, const Judged& judged, std::string_view path,
                                   std::string_view verdict) {
  std::set<std::string> names;
  for (const PointRecord& point : points) {
    if (point.path == path && point.*judged.verdict == verdict) names.insert(point.scheme);
  }
  return names;
}

/// Empty where nothing was judged.
std::string make_sentence(const std::vector<PointRecord>& points, const Judged& judged) {
  const auto split_trap = schemes_with(points, judged, "split", "trap");
  const auto split_free = schemes_with(points, judged, "split", "no_trap");
  const auto fused_trap = schemes_with(points, judged, "fused", "trap");
  const auto fused_free = schemes_with(points, judged, "fused", "no_trap");
  std::vector<std::string> parts;
  if (!split_trap.empty() && fused_trap.empty() && !fused_free.empty()) {
    parts.push_back(
        fmt::format("The {0} trap here is the kernel path's, not the format's: {1} cost{2} less {0} than f16, {3} with "
                    "separate passes more.",
                    judged.word, list_of(fused_free), fused_free.size() == 1 ? "s" : "", list_of(split_trap)));
  } else if (!split_trap.empty()) {
    parts.push_back(fmt::format("{} trap with separate passes: {}.", judged.heading, list_of(split_trap)));
  }
  if (!fused_trap.empty())
    parts.push_back(fmt::format("{} trap even with fused kernels: {} (in at least one workload).", judged.heading,
                                list_of(fused_trap)));
  if (split_trap.empty() && fused_trap.empty() && (!split_free.empty() || !fused_free.empty())) {
    auto all = split_free;
    all.insert(fused_free.begin(), fused_free.end());
    parts.push_back(fmt::format("No {0} trap: {1} cost{2} less {0} than f16.", judged.word, list_of(all),
                                all.size() == 1 ? "s" : ""));
  } else if (!split_free.empty()) {
    parts.push_back(fmt::format("No {} trap in at least one workload: {}.", judged.word, list_of(split_free)));
  }
  auto undecided = schemes_with(points, judged, "split", "undecided");
  undecided.merge(schemes_with(points, judged, "fused", "undecided"));
  if (!undecided.empty())
    parts.push_back(fmt::format("{} undecided in at least one workload (no interval, or one that holds 1): {}.",
                                judged.heading, list_of(undecided)));
  return fmt::format("{}", fmt::join(parts, " "));
}

}  // namespace

std::string make_verdict_sentence(const std::vector<PointRecord>& points) {
  std::string text = make_sentence(points, kTime);
  if (text.empty()) return "No quantized scheme was measured beside f16, so there is nothing to compare.";
  const std::string energy = make_sentence(points, kEnergy);
  return energy.empty() ? text : text + "\n" + energy;
}

std::string make_summary(const result::ResultFile& file, const std::string& path) {
  std::string out;
  if (!file.sessions.empty()) {
    const auto& session = file.sessions.front();
    std::string meter = session.meter.name + " (energy not measured)";
    if (session.meter.status == "ok") {
      meter = fmt::format("{} ({}, {})", session.meter.name, session.meter.scope.value_or("scope unknown"),
                          session.meter.method.value_or("method unknown"));
    }
    out += fmt::format("qtrap {} · {}, {} ({}) · meter: {} · {} session{} · file {}\n\n", session.tool_version,
                       escape_controls(session.device.board.value_or(session.device.name)),
                       escape_controls(session.device.platform), session.device.type, escape_controls(meter),
                       file.sessions.size(), file.sessions.size() == 1 ? "" : "s", escape_controls(path));
  }
  out += to_text(point_table(file.points)) + "\n";
  if (std::any_of(file.points.begin(), file.points.end(),
                  [](const auto& point) { return point.basis == "extrapolated"; })) {
    out += "* extrapolated from the layers that were run.\n";
  }
  for (const auto& point : file.points) {
    if (point.status != "ok")
      out += escape_controls(fmt::format("{}: {}", point.point_id, point.reason.value_or(point.status))) + "\n";
  }
  return out + make_verdict_sentence(file.points) + "\n" + make_hazard_lines(file);
}

}  // namespace qtrap::report
