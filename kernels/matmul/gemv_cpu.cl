// y[t][r] = sum_k w[r][k] x[t][k] for 1 to 8 tokens on the CPU family, weights of f16 and int8 (int4: gemv_i4_cpu.cl).
// Formats as in matmul_reference.cl, blocks as in common/gemv_blocks.clh. Bytes: weights once, x once per work-item (from
// cache).
//   f16_f16  per weight 2 bytes, 1 conversion, TOKENS fma.
//   i8_f16   per weight 1 byte, 2 conversions, TOKENS fma; row scale at the end.
//   i8_i8    per weight 1 byte; products of 16 bits, two of them (<= 2 * 127 * 127 = 32258) summed before they widen.
// Tunables: VECTOR_WIDTH, TOKENS, ROWS (1 to 8). INSTRUCTIONS_AVX2 (common/x86.clh): the products of i8_i8 by pmaddwd, half
// the instructions.
#include "common/gemv_blocks.clh"

/// Scales of rows first .. first + 7, the last one again for those beyond it.
static inline float8 load_row_scales(__global const half* scales, uint first, uint rows) {
  if (first + 8 <= rows) return load_halves8(scales + first);
  float part[8];
  UNROLLED for (uint r = 0; r < 8; ++r) part[r] = vload_half(min(first + r, rows - 1), scales);
  return vload8(0, part);
}

CPU_KERNEL void gemv_f16_f16_cpu(__global const half* restrict weights, __global const half* restrict x,
                                 __global half* restrict y, uint rows, uint columns) {
  const uint first = (uint)get_global_id(0) * ROWS;
  __global const half* w[ROWS];
  floatv acc[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    w[r] = weights + (size_t)min(first + r, rows - 1) * columns;
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = 0.0f;
  }
  NextBlock next = next_block(w[0], 2 * (size_t)columns, LONGEST_PREFETCHED);
  uint k = 0;
  for (; k + VECTOR_WIDTH <= columns; k += VECTOR_WIDTH) {
    prefetch_next(&next, 2 * VECTOR_WIDTH);
    if (k % 32 == 0) prefetch_ahead(w[0], 2 * (size_t)columns, 2 * (size_t)k, 64);
    floatv value[TOKENS];
    UNROLLED for (uint t = 0; t < TOKENS; ++t) value[t] = LOAD_HALFV(x + (size_t)t * columns + k);
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const floatv weight = LOAD_HALFV(w[r] + k);
      UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = fma(weight, value[t], acc[r][t]);
    }
  }
  float results[PADDED_RESULTS] = {0.0f};
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) {
      float sum = SUM_FLOATV(acc[r][t]);
      for (uint i = k; i < columns; ++i) sum = fma(vload_half(i, w[r]), vload_half((size_t)t * columns + i, x), sum);
      results[r * TOKENS + t] = sum;
    }
  }
  store_results(results, first, rows, y);
}

CPU_KERNEL void gemv_i8_f16_cpu(__global const char* restrict codes, __global const half* restrict scales,
                                __global const half* restrict x, __global half* restrict y, uint rows, uint columns) {
  const uint first = (uint)get_global_id(0) * ROWS;
  __global const char* w[ROWS];
  floatv acc[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    w[r] = codes + (size_t)min(first + r, rows - 1) * columns;
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = 0.0f;
  }
  NextBlock next = next_block(w[0], columns, LONGEST_PREFETCHED);
  uint k = 0;
  for (; k + VECTOR_WIDTH <= columns; k += VECTOR_WIDTH) {
    prefetch_next(&next, VECTOR_WIDTH);
    if (k % 64 == 0) prefetch_ahead(w[0], columns, k, 64);
    floatv value[TOKENS];
    UNROLLED for (uint t = 0; t < TOKENS; ++t) value[t] = LOAD_HALFV(x + (size_t)t * columns + k);
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const floatv weight = TO_FLOATV(LOAD_CHARV(w[r] + k));
      UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = fma(weight, value[t], acc[r][t]);
    }
  }
  float scale[8];
  vstore8(load_row_scales(scales, first, rows), 0, scale);
  float results[PADDED_RESULTS] = {0.0f};
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) {
      float sum = SUM_FLOATV(acc[r][t]);
      for (uint i = k; i < columns; ++i) sum = fma((float)w[r][i], vload_half((size_t)t * columns + i, x), sum);
      results[r * TOKENS + t] = sum * scale[r];
    }
  }
  store_results(results, first, rows, y);
}

CPU_KERNEL void gemv_i8_i8_cpu(__global const char* restrict codes, __global const char* restrict x,
                               __global int* restrict acc, uint rows, uint columns) {
  const uint first = (uint)get_global_id(0) * ROWS;
  __global const char* w[ROWS];
  int8 sum[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    w[r] = codes + (size_t)min(first + r, rows - 1) * columns;
    UNROLLED for (uint t = 0; t < TOKENS; ++t) sum[r][t] = 0;
  }
  NextBlock next = next_block(w[0], columns, LONGEST_PREFETCHED);
  uint k = 0;
  for (; k + 32 <= columns; k += 32) {
    prefetch_next(&next, 32);
    if (k % 64 == 0) prefetch_ahead(w[0], columns, k, 64);
    short16 value[TOKENS][2];
    UNROLLED for (uint t = 0; t < TOKENS; ++t) {
      value[t][0] = convert_short16(vload16(0, x + (size_t)t * columns + k));
      value[t][1] = convert_short16(vload16(0, x + (size_t)t * columns + k + 16));
    }
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const short16 low = convert_short16(vload16(0, w[r] + k));
      const short16 high = convert_short16(vload16(0, w[r] + k + 16));
      UNROLLED for (uint t = 0; t < TOKENS; ++t) {
#ifdef INSTRUCTIONS_AVX2
        sum[r][t] += multiply_add_shorts(low, value[t][0]) + multiply_add_shorts(high, value[t][1]);
#else
        sum[r][t] += add_pairs(low * value[t][0] + high * value[t][1]);
#endif
      }
    }
  }
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) {
      const int4 half_sum = sum[r][t].lo + sum[r][t].hi;
      int total = half_sum.x + half_sum.y + half_sum.z + half_sum.w;
      for (uint i = k; i < columns; ++i) total += (int)w[r][i] * (int)x[(size_t)t * columns + i];
      if (first + r < rows) acc[(size_t)t * rows + first + r] = total;
    }
  }
}
