// tdp:WATTS: no meter but a constant, for setting results beside papers that computed energy as TDP x time.
// Labelled estimated everywhere.
#pragma once

#include <memory>

#include "core/clock.hpp"
#include "power/meter.hpp"

namespace qtrap::power {

/// A "meter" that always reads `watts` (> 0).
std::shared_ptr<Meter> make_estimate_meter(Watts watts, const Clock& clock);

}  // namespace qtrap::power
