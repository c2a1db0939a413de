// out[t][i] = x[t][i] / sqrt(mean_i x[t][i]^2 + eps) * gamma[i]; f16 in and out, f32 inside.
// A row is heads of `width` elements, from `first` on in rows of x and out that are `row` elements apart: t counts heads.
// One head per work-item: 6 bytes and 3 multiplications per element. Precondition: the global size covers tokens.
#include "common/common.clh"

__kernel void rms_norm_f16_reference(__global const half* x, __global const half* gamma, __global half* out, uint width,
                                     uint tokens, float eps, uint heads, uint first, uint row) {
  const size_t t = get_global_id(0);
  if (t >= tokens) return;
  const size_t at = first + t / heads * row + t % heads * width;
  float sum = 0.0f;
  for (uint i = 0; i < width; ++i) {
    const float value = vload_half(at + i, x);
    sum = fma(value, value, sum);
  }
  const float factor = 1.0f / sqrt(sum / (float)width + eps);
  for (uint i = 0; i < width; ++i) {
    vstore_half_rte(vload_half(at + i, x) * factor * vload_half(i, gamma), at + i, out);
  }
}
