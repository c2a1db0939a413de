// y[t][r] = sum_k w[r][k] x[t][k] for 1 to 8 tokens on the CPU family with AVX-512, weights of int4 and activations of int8 (i8) or
// in three digits (i24, one token). Formats and activations as in gemv_i4_cpu.cl, launch as in common/gemv_blocks.clh.
// A vector of 64 bytes holds 128 columns of a row: the low nibbles are the even ones, the high nibbles the odd ones. Of eight
// vectors x is put into that order once for all rows of a block; then the rows follow each other. Per vector and row 1 shift, 2
// masks, per digit of x 2 vpdpbusd (without VNNI 2 vpmaddubsw, 1 addition, 1 vpmaddwd), 1 conversion, 1 fma; i24 besides 2 shifts
// and 2 additions to put the digits together. Sums of a lane are exact: 8 columns of at most 15 * 127, or 15 * 2^22.
// Bytes: weights once, x once per work-item (from cache).
// Tunables: TOKENS, ROWS (1 to 8), GROUP (32, 64 or 128), LANES16 = min(16, GROUP / 4), AHEAD.
#include "common/digits.clh"
#include "common/gemv_blocks.clh"
#include "common/int4_rows.clh"

#define VECTOR_COLUMNS 128
#define VECTORS 8                              // of a block
#define VECTOR_GROUPS (VECTOR_COLUMNS / GROUP)
#define BLOCK_GROUPS (VECTORS * VECTOR_GROUPS)  // SCALE_BLOCK of them at a time
typedef int16 loose_int16 __attribute__((aligned(1), may_alias));
typedef long8 loose_long8 __attribute__((aligned(1), may_alias));
typedef int8 loose_int8 __attribute__((aligned(1), may_alias));
typedef int4 loose_int4 __attribute__((aligned(1), may_alias));

/// Activations of 128 columns.
typedef struct {
  int16 even, odd;
} Columns;

/// Those of int8, of which 4 LANES16 columns lie [j][lane], column 4 lane + j.
static inline Columns order_bytes(__global const char* x) {
  const long8 first = LOAD_LOOSE(loose_long8, x), second = LOAD_LOOSE(loose_long8, x + 64);
#if LANES16 == 16
#define EVERY(a, b) __builtin_shufflevector(first, second, a, a, b, b, 8 + a, 8 + a, 8 + b, 8 + b)
  const Columns columns = {byte_pairs16(EVERY(0, 1), EVERY(4, 5)), byte_pairs16(EVERY(2, 3), EVERY(6, 7))};
#else
#define EVERY(a) __builtin_shufflevector(first, second, a, a, 4 + a, 4 + a, 8 + a, 8 + a, 12 + a, 12 + a)
  const Columns columns = {byte_pairs16(EVERY(0), EVERY(2)), byte_pairs16(EVERY(1), EVERY(3))};
#endif
#undef EVERY
  return columns;
}

/// One digit of all columns, of which those of a group lie together, in each 4 LANES16 columns the even ones first.
static inline Columns order_digits(__global const char* x, uint digit) {
#if LANES16 == 16
#define PART(i) \
  LOAD_LOOSE(loose_int8, x + (64 * i / GROUP * DIGITS + digit) * GROUP + 64 * i % GROUP + odd)
#define PARTS (int16)(PART(0), PART(1))
#else
#define PART(i) LOAD_LOOSE(loose_int4, x + (i * DIGITS + digit) * GROUP + odd)
#define PARTS (int16)(PART(0), PART(1), PART(2), PART(3))
#endif
  Columns columns;
  uint odd = 0;
  columns.even = PARTS;
  odd = 2 * LANES16;
  columns.odd = PARTS;
#undef PARTS
#undef PART
  return columns;
}

/// What stands beside the codes of a block of a row: the groups' scales, times `factors` where there are any, and into `sum` the
/// part of the zero points, -scale zero (sum of x). Groups from `groups` on have scale 0.
static inline float8 load_block_groups(__global const half* scales, __global const half* zeros, size_t row, uint g0, uint groups,
                                       __global const float* factors, const float8 sums[VECTOR_GROUPS], float* scale,
                                       float8 sum) {
  UNROLLED for (uint p = 0; p < VECTOR_GROUPS; ++p) {
    const uint g = g0 + p * SCALE_BLOCK;
    const uint count = g < groups ? groups - g : 0;
    const float8 s = load_scales(scales + row * groups + g, count);
    const float8 z = load_scales(zeros + row * groups + g, count);
    vstore8(factors != 0 ? s * load_sums(factors + g, count) : s, 0, scale + p * SCALE_BLOCK);
    sum = fma(-(s * z), sums[p], sum);
  }
  return sum;
}

