// The numbers of four and eight bits: e2m1 and e4m3 of OCP's MX 1.0, without infinities.
#pragma once

#include <cstdint>
#include <span>

namespace qtrap::format {

/// `code` 0 to 15: sign, two bits of exponent, one of mantissa: 0, 0.5, 1, 1.5, 2, 3, 4, 6.
float float_from_e2m1(int code);
/// The nearest, of two as near that with an even code; beyond 6 it is 6. Zeros are code 0.
int e2m1_from(float value);

/// Sign, four bits of exponent, three of mantissa; NaN for 0x7F and 0xFF.
float float_from_e4m3(std::uint8_t code);
/// The nearest, of two as near that with an even code; beyond 448 it is 448, never NaN for a number.
std::uint8_t e4m3_from(float value);

/// Place of the number in `table` that is nearest to `value`; the first of two as near.
int nearest(std::span<const float> table, float value);

}  // namespace qtrap::format
