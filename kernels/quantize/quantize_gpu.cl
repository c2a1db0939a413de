// Quantizers of the GPU family: one work-group of WORK_GROUP (a power of two) items per row or token, a local-memory tree
// for the largest magnitude, neighbours on neighbouring elements. Formulas and preconditions as in
// quantize_reference.cl, bit for bit. Work-group r: row or token r. Group sums: one item per group of GROUP columns.
// quantize_weights_f16_i4 needs no exchange and is the reference's.
#include "common/common.clh"

static inline float largest_magnitude(__global const half* row, uint columns, __local float* exchange) {
  const uint lane = (uint)get_local_id(0);
  float top = 0.0f;
  for (uint k = lane; k < columns; k += WORK_GROUP) {
    const float magnitude = fabs(vload_half(k, row));
    top = magnitude > top ? magnitude : top;
  }
  exchange[lane] = top;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint step = WORK_GROUP / 2; step > 0; step /= 2) {
    if (lane < step) {
      const float other = exchange[lane + step];
      exchange[lane] = other > exchange[lane] ? other : exchange[lane];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  return exchange[0];
}

__attribute__((reqd_work_group_size(WORK_GROUP, 1, 1))) __kernel void quantize_f16_i8_gpu(
    __global const half* x, __global char* codes, __global float* scales, uint columns, uint tokens) {
  __local float exchange[WORK_GROUP];
  const size_t t = get_group_id(0);
  if (t >= tokens) return;
  __global const half* row = x + t * columns;
  const float top = largest_magnitude(row, columns, exchange);
  const float inverse = activation_inverse(top);
  for (uint k = (uint)get_local_id(0); k < columns; k += WORK_GROUP) {
    codes[t * columns + k] = (char)round_product(vload_half(k, row), inverse);
  }
  if (get_local_id(0) == 0) scales[t] = activation_scale(top);
}

__attribute__((reqd_work_group_size(WORK_GROUP, 1, 1))) __kernel void quantize_f16_i8_sums_gpu(
    __global const half* x, __global char* codes, __global float* scales, __global int* sums, uint columns, uint tokens) {
  __local float exchange[WORK_GROUP];
  const size_t t = get_group_id(0);
  if (t >= tokens) return;
  __global const half* row = x + t * columns;
  const float top = largest_magnitude(row, columns, exchange);
  const float inverse = activation_inverse(top);
  const uint groups = (columns + GROUP - 1) / GROUP;
  for (uint k = (uint)get_local_id(0); k < columns; k += WORK_GROUP) {
    codes[t * columns + k] = (char)round_product(vload_half(k, row), inverse);
  }
  for (uint g = (uint)get_local_id(0); g < groups; g += WORK_GROUP) {
    int sum = 0;
    for (uint k = g * GROUP; k < min((g + 1) * GROUP, columns); ++k) sum += round_product(vload_half(k, row), inverse);
    sums[t * groups + g] = sum;
  }
  if (get_local_id(0) == 0) scales[t] = activation_scale(top);
}

__attribute__((reqd_work_group_size(WORK_GROUP, 1, 1))) __kernel void quantize_weights_f16_i8_gpu(
    __global const half* in, __global char* codes, __global half* scales, uint rows, uint columns) {
  __local float exchange[WORK_GROUP];
  const size_t r = get_group_id(0);
  if (r >= rows) return;
  __global const half* row = in + r * columns;
  const float scale = int8_weight_scale(largest_magnitude(row, columns, exchange));
  const float inverse = exact_reciprocal(scale);
  for (uint k = (uint)get_local_id(0); k < columns; k += WORK_GROUP) {
    codes[r * columns + k] = (char)clamp(round_product(vload_half(k, row), inverse), -127, 127);
  }
  if (get_local_id(0) == 0) vstore_half_rte(scale, r, scales);
}
