#include "judge/point_ratio.hpp"

#include <cmath>

namespace qtrap::judge {

void write_ratio(const Judgement& one, const RatioFields& fields, result::PointRecord& point) {
  point.*fields.value = std::exp(one.log_ratio);
  if (one.interval) {
    point.*fields.low = std::exp(one.interval->low);
    point.*fields.high = std::exp(one.interval->high);
  }
  if (fields.verdict == nullptr) return;
  if (one.basis != Basis::kNone) point.*fields.basis = one.basis;
  if (one.interval) point.*fields.degrees_of_freedom = one.degrees_of_freedom;
  point.*fields.p_value = one.p_value;
  if (const auto detectable = find_detectable(one)) point.*fields.detectable = std::exp(*detectable);
  point.*fields.verdict = one.verdict;
}

void withdraw_unread_energy(result::PointRecord& point) {
  if (!point.energy_method || result::is_read_by_sensor(*point.energy_method)) return;
  if (point.verdict_energy) point.verdict_energy = Verdict::kNoMeter;
  for (auto* figure : {&point.energy_ratio_df, &point.energy_ratio_p, &point.energy_ratio_detectable}) figure->reset();
  point.energy_ratio_basis.reset();
}

}  // namespace qtrap::judge
