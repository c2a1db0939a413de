// out[t][i] = x[t][i] / sqrt(mean_i x[t][i]^2 + eps) * gamma[i]; f16 in and out, f32 inside.
// A row is heads of `width` elements, from `first` on in rows of x and out that are `row` elements apart: t counts heads.
// One head per work-item, vectors of VECTOR_WIDTH: 6 bytes and 3 multiplications per element.
#include "common/common.clh"

CPU_KERNEL void rms_norm_f16_cpu(__global const half* restrict x, __global const half* restrict gamma,
                                 __global half* restrict out, uint width, uint tokens, float eps,
                                 uint heads, uint first, uint row) {
  const size_t t = get_global_id(0);
  if (t >= tokens) return;
  const size_t at = first + t / heads * row + t % heads * width;
  __global const half* from = x + at;
  __global half* to = out + at;
  floatv sums = 0.0f;
  uint i = 0;
  for (; i + VECTOR_WIDTH <= width; i += VECTOR_WIDTH) {
    const floatv value = LOAD_HALFV(from + i);
    sums = fma(value, value, sums);
  }
  float sum = SUM_FLOATV(sums);
  for (; i < width; ++i) {
    const float value = vload_half(i, from);
    sum = fma(value, value, sum);
  }
  const float factor = 1.0f / sqrt(sum / (float)width + eps);
  for (i = 0; i + VECTOR_WIDTH <= width; i += VECTOR_WIDTH) {
    STORE_HALFV(LOAD_HALFV(from + i) * factor * LOAD_HALFV(gamma + i), to + i);
  }
  for (; i < width; ++i) vstore_half_rte(vload_half(i, from) * factor * vload_half(i, gamma), i, to);
}
