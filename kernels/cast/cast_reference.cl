// out[i] = in[i] in the other format, i in [0, count); f32 -> f16 rounds to nearest even.
// One element per work-item: 6 bytes, 1 conversion. Precondition: the global size covers count.
__kernel void cast_f16_f32_reference(__global const half* in, __global float* out, uint count) {
  const size_t i = get_global_id(0);
  if (i < count) out[i] = vload_half(i, in);
}

__kernel void cast_f32_f16_reference(__global const float* in, __global half* out, uint count) {
  const size_t i = get_global_id(0);
  if (i < count) vstore_half_rte(in[i], i, out);
}
