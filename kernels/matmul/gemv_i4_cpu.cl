// y[t][r] = sum_k w[r][k] x[t][k] for 1 to 8 tokens on the CPU family, weights of int4 (f16 and int8: gemv_cpu.cl).
// Formats as in matmul_reference.cl, blocks as in common/gemv_blocks.clh. Bytes: weights once, x once per work-item (from
// cache).
//   i4_f16   per weight 1/2 byte; 32-bit lanes hold the nibbles of 8 columns; nibble j is masked, not shifted, so its
//            value is 16^j too large, which x makes up for (cast_f16_f32_nibbles: x 16^-j, permuted). The zero points enter
//            per group: sum_g s (dot_g - z sum_g x).
//   i4_i8    per weight 1/2 byte; 16-bit lanes hold 4 columns; 8 products of a lane (8 * 15 * 127 = 15240) fit 16 bits,
//            so a group of up to 128 columns is summed in 16 bits. x permuted by quantize_f16_i8_nibbles; per group
//            s (dot_g - z sums_g) in f32.
//   i4_i24   per weight 1/2 byte; one token. Activations as integers of 23 bits with a power of two per group, in three
//            digits of a byte each (cast_f16_i24_nibbles): nibbles times digits are summed in 16 bits per digit (4 pairs of
//            at most 2 * 15 * 128) and put together in 32 (16 columns of at most 15 * 2^22).
//            The dot of a group is exact in those integers; per group s (dot_g - z sums_g) in f32. Chosen with avx2 only:
//            in place of three vector operations per 8 weights (mask, convert, fma) it takes 2.2.
// Tunables: VECTOR_WIDTH, TOKENS, ROWS (1 to 8), GROUP (32, 64 or 128), LANES = min(VECTOR_WIDTH, GROUP / 8),
// LANES16 = min(16, GROUP / 4). INSTRUCTIONS_AVX2 (common/x86.clh): the products of integer activations by pmaddubsw, half
// the instructions.
#include "common/digits.clh"
#include "common/gemv_blocks.clh"
#include "common/int4_rows.clh"

#if LANES == 16
typedef float16 lanes_float;
typedef uint16 lanes_uint;
#define LANES_TO_FLOAT(v) convert_float16(as_int16(v))
typedef loose_uint16 loose_lanes_uint;
#elif LANES == 8
typedef float8 lanes_float;
typedef uint8 lanes_uint;
#define LANES_TO_FLOAT(v) convert_float8(as_int8(v))
typedef loose_uint8 loose_lanes_uint;
#else
typedef float4 lanes_float;
typedef uint4 lanes_uint;
#define LANES_TO_FLOAT(v) convert_float4(as_int4(v))
typedef loose_uint4 loose_lanes_uint;
#endif
#define LOAD_LANES_FLOAT(p) JOIN(vload, LANES)(0, p)
#define SUM_LANES JOIN(sum, LANES)

/// Scales of the groups g0 .. g0 + SCALE_BLOCK - 1 of this block's rows, times `factor`, and scales times zero points; 0
/// beyond the last group. All rows in one branch, products inside: the compiler takes a vector apart that two branches load.
static inline void load_row_groups(__global const half* scales, __global const half* zeros, uint first, uint rows, uint g0,
                                   uint groups, float8 factor, float scale[ROWS][SCALE_BLOCK], float8* weighted) {
  if (g0 + SCALE_BLOCK <= groups) {
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const size_t at = min(first + r, rows - 1) * (size_t)groups + g0;
      const float8 s = load_halves8(scales + at);
      vstore8(s * factor, 0, scale[r]);
      weighted[r] = s * load_halves8(zeros + at);
    }
  } else {
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const size_t at = min(first + r, rows - 1) * (size_t)groups + g0;
      const float8 s = load_scales(scales + at, groups - g0);
      vstore8(s * factor, 0, scale[r]);
      weighted[r] = s * load_scales(zeros + at, groups - g0);
    }
  }
}

