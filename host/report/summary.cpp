#include "report/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/anchor.hpp"
#include "core/statistics.hpp"
#include "core/text.hpp"
#include "fit/hop_slope.hpp"
#include "fit/result_rows.hpp"
#include "judge/judge.hpp"
#include "report/front.hpp"
#include "report/hazards.hpp"
#include "report/table.hpp"
#include "report/verdict_text.hpp"
#include "result/words.hpp"

namespace qtrap::report {
namespace {

using result::Basis;
using result::PointBasis;
using result::PointRecord;
using result::PointStatus;
using result::Verdict;

/// "−0.36": with the minus sign a reader expects in a table.
std::string signed_number(double value) { return fmt::format("{}{:.2f}", value < 0 ? "−" : "", std::abs(value)); }

/// "1.60 [1.55, 1.68]": a ratio to f16 with its interval.
std::string ratio_text(const PointRecord& point, std::optional<double> ratio, std::optional<double> low,
                       std::optional<double> high) {
  if (point.scheme == kAnchor) return "1";
  if (!ratio) return "–";
  return judge::format_ratio(*ratio, low, high);
}

/// "~" before an energy that is no measurement.
std::string energy_text(const PointRecord& point, const std::string& text) {
  const bool measured = point.energy_method && result::is_read_by_sensor(*point.energy_method);
  return measured || text == "–" ? text : "~" + text;
}

double conversion_of(const PointRecord& point) {
  return point.phase_cast_s.value_or(0) + point.phase_quantize_s.value_or(0) + point.phase_dequantize_s.value_or(0) +
         point.phase_outliers_s.value_or(0);
}

/// A part of the phases and the gaps.
std::string share_text(const PointRecord& point, std::optional<double> part) {
  const double all = conversion_of(point) + point.phase_matmul_s.value_or(0) + point.phase_attention_s.value_or(0) +
                     point.phase_other_s.value_or(0) + point.phase_head_s.value_or(0) + point.gap_s.value_or(0);
  return point.phase_matmul_s && part && all > 0 ? fmt::format("{:.0f} %", 100 * *part / all) : "–";
}

/// A quantity with a verdict per point.
struct Judged {
  const char* word;     ///< "time"
  const char* heading;  ///< "Time"
  std::optional<Verdict> PointRecord::*verdict;
  std::optional<double> PointRecord::*p_value;
  std::optional<Basis> PointRecord::*basis;
  std::optional<double> PointRecord::*detectable;
};
constexpr Judged kTime{"time",
                       "Time",
                       &PointRecord::verdict_time,
                       &PointRecord::time_ratio_p,
                       &PointRecord::time_ratio_basis,
                       &PointRecord::time_ratio_detectable};
constexpr Judged kEnergy{"energy",
                         "Energy",
                         &PointRecord::verdict_energy,
                         &PointRecord::energy_ratio_p,
                         &PointRecord::energy_ratio_basis,
                         &PointRecord::energy_ratio_detectable};

/// "time trap"; "anchor" for f16; of what is undecided, what could have been seen.
std::string verdict_text(const PointRecord& point, const Judged& judged) {
  if (point.status != PointStatus::kOk) return to_string(point.status);
  if (point.scheme == kAnchor) return "anchor";
  const Verdict verdict = (point.*judged.verdict).value_or(Verdict::kUndecided);
  if (verdict == Verdict::kTrap) return fmt::format("{} trap", judged.word);
  if (verdict == Verdict::kNoMeter) return "–";
  if (verdict != Verdict::kUndecided) return to_words(verdict);
  if (point.*judged.basis == Basis::kBlocks) return "undecided (one session)";
  if (point.*judged.basis == Basis::kSessions && !(point.*judged.p_value))
    return point.*judged.detectable == 1 ? "undecided (no spread)" : "undecided (flagged)";
  return point.*judged.detectable ? fmt::format("undecided (sees {:.2f})", *(point.*judged.detectable)) : "undecided";
}

bool has_energy(const std::vector<PointRecord>& points) {
  return std::any_of(points.begin(), points.end(), [](const auto& point) { return point.energy_gross_j.has_value(); });
}

bool has_decoder(const std::vector<PointRecord>& points) {
  return std::any_of(points.begin(), points.end(),
                     [](const auto& point) { return point.workload == result::Workload::kDecoder; });
}

Table point_table(const std::vector<PointRecord>& points) {
  Table table;
  const bool decoder = has_decoder(points);
  std::vector<const char*> headings{"model", "B", "H×T", "scheme", "ms/token", "time vs f16", "COR", "cast+deq"};
  if (decoder) headings.insert(headings.begin() + 3, "C");
  if (decoder) headings.insert(headings.end(), {"attention", "head"});
  headings.insert(headings.end(), {"of roof", "verdict"});
  for (const char* heading : headings) table.columns.push_back({heading, heading});
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
    std::vector<Value> row{once(point.model), once(fmt::format("{}", point.batch)),
                           once(fmt::format("{}×{}{}", point.hops, point.tokens_per_hop, phase_text(point.phase)))};
    const auto add = [&](std::string text) { row.emplace_back(std::move(text)); };
    if (decoder) row.push_back(once(fmt::format("{}", point.context_tokens)));
    add(point.scheme + (point.basis == PointBasis::kExtrapolated ? "*" : ""));
    add(point.time_per_token_s ? fmt::format("{:.3g}", 1e3 * *point.time_per_token_s) : "–");
    add(ratio_text(point, point.time_ratio, point.time_ratio_low, point.time_ratio_high));
    add(point.cor_operational ? signed_number(*point.cor_operational) : "–");
    add(share_text(point, conversion_of(point)));
    if (decoder) add(share_text(point, point.phase_attention_s));
    if (decoder) add(share_text(point, point.phase_head_s));
    add(point.roof_fraction ? fmt::format("{:.2f}", *point.roof_fraction) : "–");
    add(verdict_text(point, kTime));
    table.rows.push_back(std::move(row));
    if (!energy) continue;
    const auto energy_ratio = ratio_text(point, point.energy_ratio, point.energy_ratio_low, point.energy_ratio_high);
    for (std::string text :
         {point.energy_per_token_j ? energy_text(point, fmt::format("{:.3g}", *point.energy_per_token_j))
                                   : to_string(point.energy_status),
          energy_text(point, energy_ratio), verdict_text(point, kEnergy)})
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

/// At most this share of the differences that the closing sentence names is expected to be none.
constexpr double kFalseDiscoveryRate = 0.05;

/// What a 95 % interval apart from 1 says of its p-value at most: of points that older programs wrote without one.
constexpr double kOldVerdict = 0.05;

bool is_difference(Verdict verdict) { return verdict == Verdict::kTrap || verdict == Verdict::kNoTrap; }

/// Points of one quantity that were judged, and whether each one's difference holds up among so many.
class Family {
 public:
  Family(const std::vector<PointRecord>& points, const Judged& judged) : judged_(&judged) {
    std::vector<double> p_values;
    for (const PointRecord& point : points) {
      if (point.scheme == kAnchor || !(point.*judged.verdict) || point.*judged.verdict == Verdict::kNoMeter) continue;
      points_.push_back(&point);
      const bool differs = is_difference(*(point.*judged.verdict));
      // A point without effect is no discovery, however small its p-value, and must not ease the others' limit.
      p_values.push_back(point.*judged.verdict == Verdict::kNoEffect
                             ? 1
                             : (point.*judged.p_value).value_or(differs ? kOldVerdict : 1));
    }
    holds_ = control_false_discoveries(p_values, kFalseDiscoveryRate);
  }

  std::size_t size() const { return points_.size(); }

  /// "k of m points: a, b": those of `path` (any where none) with this verdict, differences only where they hold up.
  struct Share {
    std::size_t points = 0, of = 0;
    std::set<std::string> schemes;
    std::string text() const { return fmt::format("{} of {} points ({})", points, of, list_of(schemes)); }
  };
  Share share(std::optional<KernelPath> path, Verdict verdict) const {
    Share share;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const PointRecord& point = *points_[i];
      if (path && point.path != path) continue;
      ++share.of;
      if (point.*judged_->verdict != verdict || (is_difference(verdict) && !holds_[i])) continue;
      ++share.points;
      share.schemes.insert(point.scheme);
    }
    return share;
  }

  /// Differences by their own intervals that do not hold up among so many.
  std::size_t unsure() const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      if (is_difference(*(points_[i]->*judged_->verdict)) && !holds_[i]) ++count;
    }
    return count;
  }