/// The scales of the groups of a vector, each in its lanes.
static inline float16 lane_scales(const float* scale) {
#if VECTOR_GROUPS == 1
  return (float16)(scale[0]);
#elif VECTOR_GROUPS == 2
  return (float16)((float8)(scale[0]), (float8)(scale[1]));
#else
  return (float16)((float4)(scale[0]), (float4)(scale[1]), (float4)(scale[2]), (float4)(scale[3]));
#endif
}

/// Codes and scales that the next blocks read of this row.
static inline void prefetch_block(__global const uchar* row, uint pitch, uint at, __global const half* scales,
                                  __global const half* zeros, size_t first_group, uint groups, uint g0) {
  prefetch_row(row + at, pitch, at, AHEAD, VECTORS * VECTOR_COLUMNS / 2);
  prefetch_row(scales + first_group + g0, 2 * groups, 2 * g0, SCALES_AHEAD, 2 * BLOCK_GROUPS);
  prefetch_row(zeros + first_group + g0, 2 * groups, 2 * g0, SCALES_AHEAD, 2 * BLOCK_GROUPS);
}

CPU_KERNEL void gemv_i4_i8_cpu(__global const uchar* restrict codes, __global const half* restrict scales,
                               __global const half* restrict zeros, __global const char* restrict x,
                               __global const float* restrict token_scales, __global const int* restrict sums,
                               __global half* restrict y, uint rows, uint columns) {
  const uint first = (uint)get_global_id(0) * ROWS;
  const uint groups = (columns + GROUP - 1) / GROUP;
  const uint whole = columns / VECTOR_COLUMNS;
  const uint pitch = (columns + 1) / 2;
  const size_t token_pitch = (size_t)groups * GROUP;
  float16 acc[ROWS][TOKENS];
  float8 zero_part[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) {
      acc[r][t] = 0.0f;
      zero_part[r][t] = 0.0f;
    }
  }
  for (uint g0 = 0; g0 < groups; g0 += BLOCK_GROUPS) {
    const uint v0 = g0 / VECTOR_GROUPS;
    const uint count = v0 < whole ? min(whole - v0, (uint)VECTORS) : 0;
    Columns block[TOKENS][VECTORS];
    float8 block_sums[TOKENS][VECTOR_GROUPS];
    UNROLLED for (uint t = 0; t < TOKENS; ++t) {
      for (uint v = 0; v < count; ++v) block[t][v] = order_bytes(x + t * token_pitch + (v0 + v) * VECTOR_COLUMNS);
      UNROLLED for (uint p = 0; p < VECTOR_GROUPS; ++p) {
        const uint g = g0 + p * SCALE_BLOCK;
        block_sums[t][p] = load_int_sums(sums + (size_t)t * groups + g, g < groups ? groups - g : 0);
      }
    }
    _Pragma("unroll 1") for (uint r = 0; r < ROWS; ++r) {
      const size_t row = min(first + r, rows - 1);
      __global const uchar* w = codes + row * pitch + (size_t)v0 * (VECTOR_COLUMNS / 2);
      prefetch_block(codes + row * pitch, pitch, v0 * (VECTOR_COLUMNS / 2), scales, zeros, row * groups, groups, g0);
      float scale[BLOCK_GROUPS];
      float16 sum[TOKENS];
      UNROLLED for (uint t = 0; t < TOKENS; ++t) {
        zero_part[r][t] = load_block_groups(scales, zeros, row, g0, groups, 0, block_sums[t], scale, zero_part[r][t]);
        sum[t] = acc[r][t];
      }
#define ADD_VECTOR(v)                                                                                              \
  const int16 q = LOAD_LOOSE(loose_int16, w + v * (VECTOR_COLUMNS / 2));                                           \
  const int16 low = q & 0x0F0F0F0F, high = (q >> 4) & 0x0F0F0F0F;                                                  \
  const float16 s = lane_scales(scale + v * VECTOR_GROUPS);                                                        \
  UNROLLED for (uint t = 0; t < TOKENS; ++t) {                                                                     \
    sum[t] = fma(convert_float16(dot_nibbles16(low, block[t][v].even, high, block[t][v].odd)), s, sum[t]);         \
  }
      if (count == VECTORS) {
        UNROLLED for (uint v = 0; v < VECTORS; ++v) { ADD_VECTOR(v) }
      } else {
        _Pragma("unroll 1") for (uint v = 0; v < count; ++v) { ADD_VECTOR(v) }
      }
#undef ADD_VECTOR
      UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = sum[t];
    }
  }
  float results[PADDED_RESULTS] = {0.0f};
  for (uint r = 0; r < ROWS; ++r) {
    const size_t row = min(first + r, rows - 1);
    for (uint t = 0; t < TOKENS; ++t) {
      float sum = sum16(acc[r][t]) + sum8(zero_part[r][t]);
      for (uint k = whole * VECTOR_COLUMNS; k < columns;) {  // the groups behind the last whole vector
        const uint g = k / GROUP, end = min(k + GROUP, columns);
        int tail = 0;
        for (; k < end; ++k) {
          tail += (int)int4_code(codes + row * pitch, k) * (int)x[t * token_pitch + nibble_place(k, LANES16, 4)];
        }
        sum = fma((float)tail, vload_half(row * groups + g, scales), sum);
      }
      results[r * TOKENS + t] = sum * token_scales[t];
    }
  }
  store_results(results, first, rows, y);
}