// Rows of gemv_i4_f16_cpu whose sums of a group, with all tokens, fit the registers. The bands of a block follow each other
// group by group, so that x of the group stays in the first level: 8 tokens of 14336 columns are 448 KiB in f32.
#define BAND (ROWS * TOKENS <= 8 ? ROWS : TOKENS > 4 ? 1 : 8 / TOKENS)
#if ROWS * TOKENS <= 8
#define EACH_BAND UNROLLED
#else
#define EACH_BAND _Pragma("unroll 1")
#endif

CPU_KERNEL void gemv_i4_f16_cpu(__global const uchar* restrict codes, __global const half* restrict scales,
                                __global const half* restrict zeros, __global const float* restrict x,
                                __global const float* restrict sums, __global half* restrict y, uint rows, uint columns) {
  const uint first = (uint)get_global_id(0) * ROWS;
  const uint groups = (columns + GROUP - 1) / GROUP;
  const uint whole_groups = columns / GROUP;
  const uint pitch = (columns + 1) / 2;
  const size_t token_pitch = (size_t)groups * GROUP;
  __global const uchar* w[ROWS];
  lanes_float acc[ROWS][TOKENS];
  float8 zero_part[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    w[r] = codes + min(first + r, rows - 1) * (size_t)pitch;
    UNROLLED for (uint t = 0; t < TOKENS; ++t) {
      acc[r][t] = 0.0f;
      zero_part[r][t] = 0.0f;
    }
  }
  NextBlock next = next_block(w[0], pitch, LONGEST_PREFETCHED_I4);
  for (uint g0 = 0; g0 < groups; g0 += SCALE_BLOCK) {
    float scale[ROWS][SCALE_BLOCK];
    float8 weighted[ROWS];
    load_row_groups(scales, zeros, first, rows, g0, groups, 1.0f, scale, weighted);
    UNROLLED for (uint t = 0; t < TOKENS; ++t) {
      const float8 sum = load_sums(sums + (size_t)t * groups + g0, groups - g0);
      UNROLLED for (uint r = 0; r < ROWS; ++r) zero_part[r][t] = fma(weighted[r], sum, zero_part[r][t]);
    }
    const uint end = min(g0 + SCALE_BLOCK, whole_groups);
    for (uint g = g0; g < end; ++g) {
      EACH_BAND for (uint r0 = 0; r0 < ROWS; r0 += BAND) {
        lanes_float dot_g[BAND][TOKENS];
        UNROLLED for (uint r = 0; r < BAND; ++r) {
          UNROLLED for (uint t = 0; t < TOKENS; ++t) dot_g[r][t] = 0.0f;
        }
        UNROLLED for (uint block = 0; block < GROUP / (8 * LANES); ++block) {
          const uint column = g * GROUP + block * (8 * LANES);
          if (r0 == 0) prefetch_next(&next, 4 * LANES);
          if (r0 == 0 && column % 128 == 0) prefetch_ahead(w[0], pitch, column / 2, 64);
          lanes_uint q[BAND];
          UNROLLED for (uint r = 0; r < BAND; ++r) q[r] = LOAD_LOOSE(loose_lanes_uint, w[r0 + r] + column / 2);
          __global const float* value = x + column;
#define NIBBLE(j, expression)                                                                                   \
  UNROLLED for (uint t = 0; t < TOKENS; ++t) {                                                                  \
    const lanes_float xj = LOAD_LANES_FLOAT(value + t * token_pitch + j * LANES);                               \
    UNROLLED for (uint r = 0; r < BAND; ++r) dot_g[r][t] = fma(LANES_TO_FLOAT(expression), xj, dot_g[r][t]); \
  }
          NIBBLE(0, q[r] & 0x0000000Fu)
          NIBBLE(1, q[r] & 0x000000F0u)
          NIBBLE(2, q[r] & 0x00000F00u)
          NIBBLE(3, q[r] & 0x0000F000u)
          NIBBLE(4, q[r] & 0x000F0000u)
          NIBBLE(5, q[r] & 0x00F00000u)
          NIBBLE(6, q[r] & 0x0F000000u)
          NIBBLE(7, q[r] >> 28)
#undef NIBBLE
        }
        UNROLLED for (uint r = 0; r < BAND; ++r) {
          UNROLLED for (uint t = 0; t < TOKENS; ++t) {
            acc[r0 + r][t] = fma(dot_g[r][t], (lanes_float)(scale[r0 + r][g - g0]), acc[r0 + r][t]);
          }
        }
      }
    }
  }
  float results[PADDED_RESULTS] = {0.0f};
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) {
      float sum = SUM_LANES(acc[r][t]) - sum8(zero_part[r][t]);
      if (whole_groups < groups) {  // the last, shorter group; x holds 16^-j of its value, so the code counts 16^j
        float tail = 0.0f;
        for (uint k = whole_groups * GROUP; k < columns; ++k) {
          const uint code = int4_code(w[r], k) << (k % 8 < 7 ? k % 8 * 4 : 0);
          tail = fma((float)code, x[t * token_pitch + nibble_place(k, LANES, 8)], tail);
        }
        sum = fma(tail, vload_half((size_t)min(first + r, rows - 1) * groups + whole_groups, scales), sum);
      }
      results[r * TOKENS + t] = sum;
    }
  }
  store_results(results, first, rows, y);
}

