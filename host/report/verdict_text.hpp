// How tables word what the judge and the fit found: the same in `run`, `fit` and `compare`.
#pragma once

#include <string>
#include <vector>

#include "fit/balance/operation_bound.hpp"
#include "fit/critical.hpp"
#include "fit/hop_slope.hpp"
#include "fit/ratios.hpp"

namespace qtrap::report {

/// An axis along which the ratio may cross 1.
struct AxisName {
  fit::Axis axis;
  const char* name;  ///< "N*"
};
inline constexpr AxisName kAxisNames[] = {
    {fit::Axis::kParams, "N*"}, {fit::Axis::kBatch, "B*"}, {fit::Axis::kHops, "H*"}};

/// "4×4", "4×4, C 2048", "1×1, prefill".
std::string chain_text(const judge::CellKey& cell);

/// ", prefill"; empty of decode, which goes without saying.
std::string phase_text(result::Phase phase);

/// What stays fixed along the axis: "qwen, B 1, 4×4".
std::string place_text(const fit::Critical& critical);

/// "trap"; of what is undecided, why or what could have been seen: "undecided (one session)", "undecided (sees 1.05)".
std::string verdict_text(const fit::Ratio& ratio);

/// "1.27 [1.004, 1.63] trap".
std::string ratio_text(const fit::Ratio& ratio);

/// "2.4e+09 [1.7e+09, 4e+09]", "above 6e+09 (trapped up to there)", "never trapped"; "between 1e+09 and 4e+09" where
/// signs of single values are all there is.
std::string crossing_text(const fit::Critical& critical);

/// What the interval is over; "signs alone" where there is none.
std::string basis_text(const fit::Critical& critical);

/// "1.04 [1.01, 1.07]": of the ratio per doubling of hops.
std::string slope_text(const fit::HopSlope& slope);

/// A heading and a row per slope; empty without one.
std::string describe_hops(const std::vector<fit::HopSlope>& slopes);

/// Likewise: from which batch each scheme is bound by instructions, predicted beside measured; a row names all chains
/// of which it holds.
std::string describe_bounds(const std::vector<fit::OperationBound>& bounds);

}  // namespace qtrap::report
