// IEEE 754 binary16 on the host, by Eigen: storage type and conversions with round to nearest even.
#pragma once

#include <Eigen/Core>
#include <cstdint>

namespace qtrap {

/// Bits of the half nearest to `value`, ties to even, overflow to infinity.
inline std::uint16_t half_from_float(float value) { return Eigen::numext::bit_cast<std::uint16_t>(Eigen::half(value)); }

/// The value of a half, exact.
inline float float_from_half(std::uint16_t bits) {
  return static_cast<float>(Eigen::numext::bit_cast<Eigen::half>(bits));
}

}  // namespace qtrap
