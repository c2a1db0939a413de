// How far the phases of a window may be from its wall time.
#pragma once

namespace qtrap::result {

/// |closure_time| above which a point's phases are doubtful.
inline constexpr double kDoubtfulClosure = 0.05;
/// |closure_time| above which a point has none, beyond what launching and waiting explain, and by how much the phases
/// of a trial may exceed its window: stamps of another clock.
inline constexpr double kMostClosure = 0.20;

}  // namespace qtrap::result
