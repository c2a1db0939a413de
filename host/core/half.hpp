// IEEE 754 binary16 on the host: storage type and conversions with round to nearest even.
#pragma once

#include <cstdint>

namespace qtrap {

/// Bits of the half nearest to `value`, ties to even, overflow to infinity.
std::uint16_t half_from_float(float value);

/// The value of a half, exact.
float float_from_half(std::uint16_t bits);

}  // namespace qtrap