#if LANES16 == 16
typedef short16 lanes_short;
typedef loose_short16 loose_lanes_short;
#else
typedef short8 lanes_short;
typedef loose_short8 loose_lanes_short;
#endif
#define LOAD_BYTES16(p) JOIN(convert_short, LANES16)(JOIN(vload, LANES16)(0, p))

// The nibbles of the even bytes of a 16-bit lane are columns 4 lane and 4 lane + 1, those of the odd bytes 4 lane + 2 and
// 4 lane + 3.
#ifdef INSTRUCTIONS_AVX2
#define MULTIPLY_ADD_BYTES JOIN(multiply_add_bytes, LANES16)
/// Codes `even` in the low and `odd` in the high byte of each lane.
static inline lanes_short join_codes(__global const char* even, __global const char* odd) {
  return (LOAD_BYTES16(even) & (lanes_short)(0xFF)) | (LOAD_BYTES16(odd) << (lanes_short)(8));
}
#else
/// Per lane, the bytes of a (0 to 15) times the signed bytes of b, added.
static inline lanes_short MULTIPLY_ADD_BYTES(lanes_short a, lanes_short b) {
  const lanes_short byte = (lanes_short)(8);
  return (a & (lanes_short)(0xFF)) * ((b << byte) >> byte) + (a >> byte) * (b >> byte);
}
#endif
#if LANES16 == 8
#define WIDEN(v, factor) (convert_int8(v) * (int8)(factor))
#elif defined(INSTRUCTIONS_AVX2)
#define WIDEN(v, factor) multiply_add_shorts(v, (short16)(factor))
#else
#define WIDEN(v, factor) (add_pairs(v) * (int8)(factor))
#endif

