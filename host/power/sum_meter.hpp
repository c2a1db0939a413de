// Several meters read as one: the packages of a CPU device, with the memory zones beside them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "power/meter.hpp"

namespace qtrap::power {

/// The sum of at least one meter's counters (and of their powers where all have one). Each part's wraps are
/// taken out before adding; a part that resets makes the sum fall back, so that it is seen as a reset; while
/// one part gives no reading, neither does the sum. `notes` join those of the first part: what the sum leaves out.
std::shared_ptr<Meter> make_sum_meter(std::vector<std::shared_ptr<Meter>> parts, const Clock& clock,
                                      std::vector<std::string> notes = {});

}  // namespace qtrap::power
