// out[t][i] = x[t][i] / sqrt(mean_i x[t][i]^2 + 1e-6) * gamma[i]; f16 in and out, f32 inside.
// One work-group of WORK_GROUP (a power of two) items per token, a local-memory tree for the sum of squares.
#include "common/common.clh"

__attribute__((reqd_work_group_size(WORK_GROUP, 1, 1))) __kernel void rms_norm_f16_gpu(
    __global const half* x, __global const half* gamma, __global half* out, uint width, uint tokens) {
  __local float exchange[WORK_GROUP];
  const uint lane = (uint)get_local_id(0);
  const size_t t = get_group_id(0);
  if (t >= tokens) return;
  float sum = 0.0f;
  for (uint i = lane; i < width; i += WORK_GROUP) {
    const float value = vload_half(t * width + i, x);
    sum = fma(value, value, sum);
  }
  exchange[lane] = sum;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint step = WORK_GROUP / 2; step > 0; step /= 2) {
    if (lane < step) exchange[lane] += exchange[lane + step];
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  const float factor = 1.0f / sqrt(exchange[0] / (float)width + 1e-6f);
  for (uint i = lane; i < width; i += WORK_GROUP) {
    vstore_half_rte(vload_half(t * width + i, x) * factor * vload_half(i, gamma), t * width + i, out);
  }
}
