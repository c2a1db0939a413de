// Ratios of pooled points to their f16 anchor, as the judge finds them: time, gross and net energy. Private to pooling.
#pragma once

#include <span>

#include "judge/judge.hpp"
#include "pool/pool_blocks.hpp"

namespace qtrap::pool {

/// A point but for its ratios, and the trials it was pooled from.
struct PooledScheme {
  result::PointRecord point;
  SchemeTrials trials;
};

/// Fills ratios, intervals and verdicts of all points of status ok. All points of a device are judged together, for
/// they share what is known of the spread between sessions. An estimated or simulated energy gets a ratio and no
/// verdict. A confidence that is not the usual one is stated in the points.
void add_ratios(std::span<PooledScheme> schemes, const judge::Options& options);

}  // namespace qtrap::pool
