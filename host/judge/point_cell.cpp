#include "judge/point_cell.hpp"

namespace qtrap::judge {
namespace {

std::optional<PublishedSpread> spread_of(const std::optional<double>& error, const result::PointRecord& point) {
  constexpr double kManyDegrees = 1e6;
  if (!error || *error <= 0) return std::nullopt;
  const double degrees = point.replicates ? static_cast<double>(*point.replicates) - 1 : kManyDegrees;
  return degrees >= 1 ? std::optional(PublishedSpread{*error, degrees}) : std::nullopt;
}

}  // namespace

CellKey cell_of(const result::PointRecord& point) {
  return {point.device_id.value_or(""),
          point.model,
          static_cast<double>(point.params),
          static_cast<double>(point.batch),
          static_cast<double>(point.hops),
          static_cast<double>(point.tokens_per_hop),
          static_cast<double>(point.context_tokens),
          point.model_family.value_or(""),
          point.phase};
}

std::optional<PublishedSpread> time_spread_of(const result::PointRecord& point) {
  return spread_of(point.time_error, point);
}

std::optional<PublishedSpread> energy_spread_of(const result::PointRecord& point) {
  return spread_of(point.energy_error, point);
}

}  // namespace qtrap::judge
