// Ratios of imported points, as the one judge finds them.
#pragma once

#include <vector>

#include "result/records.hpp"

namespace qtrap::importer {

/// Writes into each point, which is of one session, its ratios to the f16 point of that session: with an interval where
/// both have a published spread, and never decided. Appends a point for each configuration that several sessions hold
/// beside their anchor, and one for such an anchor: medians over the sessions, and the judge's ratios and verdicts over
/// them, which are those of `fit` and `compare`.
void add_ratios(std::vector<result::PointRecord>& points);

}  // namespace qtrap::importer