CPU_KERNEL void gemv_i4_i24_cpu(__global const uchar* restrict codes, __global const half* restrict scales,
                                __global const half* restrict zeros, __global const char* restrict x,
                                __global const float* restrict group_scales, __global const float* restrict sums,
                                __global half* restrict y, uint rows, uint columns) {
  const uint first = (uint)get_global_id(0) * ROWS;
  const uint groups = (columns + GROUP - 1) / GROUP;
  const uint whole = columns / VECTOR_COLUMNS;
  const uint pitch = (columns + 1) / 2;
  float16 acc[ROWS];
  float8 zero_part[ROWS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    acc[r] = 0.0f;
    zero_part[r] = 0.0f;
  }
  for (uint g0 = 0; g0 < groups; g0 += BLOCK_GROUPS) {
    const uint v0 = g0 / VECTOR_GROUPS;
    const uint count = v0 < whole ? min(whole - v0, (uint)VECTORS) : 0;
    Columns block[VECTORS][DIGITS];
    float8 block_sums[VECTOR_GROUPS];
    for (uint v = 0; v < count; ++v) {
      __global const char* from = x + (size_t)(v0 + v) * VECTOR_COLUMNS * DIGITS;
      UNROLLED for (uint digit = 0; digit < DIGITS; ++digit) block[v][digit] = order_digits(from, digit);
    }
    UNROLLED for (uint p = 0; p < VECTOR_GROUPS; ++p) {
      const uint g = g0 + p * SCALE_BLOCK;
      block_sums[p] = load_sums(sums + g, g < groups ? groups - g : 0);
    }
    _Pragma("unroll 1") for (uint r = 0; r < ROWS; ++r) {
      const size_t row = min(first + r, rows - 1);
      __global const uchar* w = codes + row * pitch + (size_t)v0 * (VECTOR_COLUMNS / 2);
      prefetch_block(codes + row * pitch, pitch, v0 * (VECTOR_COLUMNS / 2), scales, zeros, row * groups, groups, g0);
      float scale[BLOCK_GROUPS];
      zero_part[r] = load_block_groups(scales, zeros, row, g0, groups, group_scales, block_sums, scale, zero_part[r]);
      float16 sum = acc[r];
#define ADD_VECTOR(v)                                                                                          \
  const int16 q = LOAD_LOOSE(loose_int16, w + v * (VECTOR_COLUMNS / 2));                                       \
  const int16 low = q & 0x0F0F0F0F, high = (q >> 4) & 0x0F0F0F0F;                                              \
  int16 dot[DIGITS];                                                                                           \
  UNROLLED for (uint digit = 0; digit < DIGITS; ++digit) {                                                     \
    dot[digit] = dot_nibbles16(low, block[v][digit].even, high, block[v][digit].odd);                          \
  }                                                                                                            \
  sum = fma(convert_float16(dot[0] + (dot[1] << 8) + (dot[2] << 16)), lane_scales(scale + v * VECTOR_GROUPS), sum);
      if (count == VECTORS) {
        UNROLLED for (uint v = 0; v < VECTORS; ++v) { ADD_VECTOR(v) }
      } else {
        _Pragma("unroll 1") for (uint v = 0; v < count; ++v) { ADD_VECTOR(v) }
      }
#undef ADD_VECTOR
      acc[r] = sum;
    }
  }
  float results[PADDED_RESULTS] = {0.0f};
  for (uint r = 0; r < ROWS; ++r) {
    const size_t row = min(first + r, rows - 1);
    float sum = sum16(acc[r]) + sum8(zero_part[r]);
    for (uint k = whole * VECTOR_COLUMNS; k < columns;) {  // the groups behind the last whole vector
      const uint g = k / GROUP, begin = k, end = min(k + GROUP, columns);
      __global const char* value = x + (size_t)begin * DIGITS;
      float tail = 0.0f;
      for (; k < end; ++k) {
        const uint place = nibble_place(k - begin, 2 * LANES16, 2);
        const int xk = value[place] + value[GROUP + place] * 256 + value[2 * GROUP + place] * 65536;
        tail = fma((float)int4_code(codes + row * pitch, k), (float)xk, tail);
      }
      sum = fma(tail, vload_half(row * groups + g, scales) * group_scales[g], sum);
    }
    results[r] = sum;
  }
  store_results(results, first, rows, y);
}