 private:
  const Judged* judged_;
  std::vector<const PointRecord*> points_;
  std::vector<bool> holds_;
};

/// Empty where nothing was judged.
std::string make_sentence(const std::vector<PointRecord>& points, const Judged& judged) {
  const Family family(points, judged);
  if (family.size() == 0) return {};
  const auto split_trap = family.share(KernelPath::kSplit, Verdict::kTrap);
  const auto fused_trap = family.share(KernelPath::kFused, Verdict::kTrap);
  const auto fused_free = family.share(KernelPath::kFused, Verdict::kNoTrap);
  const auto free = family.share({}, Verdict::kNoTrap);
  const auto same = family.share({}, Verdict::kNoEffect);
  const auto undecided = family.share({}, Verdict::kUndecided);
  std::vector<std::string> parts;
  if (split_trap.points > 0 && fused_trap.points == 0 && fused_free.points > 0) {
    parts.push_back(
        fmt::format("The {0} trap here is the kernel path's, not the format's: with separate passes {1} cost "
                    "more {0} than f16, fused {2} less.",
                    judged.word, split_trap.text(), fused_free.text()));
  } else {
    if (split_trap.points > 0)
      parts.push_back(fmt::format("{} trap with separate passes in {}.", judged.heading, split_trap.text()));
    if (fused_trap.points > 0)
      parts.push_back(fmt::format("{} trap even with fused kernels in {}.", judged.heading, fused_trap.text()));
    if (free.points > 0) parts.push_back(fmt::format("No {} trap in {}.", judged.word, free.text()));
  }
  if (same.points > 0) parts.push_back(fmt::format("No effect on {} in {}.", judged.word, same.text()));
  if (undecided.points > 0) parts.push_back(fmt::format("{} undecided in {}.", judged.heading, undecided.text()));
  if (const std::size_t unsure = family.unsure(); unsure > 0)
    parts.push_back(
        fmt::format("{} more differ{} from 1 by its own interval, but not among {} comparisons (false discovery "
                    "rate {:.0f} %).",
                    unsure, unsure == 1 ? "s" : "", family.size(), 100 * kFalseDiscoveryRate));
  return fmt::format("{}", fmt::join(parts, " "));
}