CPU_KERNEL void gemv_i4_i8_cpu(__global const uchar* restrict codes, __global const half* restrict scales,
                               __global const half* restrict zeros, __global const char* restrict x,
                               __global const float* restrict token_scales, __global const int* restrict sums,
                               __global half* restrict y, uint rows, uint columns) {
  const uint first = (uint)get_global_id(0) * ROWS;
  const uint groups = (columns + GROUP - 1) / GROUP;
  const uint whole_groups = columns / GROUP;
  const uint pitch = (columns + 1) / 2;
  const size_t token_pitch = (size_t)groups * GROUP;
  __global const uchar* w[ROWS];
  float8 acc[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    w[r] = codes + min(first + r, rows - 1) * (size_t)pitch;
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = 0.0f;
  }
  NextBlock next = next_block(w[0], pitch, LONGEST_PREFETCHED_I4);
  for (uint g0 = 0; g0 < groups; g0 += SCALE_BLOCK) {
    float scale[ROWS][SCALE_BLOCK];
    float8 weighted[ROWS];
    load_row_groups(scales, zeros, first, rows, g0, groups, 1.0f, scale, weighted);
    UNROLLED for (uint t = 0; t < TOKENS; ++t) {
      const float8 sum = load_int_sums(sums + (size_t)t * groups + g0, groups - g0);
      UNROLLED for (uint r = 0; r < ROWS; ++r) acc[r][t] = fma(-weighted[r], sum, acc[r][t]);
    }
    const uint end = min(g0 + SCALE_BLOCK, whole_groups);
    for (uint g = g0; g < end; ++g) {
      lanes_short dot_g[ROWS][TOKENS];
      UNROLLED for (uint r = 0; r < ROWS; ++r) {
        UNROLLED for (uint t = 0; t < TOKENS; ++t) dot_g[r][t] = 0;
      }
      UNROLLED for (uint block = 0; block < GROUP / (4 * LANES16); ++block) {
        const uint column = g * GROUP + block * (4 * LANES16);
        prefetch_next(&next, 2 * LANES16);
        if (column % 128 == 0) prefetch_ahead(w[0], pitch, column / 2, 64);
        lanes_short q[ROWS];
        UNROLLED for (uint r = 0; r < ROWS; ++r) q[r] = LOAD_LOOSE(loose_lanes_short, w[r] + column / 2);
#ifdef INSTRUCTIONS_AVX2
        UNROLLED for (uint t = 0; t < TOKENS; ++t) {
          __global const char* value = x + column + t * token_pitch;
          const lanes_short low = join_codes(value, value + 2 * LANES16);
          const lanes_short high = join_codes(value + LANES16, value + 3 * LANES16);
          UNROLLED for (uint r = 0; r < ROWS; ++r) {
            dot_g[r][t] += MULTIPLY_ADD_BYTES(q[r] & (lanes_short)(0x0F0F), low) +
                           MULTIPLY_ADD_BYTES((q[r] >> (lanes_short)(4)) & (lanes_short)(0x0F0F), high);
          }
        }
#else
        UNROLLED for (uint t = 0; t < TOKENS; ++t) {
          lanes_short xj[4];
          UNROLLED for (uint j = 0; j < 4; ++j) xj[j] = LOAD_BYTES16(x + column + t * token_pitch + j * LANES16);
          UNROLLED for (uint r = 0; r < ROWS; ++r) {
            dot_g[r][t] += (q[r] & (short)(15)) * xj[0] + ((q[r] >> (short)(4)) & (short)(15)) * xj[1] +
                           ((q[r] >> (short)(8)) & (short)(15)) * xj[2] + ((q[r] >> (short)(12)) & (short)(15)) * xj[3];
          }
        }
#endif
      }
      UNROLLED for (uint r = 0; r < ROWS; ++r) {
        UNROLLED for (uint t = 0; t < TOKENS; ++t) {
          acc[r][t] = fma(convert_float8(WIDEN(dot_g[r][t], 1)), (float8)(scale[r][g - g0]), acc[r][t]);
        }
      }
    }
  }
  float results[PADDED_RESULTS] = {0.0f};
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) {
      float sum = sum8(acc[r][t]);
      if (whole_groups < groups) {  // the last, shorter group
        int tail = 0;
        for (uint k = whole_groups * GROUP; k < columns; ++k) {
          tail += (int)int4_code(w[r], k) * (int)x[t * token_pitch + nibble_place(k, LANES16, 4)];
        }
        sum = fma((float)tail, vload_half((size_t)min(first + r, rows - 1) * groups + whole_groups, scales), sum);
      }
      results[r * TOKENS + t] = sum * token_scales[t];
    }
  }
  store_results(results, first, rows, y);
}

#define BLOCKS (GROUP / (4 * LANES16))  // vectors of codes per group and row

// Lets the compiler forget what it read through a pointer. The digits are then operands in memory of each row's products;
// held for all rows they spill.
#ifdef INSTRUCTIONS_AVX2
#define FORGET(pointer) __asm__("" : "+r"(pointer))
#else
#define FORGET(pointer) (void)(pointer)
#endif

