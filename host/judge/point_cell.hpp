// The cell of a point in a result file, and what it holds of spreads.
#pragma once

#include "judge/judge.hpp"
#include "result/records.hpp"

namespace qtrap::judge {

/// Device, model, parameters, batch, hops, tokens, context and phase. A point without a device gets an empty one.
CellKey cell_of(const result::PointRecord& point);

/// The published spread of an imported point's time or energy; none where nothing was published. Without a number of
/// replicates the normal law stands for Student's.
std::optional<PublishedSpread> time_spread_of(const result::PointRecord& point);
std::optional<PublishedSpread> energy_spread_of(const result::PointRecord& point);

}  // namespace qtrap::judge
