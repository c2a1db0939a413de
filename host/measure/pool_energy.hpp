// Energies of a point from its trials: gross, idle, net, by phase, and their ratios to f16.
#pragma once

#include "measure/pool_blocks.hpp"
#include "result/records.hpp"

namespace qtrap::measure {

/// Fills the energy fields of `point`; counts are multiplied by `scale` (layers of the shape over layers run). Requires
/// time_s, phase times and gap of the point. Without an energy the status says why; an estimate (TDP x time) gives
/// energies and ratios but no verdict. Phase energies come from phase loops; `unattributable` without one, since a
/// phase inside a chain is shorter than any sensor can tell.
void add_energy(const SchemeTrials& trials, const SchemeTrials& anchor, double scale, result::PointRecord& point);

}  // namespace qtrap::measure
