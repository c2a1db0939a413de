// How tables word what the judge and the fit found: the same in `fit` and `compare`.
#pragma once

#include <string>

#include "fit/critical.hpp"
#include "fit/hop_slope.hpp"
#include "fit/ratios.hpp"

namespace qtrap::report {

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

}  // namespace qtrap::report