/// Of a run with --until: how its verdicts were reached; empty of any other.
std::string make_look_line(const result::ResultFile& file) {
  if (file.sessions.empty() || !file.sessions.front().until_ratio || !file.end || !file.end->stopped_by) return {};
  const result::SessionRecord& session = file.sessions.front();
  if (!session.until_error || !session.until_ratios || !session.until_looks || session.until_looks->empty() ||
      !file.end->looks || file.end->looks->empty())
    return {};
  const result::LookStop stop = *file.end->stopped_by;
  const std::string why = stop == result::LookStop::kDecided ? "every ratio is decided"
                          : stop == result::LookStop::kSeen
                              ? fmt::format("in every undecided ratio {:g} would have been seen", *session.until_ratio)
                              : "that was the last session planned";
  const auto with_level = std::find_if(file.points.begin(), file.points.end(),
                                       [](const PointRecord& point) { return point.ratio_confidence.has_value(); });
  const std::string level = with_level == file.points.end() ? std::string()
                                                            : fmt::format("; ratios have intervals of {:.4g} %",
                                                                          100 * *with_level->ratio_confidence);
  return fmt::format("Stopped after {:g} of at most {:g} sessions: {} (error {:g} % over {} ratios and {} looks{}).\n",
                     file.end->looks->back(), session.until_looks->back(), why, 100 * *session.until_error,
                     *session.until_ratios, session.until_looks->size(), level);
}

/// How ratios change along the chain, where the campaign has several lengths: as `fit` says it.
std::string describe_hops_of(const result::ResultFile& file) {
  const std::vector<fit::Row> rows = fit::rows_from_results(std::span(&file, 1));
  std::vector<fit::HopSlope> slopes;
  for (const fit::Quantity quantity : {fit::Quantity::kTime, fit::Quantity::kEnergy}) {
    for (fit::HopSlope& one : fit::compute_hop_slopes(fit::compute_ratios(rows, quantity)))
      slopes.push_back(std::move(one));
  }
  return describe_hops(slopes);
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
                       escape_controls(session.device.platform), to_string(session.device.type.value()),
                       escape_controls(meter), file.sessions.size(), file.sessions.size() == 1 ? "" : "s",
                       escape_controls(path));
  }
  out += to_text(point_table(file.points)) + "\n";
  if (std::any_of(file.points.begin(), file.points.end(),
                  [](const auto& point) { return point.basis == PointBasis::kExtrapolated; })) {
    out += "* extrapolated from the layers that were run.\n";
  }
  if (const std::string hops = describe_hops_of(file); !hops.empty()) out += hops + "\n";
  if (const std::string bounds = describe_bounds(fit::find_operation_bounds(file.points)); !bounds.empty())
    out += bounds + "\n";
  if (const std::string front = describe_front(file); !front.empty()) out += front + "\n";
  for (const auto& quality : file.qualities) {
    if (quality.status != PointStatus::kOk)
      out += escape_controls(fmt::format("loss of {}: {}", quality.scheme, quality.reason.value_or(""))) + "\n";
  }
  for (const auto& point : file.points) {
    if (point.status != PointStatus::kOk)
      out +=
          escape_controls(fmt::format("{}: {}", point.point_id, point.reason.value_or(to_string(point.status)))) + "\n";
  }
  return out + make_verdict_sentence(file.points) + "\n" + make_look_line(file) + make_hazard_lines(file);
}

}  // namespace qtrap::report
