// Ratios of the judge as the fields of a point in a result file.
#pragma once

#include <optional>
#include <string>

#include "judge/judge.hpp"
#include "result/records.hpp"

namespace qtrap::judge {

/// Where a quantity's ratio stands in a point; the last five are null for a ratio without a verdict.
struct RatioFields {
  using Number = std::optional<double> result::PointRecord::*;
  Number value, low, high;
  std::optional<Basis> result::PointRecord::*basis = nullptr;
  Number degrees_of_freedom = nullptr, p_value = nullptr, detectable = nullptr;
  std::optional<Verdict> result::PointRecord::*verdict = nullptr;
};

using R = result::PointRecord;
inline constexpr RatioFields kTimeRatio{
    &R::time_ratio,    &R::time_ratio_low, &R::time_ratio_high,       &R::time_ratio_basis,
    &R::time_ratio_df, &R::time_ratio_p,   &R::time_ratio_detectable, &R::verdict_time};
inline constexpr RatioFields kGrossRatio{
    &R::energy_ratio,    &R::energy_ratio_low, &R::energy_ratio_high,       &R::energy_ratio_basis,
    &R::energy_ratio_df, &R::energy_ratio_p,   &R::energy_ratio_detectable, &R::verdict_energy};
inline constexpr RatioFields kNetRatio{&R::energy_net_ratio, &R::energy_net_ratio_low, &R::energy_net_ratio_high};

/// Writes a judgement into the point's fields.
void write_ratio(const Judgement& one, const RatioFields& fields, result::PointRecord& point);

/// Takes back what no sensor read of this device: an energy that is estimated or simulated says of energy what
/// time says, so its verdict becomes kNoMeter.
void withdraw_unread_energy(result::PointRecord& point);

}  // namespace qtrap::judge