CPU_KERNEL void gemv_i4_i24_cpu(__global const uchar* restrict codes, __global const half* restrict scales,
                                __global const half* restrict zeros, __global const char* restrict x,
                                __global const float* restrict group_scales, __global const float* restrict sums,
                                __global half* restrict y, uint rows, uint columns) {
  const uint first = (uint)get_global_id(0) * ROWS;
  const uint groups = (columns + GROUP - 1) / GROUP;
  const uint whole_groups = columns / GROUP;
  const uint pitch = (columns + 1) / 2;
  const lanes_short low_nibbles = (lanes_short)(0x0F0F);
  __global const uchar* w[ROWS];
  float8 acc[ROWS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    w[r] = codes + min(first + r, rows - 1) * (size_t)pitch;
    acc[r] = 0.0f;
  }
  NextBlock next = next_block(w[0], pitch, LONGEST_PREFETCHED_I4);
  for (uint g0 = 0; g0 < groups; g0 += SCALE_BLOCK) {
    float scale[ROWS][SCALE_BLOCK];
    float8 weighted[ROWS];
    const float8 factor = load_sums(group_scales + g0, groups - g0);
    const float8 sum = load_sums(sums + g0, groups - g0);
    load_row_groups(scales, zeros, first, rows, g0, groups, factor, scale, weighted);
    UNROLLED for (uint r = 0; r < ROWS; ++r) acc[r] = fma(-weighted[r], sum, acc[r]);
    const uint end = min(g0 + SCALE_BLOCK, whole_groups);
    for (uint g = g0; g < end; ++g) {
      const uint column = g * GROUP;
      __global const char* value = x + (size_t)column * DIGITS;
      prefetch_next(&next, GROUP / 2);
      if (column % 128 == 0) prefetch_ahead(w[0], pitch, column / 2, 64);
      UNROLLED for (uint r = 0; r < ROWS; ++r) {
        FORGET(value);
        lanes_short nibbles[2 * BLOCKS];
        UNROLLED for (uint block = 0; block < BLOCKS; ++block) {
          const lanes_short q = LOAD_LOOSE(loose_lanes_short, w[r] + column / 2 + block * 2 * LANES16);
          nibbles[2 * block] = q & low_nibbles;
          nibbles[2 * block + 1] = (q >> (lanes_short)(4)) & low_nibbles;
        }
        lanes_short sums_g[DIGITS];
        UNROLLED for (uint digit = 0; digit < DIGITS; ++digit) {
          sums_g[digit] = 0;
          UNROLLED for (uint i = 0; i < 2 * BLOCKS; ++i) {
            const lanes_short xi = LOAD_LOOSE(loose_lanes_short, value + digit * GROUP + i * 2 * LANES16);
            sums_g[digit] += MULTIPLY_ADD_BYTES(nibbles[i], xi);
          }
        }
        const int8 dot_g = WIDEN(sums_g[0], 1) + WIDEN(sums_g[1], 256) + (WIDEN(sums_g[2], 1) << 16);
        acc[r] = fma(convert_float8(dot_g), (float8)(scale[r][g - g0]), acc[r]);
      }
    }
  }
  float results[PADDED_RESULTS] = {0.0f};
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    float sum = sum8(acc[r]);
    if (whole_groups < groups) {  // the last, shorter group
      __global const char* value = x + (size_t)whole_groups * GROUP * DIGITS;
      float tail = 0.0f;
      for (uint k = whole_groups * GROUP; k < columns; ++k) {
        const uint place = nibble_place(k - whole_groups * GROUP, 2 * LANES16, 2);
        const int xk = value[place] + value[GROUP + place] * 256 + value[2 * GROUP + place] * 65536;
        tail = fma((float)int4_code(w[r], k), (float)xk, tail);
      }
      const float s = vload_half((size_t)min(first + r, rows - 1) * groups + whole_groups, scales);
      sum = fma(tail, s * group_scales[whole_groups], sum);
    }
    results[r] = sum;
  }
  store_results(results, first, rows, y);
}
