// out[t][i] = x[t][i] / sqrt(mean_i x[t][i]^2 + eps) * gamma[i]; f16 in and out, f32 inside.
// A row is heads of `width` elements, from `first` on in rows of x and out that are `row` elements apart: t counts heads.
// One work-group of WORK_GROUP (a power of two from 64 on) items per head, which stays in registers between the sum and the
// products (common/group_rows.clh): 16-byte accesses, x once.
#include "common/common.clh"
#include "common/instructions.clh"
#define EXCHANGE_FENCE (CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE)  // out may be x
#include "common/group_rows.clh"

#define ADD(a, b) ((a) + (b))
DEFINE_OF_GROUP(float, sum_of_group, ADD)

GPU_KERNEL void rms_norm_f16_gpu(__global const half* x, __global const half* gamma, __global half* out, uint width,
                                 uint tokens, float eps, uint heads, uint first, uint row) {
  __local float exchange[EXCHANGED];
  const uint t = (uint)get_group_id(0);
  if (t >= tokens) return;
  const size_t at = first + (size_t)(t / heads) * row + t % heads * width;
  const bool aligned = (width | first | row) % 8 == 0;
  __global const half* from = x + at;
  __global half* to = out + at;
  uint4 kept[KEPT], weights[KEPT];
  const uint vectors = width / 8;
  float sum = 0.0f;
  if (aligned) {
    float8 sums = (float8)(0.0f);
    for (uint block = last_block(vectors);; block -= BLOCK) {
      load_block(kept, from, block, vectors);
      EACH_KEPT(block, vectors) {
        const float8 value = half8_of(v < vectors ? kept[i] : (uint4)(0));
        sums = fma(value, value, sums);
      }
      if (block == 0) break;
    }
    sum = sum8(sums);
    load_block(weights, gamma, 0, vectors);  // before the exchange is waited for
  } else {
    for (uint i = (uint)get_local_id(0); i < width; i += WORK_GROUP) {
      const float value = vload_half(i, from);
      sum = fma(value, value, sum);
    }
  }
  const float factor = 1.0f / sqrt(sum_of_group(sum, exchange) / (float)width + eps);
  if (aligned) {
    for (uint block = 0; block < vectors; block += BLOCK) {
      if (block > 0) {
        load_block(kept, from, block, vectors);
        load_block(weights, gamma, block, vectors);
      }
      EACH_KEPT(block, vectors) {
        if (v < vectors) store_packed(half8_of(kept[i]) * factor * half8_of(weights[i]), to + 8 * (size_t)v);
      }
    }
    return;
  }
  for (uint i = (uint)get_local_id(0); i < width; i += WORK_GROUP) {
    vstore_half_rte(vload_half(i, from) * factor * vload_half(i, gamma), i, to);
  }
}
