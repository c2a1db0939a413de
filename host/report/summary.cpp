#include "report/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "report/table.hpp"

namespace qtrap::report {
namespace {

using result::PointRecord;

/// "−0.36": with the minus sign a reader expects in a table.
std::string signed_number(double value) { return fmt::format("{}{:.2f}", value < 0 ? "−" : "", std::abs(value)); }

std::string ratio_text(const PointRecord& point) {
  if (point.scheme == "f16") return "1";
  if (!point.time_ratio) return "–";
  if (!point.time_ratio_low) return fmt::format("{:.2f}", *point.time_ratio);
  return fmt::format("{:.2f} [{:.2f}, {:.2f}]", *point.time_ratio, *point.time_ratio_low, *point.time_ratio_high);
}

std::string conversion_share(const PointRecord& point) {
  const double conversion =
      point.phase_cast_s.value_or(0) + point.phase_quantize_s.value_or(0) + point.phase_dequantize_s.value_or(0);
  const double all = conversion + point.phase_matmul_s.value_or(0) + point.phase_attention_s.value_or(0) +
                     point.phase_other_s.value_or(0) + point.gap_s.value_or(0);
  return point.phase_matmul_s && all > 0 ? fmt::format("{:.0f} %", 100 * conversion / all) : "–";
}

std::string verdict_text(const PointRecord& point) {
  if (point.status != "ok") return point.status;
  if (point.scheme == "f16") return "anchor";
  const std::string verdict = point.verdict_time.value_or("undecided");
  if (verdict == "trap") return "time trap";
  return verdict == "no_trap" ? "no trap" : verdict;
}

Table point_table(const std::vector<PointRecord>& points) {
  Table table;
  for (const char* heading :
       {"model", "B", "H×T", "scheme", "ms/token", "time vs f16", "COR", "cast+deq", "of roof", "verdict"})
    table.columns.push_back({heading, heading});
  std::string last_cell;
  for (const PointRecord& point : points) {
    const bool first = point.cell_id != last_cell;
    last_cell = point.cell_id;
    const auto once = [&](std::string text) { return Value(first ? std::move(text) : std::string()); };
    table.rows.push_back(
        {once(point.model), once(fmt::format("{}", point.batch)),
         once(fmt::format("{}×{}", point.hops, point.tokens_per_hop)),
         point.scheme + (point.basis == "extrapolated" ? "*" : ""),
         point.time_per_token_s ? fmt::format("{:.3g}", 1e3 * *point.time_per_token_s) : "–", ratio_text(point),
         point.cor_operational ? signed_number(*point.cor_operational) : "–", conversion_share(point),
         point.roof_fraction ? fmt::format("{:.2f}", *point.roof_fraction) : "–", verdict_text(point)});
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

/// Points of one path and verdict.
std::set<std::string> schemes_with(const std::vector<PointRecord>& points, std::string_view path,
                                   std::string_view verdict) {
  std::set<std::string> names;
  for (const PointRecord& point : points) {
    if (point.path == path && point.verdict_time == verdict) names.insert(point.scheme);
  }
  return names;
}

std::string hazard_lines(const result::ResultFile& file) {
  std::vector<std::string> hazards;
  std::set<std::string> seen;
  for (const auto& session : file.sessions) {
    for (const auto& hazard : session.hazards) {
      if (seen.insert(hazard).second) hazards.push_back(hazard);
    }
  }
  const auto flagged =
      std::count_if(file.trials.begin(), file.trials.end(), [](const auto& trial) { return !trial.flags.empty(); });
  if (flagged > 0) hazards.push_back(fmt::format("{} of {} trials flagged and left out", flagged, file.trials.size()));
  if (!file.sessions.empty() && file.sessions.back().meter.status != "ok") {
    hazards.push_back("no energy: " + file.sessions.back().meter.reason.value_or(file.sessions.back().meter.status));
  }
  if (hazards.empty()) return "No hazards recorded.\n";
  return fmt::format("{} hazard{}: {}.\n", hazards.size(), hazards.size() == 1 ? "" : "s", fmt::join(hazards, "; "));
}

}  // namespace

std::string make_verdict_sentence(const std::vector<PointRecord>& points) {
  const auto split_trap = schemes_with(points, "split", "trap");
  const auto split_free = schemes_with(points, "split", "no_trap");
  const auto fused_trap = schemes_with(points, "fused", "trap");
  const auto fused_free = schemes_with(points, "fused", "no_trap");
  std::vector<std::string> parts;
  if (!split_trap.empty() && fused_trap.empty() && !fused_free.empty()) {
    parts.push_back(
        fmt::format("The time trap here is the kernel path's, not the format's: {} cost{} less time than f16, {} with "
                    "separate passes more.",
                    list_of(fused_free), fused_free.size() == 1 ? "s" : "", list_of(split_trap)));
  } else if (!split_trap.empty()) {
    parts.push_back(fmt::format("Time trap with separate passes: {}.", list_of(split_trap)));
  }
  if (!fused_trap.empty())
    parts.push_back(
        fmt::format("Time trap even with fused kernels: {} (in at least one workload).", list_of(fused_trap)));
  if (split_trap.empty() && fused_trap.empty() && (!split_free.empty() || !fused_free.empty())) {
    auto all = split_free;
    all.insert(fused_free.begin(), fused_free.end());
    parts.push_back(
        fmt::format("No time trap: {} cost{} less time than f16.", list_of(all), all.size() == 1 ? "s" : ""));
  } else if (!split_free.empty()) {
    parts.push_back(fmt::format("No trap in at least one workload: {}.", list_of(split_free)));
  }
  auto undecided = schemes_with(points, "split", "undecided");
  undecided.merge(schemes_with(points, "fused", "undecided"));
  if (!undecided.empty())
    parts.push_back(fmt::format("Undecided in at least one workload (no interval, or one that holds 1): {}.", list_of(undecided)));
  if (parts.empty()) return "No quantized scheme was measured beside f16, so there is nothing to compare.";
  return fmt::format("{}", fmt::join(parts, " "));
}

std::string make_summary(const result::ResultFile& file, const std::string& path) {
  std::string out;
  if (!file.sessions.empty()) {
    const auto& session = file.sessions.front();
    const std::string meter =
        session.meter.status == "ok" ? session.meter.name : session.meter.name + " (energy not measured)";
    out += fmt::format("qtrap {} · {}, {} ({}) · meter: {} · {} session{} · file {}\n\n", session.tool_version,
                       session.device.name, session.device.platform, session.device.type, meter, file.sessions.size(),
                       file.sessions.size() == 1 ? "" : "s", path);
  }
  out += to_text(point_table(file.points)) + "\n";
  if (std::any_of(file.points.begin(), file.points.end(),
                  [](const auto& point) { return point.basis == "extrapolated"; })) {
    out += "* extrapolated from the layers that were run.\n";
  }
  for (const auto& point : file.points) {
    if (point.status != "ok") out += fmt::format("{}: {}\n", point.point_id, point.reason.value_or(point.status));
  }
  return out + make_verdict_sentence(file.points) + "\n" + hazard_lines(file);
}

}  // namespace qtrap::report
