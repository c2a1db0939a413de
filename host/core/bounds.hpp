// Bounds that several layers hold a number to.
#pragma once

namespace qtrap {

/// Longest period, window, delay or rise of a sensor [s]: beyond any sensor; windows as long as a campaign would
/// follow.
inline constexpr double kLongestSensor = 600;

}  // namespace qtrap
