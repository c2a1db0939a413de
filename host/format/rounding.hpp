// How codes and scales are rounded, bit for bit as the kernels do (kernels/quantize/quantize_reference.cl).
#pragma once

#include <cstdint>

namespace qtrap::format {

// The kernels multiply by these floats instead of dividing: OpenCL's division is not exact.
inline constexpr float kInverse127 = 0x1.020408p-7F;
inline constexpr float kInverse15 = 0x1.111112p-4F;

/// The integer nearest to the exact product, ties to even.
int round_product(float a, float b);
/// f16 bits of a scale; those of 1 for a span that rounds to 0.
std::uint16_t scale_bits(float span);

}  // namespace qtrap::format
