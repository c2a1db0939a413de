// The cell of a point in a result file.
#pragma once

#include "judge/judge.hpp"
#include "result/records.hpp"

namespace qtrap::judge {

/// Device, model, parameters, batch, hops, tokens and context. A point without a device gets an empty one.
CellKey cell_of(const result::PointRecord& point);

}  // namespace qtrap::judge
