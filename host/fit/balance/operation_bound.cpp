#include "fit/balance/operation_bound.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "judge/point_cell.hpp"

namespace qtrap::fit {
namespace {

/// A time above the smallest batch's by more is no longer that of reading the same bytes.
constexpr double kLonger = 1.25;

struct Place {
  double batch, time_s;
};

void set_measured(const std::vector<Place>& places, OperationBound& bound) {
  for (const Place& place : places) bound.batches.push_back(place.batch);
  if (places.size() < 2) return;
  const auto longer = std::find_if(places.begin(), places.end(),
                                   [&](const Place& one) { return one.time_s > kLonger * places.front().time_s; });
  bound.measured_bound_low = std::prev(longer)->batch;
  if (longer != places.end()) bound.measured_bound_high = longer->batch;
}

}  // namespace

std::vector<OperationBound> find_operation_bounds(std::span<const result::PointRecord> points) {
  std::map<std::pair<judge::CellKey, std::string>, std::pair<OperationBound, std::vector<Place>>> groups;
  for (const result::PointRecord& point : points) {
    if (point.status != result::PointStatus::kOk || !point.predicted_bound_batch || !point.time_s) continue;
    if (point.trials_flagged == point.trials) continue;
    // A prompt multiplies all of its tokens at once: its batch is not what binds it.
    if (point.phase == result::Phase::kPrefill) continue;
    judge::CellKey cell = judge::cell_of(point);
    const double batch = std::exchange(cell.batch, 0);
    auto& [bound, places] = groups[{cell, point.scheme}];
    // That of the largest batch stays: its kernels use the unit that large batches do.
    if (places.empty() || batch >= std::max_element(places.begin(), places.end(), [](const Place& a, const Place& b) {
                                     return a.batch < b.batch;
                                   })->batch) {
      bound = {cell,
               point.scheme,
               point.unpack_operations.value_or(0),
               point.operation_budget.value_or(0),
               *point.predicted_bound_batch,
               point.predicted_slower_batch,
               {},
               {},
               {}};
    }
    places.push_back({batch, *point.time_s});
  }
  std::vector<OperationBound> bounds;
  for (auto& [key, group] : groups) {
    auto& [bound, places] = group;
    std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.batch < b.batch; });
    set_measured(places, bound);
    bounds.push_back(std::move(bound));
  }
  return bounds;
}

}  // namespace qtrap::fit
