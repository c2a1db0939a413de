#include "fit/row.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace qtrap::fit {
namespace {

bool is_count(double value) { return std::isfinite(value) && value >= 0; }

bool are_counts(const Counts& counts) {
  for (const MacCount& macs : counts.macs) {
    if (!is_count(macs.count)) return false;
  }
  return is_count(counts.bytes) && is_count(counts.dequantized_weights) && is_count(counts.cast_elements) &&
         is_count(counts.launches) && is_count(counts.syncs);
}

/// Windows of one chain may differ by rounding after the division by their repetitions.
bool nearly_equal(double a, double b) { return std::abs(a - b) <= 1e-6 * std::max(std::abs(a), std::abs(b)); }

bool same_work(const Workload& a, const Workload& b) {
  return a.scheme == b.scheme && a.cell == b.cell && nearly_equal(a.batch, b.batch) &&
         nearly_equal(a.counts.bytes, b.counts.bytes) && nearly_equal(a.counts.launches, b.counts.launches) &&
         nearly_equal(a.counts.dequantized_weights, b.counts.dequantized_weights) &&
         nearly_equal(a.counts.cast_elements, b.counts.cast_elements);
}

}  // namespace

judge::CellKey cell_of(const Workload& work) {
  return {work.device, work.model,   work.params, work.batch, work.hops,
          work.tokens, work.context, work.family, work.phase};
}

std::optional<std::string> find_defect(std::span<const Row> rows) {
  if (rows.empty()) return "no measured window without a flag";
  std::map<std::string, const Workload*> seen;
  for (const Row& row : rows) {
    const Workload& work = row.workload;
    if (!row.time_s && !row.energy_j) return "neither time nor energy at " + work.point_id;
    if (row.time_s && (!std::isfinite(*row.time_s) || *row.time_s <= 0)) {
      return "a time that is not positive at " + work.point_id;
    }
    if (row.energy_j && (!std::isfinite(*row.energy_j) || *row.energy_j <= 0)) {
      return "an energy that is not positive at " + work.point_id;
    }
    if (row.session < 0) return "a negative session at " + work.point_id;
    if (!are_counts(work.counts)) return "a count that is negative or not finite at " + work.point_id;
    if (work.device != rows.front().workload.device) {
      return "more than one device (" + rows.front().workload.device + ", " + work.device + ")";
    }
    const auto [place, inserted] = seen.try_emplace(work.point_id, &work);
    if (!inserted && !same_work(*place->second, work)) return "windows that differ in their work at " + work.point_id;
  }
  return std::nullopt;
}

}  // namespace qtrap::fit
