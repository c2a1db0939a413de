#include "report/front.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/anchor.hpp"
#include "core/statistics.hpp"
#include "judge/judge.hpp"
#include "report/table.hpp"
#include "report/verdict_text.hpp"

namespace qtrap::report {
namespace {

using result::PointRecord;
using result::QualityRecord;
using Ratio = std::optional<double> PointRecord::*;

/// A ratio to f16 with the ends of its interval.
struct Cost {
  const char* name;
  Ratio value, low, high;
};
constexpr Cost kTime{"time", &PointRecord::time_ratio, &PointRecord::time_ratio_low, &PointRecord::time_ratio_high};
constexpr Cost kEnergy{"energy", &PointRecord::energy_ratio, &PointRecord::energy_ratio_low,
                       &PointRecord::energy_ratio_high};

/// A scheme of a cell in both criteria; an interval that is missing reaches everywhere: nothing is sure of it.
struct Candidate {
  const PointRecord* point;
  const QualityRecord* quality;
  Interval cost, loss;
};

Interval make_interval(double value, std::optional<double> low, std::optional<double> high) {
  constexpr double kEverywhere = std::numeric_limits<double>::infinity();
  return {value, low.value_or(-kEverywhere), high.value_or(kEverywhere)};
}

/// What the anchor itself costs is 1.
std::optional<Interval> cost_of(const PointRecord& point, const Cost& cost) {
  if (point.scheme == kAnchor) return Interval{1, 1, 1};
  if (!(point.*cost.value)) return std::nullopt;
  return make_interval(*(point.*cost.value), point.*cost.low, point.*cost.high);
}

/// What the anchor itself loses is 0.
Interval loss_of(const QualityRecord& quality) {
  if (quality.scheme == kAnchor) return {0, 0, 0};
  return make_interval(*quality.kl_nats_per_token, quality.kl_nats_per_token_low, quality.kl_nats_per_token_high);
}

const QualityRecord* find_loss(const result::ResultFile& file, const PointRecord& point) {
  const auto found = std::find_if(file.qualities.begin(), file.qualities.end(), [&](const QualityRecord& one) {
    return one.model == point.model && one.scheme == point.scheme && one.status == result::PointStatus::kOk;
  });
  return found == file.qualities.end() ? nullptr : &*found;
}

/// Of one cell, the points that have a loss.
std::vector<Candidate> list_candidates(const result::ResultFile& file, std::string_view cell, const Cost& cost) {
  std::vector<Candidate> candidates;
  for (const PointRecord& point : file.points) {
    const QualityRecord* quality = find_loss(file, point);
    if (point.cell_id != cell || point.status != result::PointStatus::kOk || quality == nullptr) continue;
    const auto price = cost_of(point, cost);
    if (!price) continue;
    candidates.push_back({&point, quality, *price, loss_of(*quality)});
  }
  return candidates;
}

bool beats(const Candidate& one, const Candidate& other) {
  return one.cost.value <= other.cost.value && one.loss.value <= other.loss.value &&
         (one.cost.value < other.cost.value || one.loss.value < other.loss.value);
}

bool surely_beats(const Candidate& one, const Candidate& other) {
  return one.cost.high < other.cost.low && one.loss.high < other.loss.low;
}

/// "yes", "no: SCHEME" or "perhaps not: SCHEME".
std::string describe_place(const Candidate& one, const std::vector<Candidate>& all) {
  const auto find = [&](const auto& wins) -> const Candidate* {
    const auto found = std::find_if(all.begin(), all.end(), [&](const Candidate& other) { return wins(other, one); });
    return found == all.end() ? nullptr : &*found;
  };
  if (const Candidate* winner = find(surely_beats)) return "no: " + winner->point->scheme;
  if (const Candidate* winner = find(beats)) return "perhaps not: " + winner->point->scheme;
  return "yes";
}

std::string cost_text(const Candidate& one) {
  if (one.point->scheme == kAnchor) return "1";
  return std::isfinite(one.cost.low) ? judge::format_ratio(one.cost.value, one.cost.low, one.cost.high)
                                     : fmt::format("{:.2f}", one.cost.value);
}

std::string loss_text(const QualityRecord& quality) {
  const auto& low = quality.kl_nats_per_token_low;
  const auto& high = quality.kl_nats_per_token_high;
  if (quality.scheme == kAnchor) return "0";
  const std::string value = fmt::format("{:.3g}", *quality.kl_nats_per_token);
  return low && high ? fmt::format("{} [{:.3g}, {:.3g}]", value, *low, *high) : value;
}

std::vector<std::string> list_cells(const std::vector<PointRecord>& points) {
  std::vector<std::string> cells;
  for (const PointRecord& point : points) {
    if (std::find(cells.begin(), cells.end(), point.cell_id) == cells.end()) cells.push_back(point.cell_id);
  }
  return cells;
}

}  // namespace

std::string describe_front(const result::ResultFile& file) {
  if (file.qualities.empty()) return {};
  Table table;
  for (const char* heading : {"model", "B", "H×T", "C", "scheme", "KL [nat/token]", "top-1", "cost", "vs f16", "front"})
    table.columns.push_back({heading, heading});
  for (const std::string& cell : list_cells(file.points)) {
    const auto by_time = list_candidates(file, cell, kTime);
    const auto by_energy = list_candidates(file, cell, kEnergy);
    const bool energy = by_energy.size() > 1 && by_energy.size() == by_time.size();
    const auto& candidates = energy ? by_energy : by_time;
    for (const Candidate& one : candidates) {
      const PointRecord& point = *one.point;
      const bool first = &one == &candidates.front();
      std::vector<Value> row;
      const auto add = [&](std::string text) { row.emplace_back(std::move(text)); };
      const auto add_once = [&](std::string text) { add(first ? std::move(text) : std::string()); };
      add_once(point.model);
      add_once(fmt::format("{}", point.batch));
      add_once(fmt::format("{}×{}{}", point.hops, point.tokens_per_hop, phase_text(point.phase)));
      add_once(fmt::format("{}", point.context_tokens));
      add(point.scheme);
      add(loss_text(*one.quality));
      add(fmt::format("{:.3f}", *one.quality->top1_agreement));
      add_once((energy ? kEnergy : kTime).name);
      add(cost_text(one));
      add(describe_place(one, candidates));
      table.rows.push_back(std::move(row));
    }
  }
  if (table.rows.empty()) return {};
  return "Cost against loss (front: no other scheme costs less and loses less; perhaps not: by the values, not by the "
         "intervals):\n" +
         to_text(table);
}

}  // namespace qtrap::report
