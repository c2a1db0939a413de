// Near-normal numbers from a counter: value i takes word i % 4 of Philox4x32-10 at counter {i / 4, tensor}, key seed;
//   n = (sum of the word's four bytes - 510) / sqrt(21845),  out[i] = sigma n.
// The host passes unit = f32(sigma / sqrt(21845)): one exact int-to-float conversion and one multiplication, so the
// bits are the same on every device and on the host (f16: then rounded to nearest even).
// One work-item per RANDOM_VALUES (four) values; bytes: out once; about 100 integer operations per four values.
// Precondition: count < 2^32.
#include "common/common.clh"
#include "common/philox.clh"

#ifndef RANDOM_VALUES
#error "RANDOM_VALUES is not defined: it comes from KernelNumbers"
#elif RANDOM_VALUES != 4
#error "a counter gives four words"
#endif

static inline float4 near_normal(uint block, uint2 tensor, uint2 seed, float unit) {
  const uint4 word = philox4x32((uint4)(block, 0, tensor.x, tensor.y), seed);
  const int4 sum = convert_int4((word & 255u) + ((word >> 8) & 255u) + ((word >> 16) & 255u) + (word >> 24));
  return convert_float4(sum - 510) * unit;
}

__kernel void random_f16_reference(__global half* out, uint count, float unit, uint seed_low, uint seed_high,
                                   uint tensor_low, uint tensor_high) {
  const size_t first = get_global_id(0) * RANDOM_VALUES;
  if (first >= count) return;
  const float4 value = near_normal((uint)(first / RANDOM_VALUES), (uint2)(tensor_low, tensor_high), (uint2)(seed_low, seed_high), unit);
  if (first + RANDOM_VALUES <= count) {
    vstore_half4_rte(value, 0, out + first);
    return;
  }
  vstore_half_rte(value.x, first, out);
  if (first + 1 < count) vstore_half_rte(value.y, first + 1, out);
  if (first + 2 < count) vstore_half_rte(value.z, first + 2, out);
}

__kernel void random_f32_reference(__global float* out, uint count, float unit, uint seed_low, uint seed_high,
                                   uint tensor_low, uint tensor_high) {
  const size_t first = get_global_id(0) * RANDOM_VALUES;
  if (first >= count) return;
  const float4 value = near_normal((uint)(first / RANDOM_VALUES), (uint2)(tensor_low, tensor_high), (uint2)(seed_low, seed_high), unit);
  if (first + RANDOM_VALUES <= count) {
    vstore4(value, 0, out + first);
    return;
  }
  out[first] = value.x;
  if (first + 1 < count) out[first + 1] = value.y;
  if (first + 2 < count) out[first + 2] = value.z;
}
