// out[i] = in[i] in the other format, i in [0, count); f32 -> f16 rounds to nearest even.
// CAST_VALUES (eight) elements per work-item: 48 bytes, 8 conversions. The f16 side is one 16-byte access, packed in registers.
// Preconditions: in and out start on 16 bytes; the global size covers count / CAST_VALUES, rounded up.
#include "common/common.clh"

#ifndef CAST_VALUES
#error "CAST_VALUES is not defined: it comes from KernelNumbers"
#elif CAST_VALUES != 8
#error "an item has 16 bytes of f16"
#endif

__kernel void cast_f16_f32_gpu(__global const half* in, __global float* out, uint count) {
  const size_t first = get_global_id(0) * CAST_VALUES;
  if (first + CAST_VALUES <= count) {
    const float8 value = half8_of(*(__global const uint4*)(in + first));
    *(__global float4*)(out + first) = value.lo;
    *(__global float4*)(out + first + 4) = value.hi;
    return;
  }
  for (size_t i = first; i < count; ++i) out[i] = vload_half(i, in);
}

__kernel void cast_f32_f16_gpu(__global const float* in, __global half* out, uint count) {
  const size_t first = get_global_id(0) * CAST_VALUES;
  if (first + CAST_VALUES <= count) {
    const float8 value = (float8)(*(__global const float4*)(in + first), *(__global const float4*)(in + first + 4));
    ushort8 packed;
    vstore_half8_rte(value, 0, (half*)&packed);
    *(__global uint4*)(out + first) = as_uint4(packed);
    return;
  }
  for (size_t i = first; i < count; ++i) vstore_half_rte(in[i], i, out);
}
