#include "import/import_ratios.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "core/anchor.hpp"
#include "core/statistics.hpp"
#include "judge/judge.hpp"
#include "judge/point_cell.hpp"
#include "judge/point_ratio.hpp"

namespace qtrap::importer {
namespace {

using result::PointRecord;
using Points = std::vector<PointRecord>;

/// One quantity of a point, and where its ratio goes.
struct Quantity {
  std::optional<double> PointRecord::*value;
  judge::RatioFields fields;
  std::function<std::optional<judge::PublishedSpread>(const PointRecord&)> spread;
};

const std::vector<Quantity>& quantities() {
  static const std::vector<Quantity> kAll{{&PointRecord::time_s, judge::kTimeRatio, judge::time_spread_of},
                                          {&PointRecord::energy_gross_j, judge::kGrossRatio, judge::energy_spread_of},
                                          {&PointRecord::energy_net_j, judge::kNetRatio,
                                           [](const PointRecord&) { return std::optional<judge::PublishedSpread>(); }}};
  return kAll;
}

std::vector<judge::Observation> observe(const Points& points, const Quantity& quantity) {
  std::vector<judge::Observation> all;
  for (const PointRecord& point : points) {
    const std::optional<double>& value = point.*quantity.value;
    if (!value || *value <= 0) continue;
    all.push_back({judge::cell_of(point), point.scheme, point.session_ids.front(), 0, *value, false,
                   quantity.spread(point), point.anchor_table.has_value()});
  }
  return all;
}

using Key = std::pair<judge::CellKey, std::string>;

/// Ratios within each session.
void write_own(Points& points, const Quantity& quantity) {
  std::map<std::string, std::vector<judge::Observation>> sessions;
  for (judge::Observation& one : observe(points, quantity)) sessions[one.session].push_back(std::move(one));
  std::map<std::pair<std::string, Key>, PointRecord*> places;
  for (PointRecord& point : points) places[{point.session_ids.front(), {judge::cell_of(point), point.scheme}}] = &point;
  for (const auto& [session, observations] : sessions) {
    for (const judge::Judgement& one : judge::judge(observations))
      judge::write_ratio(one, quantity.fields, *places.at({session, {one.cell, one.scheme}}));
  }
}

std::optional<double> find_median(const std::vector<const PointRecord*>& points,
                                  std::optional<double> PointRecord::*member) {
  std::vector<double> values;
  for (const PointRecord* point : points) {
    if (point->*member) values.push_back(*(point->*member));
  }
  return values.empty() ? std::nullopt : std::optional(compute_median(values));
}

/// Leaves anchors of another table out where there are others.
void keep_own(std::vector<const PointRecord*>& points) {
  const auto is_foreign = [](const PointRecord* point) { return point->anchor_table.has_value(); };
  if (!std::all_of(points.begin(), points.end(), is_foreign)) std::erase_if(points, is_foreign);
}

/// Medians over sessions, without a ratio.
PointRecord pool(const std::vector<const PointRecord*>& points) {
  PointRecord pooled = *points.front();
  pooled.point_id = *pooled.device_id + "|" + pooled.cell_id + "|" + pooled.scheme;
  pooled.session_ids.clear();
  pooled.trials = 0;
  for (const PointRecord* point : points) {
    pooled.session_ids.push_back(point->session_ids.front());
    pooled.trials += point->trials;
    if (point->energy_gross_j) {
      pooled.energy_method = point->energy_method;
      pooled.energy_status = point->energy_status;
    }
  }
  pooled.sessions = static_cast<std::int64_t>(points.size());
  for (auto member : {&PointRecord::time_s, &PointRecord::time_per_token_s, &PointRecord::energy_gross_j,
                      &PointRecord::energy_idle_j, &PointRecord::energy_net_j, &PointRecord::energy_per_token_j})
    pooled.*member = find_median(points, member);
  for (auto member : {&PointRecord::time_s_low, &PointRecord::time_s_high, &PointRecord::energy_gross_j_low,
                      &PointRecord::energy_gross_j_high, &PointRecord::time_error, &PointRecord::energy_error,
                      &PointRecord::cor_operational})
    (pooled.*member).reset();
  for (const Quantity& quantity : quantities()) {
    const judge::RatioFields& fields = quantity.fields;
    for (auto member : {fields.value, fields.low, fields.high, fields.degrees_of_freedom}) {
      if (member != nullptr) (pooled.*member).reset();
    }
    if (fields.basis != nullptr) (pooled.*fields.basis).reset();
    if (fields.verdict != nullptr) (pooled.*fields.verdict).reset();
  }
  pooled.replicates.reset();
  pooled.interval_method.reset();
  return pooled;
}

/// Judgements over several sessions, by quantity.
using Judged = std::map<Key, std::vector<std::pair<const Quantity*, judge::Judgement>>>;

Judged judge_all(const Points& points) {
  Judged judged;
  for (const Quantity& quantity : quantities()) {
    for (judge::Judgement& one : judge::judge(observe(points, quantity))) {
      if (one.sessions.size() < 2) continue;
      Key key{one.cell, one.scheme};
      judged[key].emplace_back(&quantity, std::move(one));
    }
  }
  return judged;
}

void add_pooled(Points& points) {
  const Judged judged = judge_all(points);
  std::set<Key> wanted;
  for (const auto& [key, judgements] : judged) wanted.insert({key, {key.first, kAnchor}});
  std::map<Key, std::vector<const PointRecord*>> groups;
  for (const PointRecord& point : points) groups[{judge::cell_of(point), point.scheme}].push_back(&point);
  for (auto& [key, group] : groups) keep_own(group);
  Points pooled;
  for (const Key& key : wanted) {
    PointRecord& point = pooled.emplace_back(pool(groups.at(key)));
    const auto found = judged.find(key);
    if (found == judged.end()) continue;
    point.no_effect_margin = judge::Options().no_effect_margin;
    for (const auto& [quantity, judgement] : found->second) judge::write_ratio(judgement, quantity->fields, point);
    if (point.time_ratio) point.cor_operational = *point.time_ratio - 1;
    judge::withdraw_unread_energy(point);
  }
  points.insert(points.end(), pooled.begin(), pooled.end());
}

}  // namespace

void add_ratios(Points& points) {
  for (const Quantity& quantity : quantities()) write_own(points, quantity);
  for (PointRecord& point : points) {
    if (point.time_ratio) point.cor_operational = *point.time_ratio - 1;
  }
  add_pooled(points);
}

}  // namespace qtrap::importer
