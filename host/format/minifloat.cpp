#include "format/minifloat.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qtrap::format {
namespace {

/// A number of sign, exponent (with `bias`) and `mantissa` bits, below `top_code`.
struct Minifloat {
  int mantissa, bias, top_code;

  int exponent_of_subnormals() const { return 1 - bias; }

  float value(int magnitude) const {
    const int exponent = magnitude >> mantissa;
    const int fraction = magnitude & ((1 << mantissa) - 1);
    if (exponent == 0) return std::ldexp(static_cast<float>(fraction), exponent_of_subnormals() - mantissa);
    return std::ldexp(static_cast<float>(fraction + (1 << mantissa)), exponent - bias - mantissa);
  }

  /// Code of the nearest magnitude. A mantissa that is rounded up to the next power of two carries into the exponent.
  int code(float magnitude) const {
    if (magnitude == 0) return 0;
    const int exponent = std::max(std::ilogb(magnitude), exponent_of_subnormals());
    const auto units = static_cast<int>(std::nearbyint(std::ldexp(magnitude, mantissa - exponent)));
    return (exponent - exponent_of_subnormals()) * (1 << mantissa) + units;
  }

  int nearest_code(float magnitude) const {
    return magnitude >= value(top_code) ? top_code : std::min(code(magnitude), top_code);
  }
};

constexpr Minifloat kE2m1{1, 1, 7};
constexpr Minifloat kE4m3{3, 7, 0x7E};

}  // namespace

float float_from_e2m1(int code) { return (code & 8) != 0 ? -kE2m1.value(code & 7) : kE2m1.value(code & 7); }

int e2m1_from(float value) {
  const int magnitude = kE2m1.nearest_code(std::fabs(value));
  return magnitude > 0 && value < 0 ? magnitude | 8 : magnitude;
}

float float_from_e4m3(std::uint8_t code) {
  const int magnitude = code & 0x7F;
  if (magnitude > kE4m3.top_code) return std::numeric_limits<float>::quiet_NaN();
  return (code & 0x80U) != 0 ? -kE4m3.value(magnitude) : kE4m3.value(magnitude);
}

std::uint8_t e4m3_from(float value) {
  const int magnitude = kE4m3.nearest_code(std::fabs(value));
  return static_cast<std::uint8_t>(std::signbit(value) ? magnitude | 0x80 : magnitude);
}

int nearest(std::span<const float> table, float value) {
  const auto closer = [&](float a, float b) { return std::fabs(a - value) < std::fabs(b - value); };
  return static_cast<int>(std::min_element(table.begin(), table.end(), closer) - table.begin());
}

}  // namespace qtrap::format
