// Energies of a point from its trials: gross, idle, net, by phase, and their ratios to f16.
#pragma once

#include "pool/pool_blocks.hpp"
#include "result/records.hpp"

namespace qtrap::pool {

/// Energies of one window [J], none where it was not measured: as the meter reads it, and less its idle share.
std::optional<double> gross_of(const result::TrialRecord& trial);
std::optional<double> net_of(const result::TrialRecord& trial);

/// Fills the energy fields of `point` but its ratios; counts are multiplied by `scale` (layers of the shape over layers
/// run). Requires time_s, phase times and gap of the point. Without an energy the status says why. Phase energies come
/// from phase loops; `unattributable` without one, since a phase inside a chain is shorter than any sensor can tell.
void add_energy(const SchemeTrials& trials, double scale, result::PointRecord& point);

}  // namespace qtrap::pool
