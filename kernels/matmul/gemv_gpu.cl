// y[t][r] = sum_k w[r][k] x[t][k] for 1 to 8 tokens on the GPU family. Formats as in matmul_reference.cl, same bindings.
// Work-group b of WORK_GROUP (a power of two) items: rows [b ROWS, (b + 1) ROWS) for all TOKENS tokens. Items stride over
// the columns, each with one 16-byte load per row (8 f16, 16 int8 or 32 int4 weights), neighbours adjacent, and reuse the
// activations for ROWS rows; sums in f32 (int32) per item, then a local-memory tree. Rows whose width breaks the 16-byte
// alignment are read element by element. Rows beyond the last are computed again from the last and not stored.
// Bytes: weights once, x once per work-group; TOKENS multiply-adds per weight.
// Int4: the group's scale and zero point are read once per 32 weights: s (sum q x - z sum x).
// Tunables: WORK_GROUP, ROWS, TOKENS (ROWS x TOKENS at most WORK_GROUP), GROUP (a multiple of 32). Precondition: buffers
// start on 16 bytes.
#include "common/common.clh"

#define UNROLLED _Pragma("unroll")
#define GPU_KERNEL __attribute__((reqd_work_group_size(WORK_GROUP, 1, 1))) __kernel

static inline float8 load_half8(__global const half* from) { return half8_of(*(__global const uint4*)from); }

static inline float dot8(float8 a, float8 b, float sum) {
  sum = fma(a.s0, b.s0, sum);
  sum = fma(a.s1, b.s1, sum);
  sum = fma(a.s2, b.s2, sum);
  sum = fma(a.s3, b.s3, sum);
  sum = fma(a.s4, b.s4, sum);
  sum = fma(a.s5, b.s5, sum);
  sum = fma(a.s6, b.s6, sum);
  return fma(a.s7, b.s7, sum);
}

static inline int dot16(char16 a, char16 b, int sum) {
  const int16 product = convert_int16(a) * convert_int16(b);
  const int8 eight = product.lo + product.hi;
  const int4 four = eight.lo + eight.hi;
  return sum + four.x + four.y + four.z + four.w;
}

// Sums the items' partial results in local memory: sums[r * TOKENS + t][0] afterwards, for all items.
#define RESULTS (ROWS * TOKENS)
#define ADD_UP(acc, sums)                                                                                \
  UNROLLED for (uint r = 0; r < ROWS; ++r) {                                                             \
    UNROLLED for (uint t = 0; t < TOKENS; ++t) sums[r * TOKENS + t][lane] = acc[r][t];                   \
  }                                                                                                      \
  barrier(CLK_LOCAL_MEM_FENCE);                                                                          \
  for (uint step = WORK_GROUP / 2; step > 0; step /= 2) {                                                \
    if (lane < step) {                                                                                   \
      for (uint i = 0; i < RESULTS; ++i) sums[i][lane] += sums[i][lane + step];                          \
    }                                                                                                    \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                        \
  }

// One item per result.
#define STORE_SUMS(expression)                                                       \
  if (lane < RESULTS) {                                                              \
    const uint t = lane % TOKENS, row = first + lane / TOKENS;                       \
    if (row < rows) expression;                                                      \
  }

GPU_KERNEL void gemv_f16_f16_gpu(__global const half* weights, __global const half* x, __global half* y, uint rows,
                                 uint columns) {
  __local float partial[RESULTS][WORK_GROUP];
  const uint lane = (uint)get_local_id(0);
  const uint first = (uint)get_group_id(0) * ROWS;
  float acc[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = 0.0f;
  }
  const uint wide_end = columns % 8 == 0 ? columns : 0;
  for (uint k = lane * 8; k < wide_end; k += WORK_GROUP * 8) {
    float8 value[TOKENS];
    UNROLLED for (uint t = 0; t < TOKENS; ++t) value[t] = load_half8(x + (size_t)t * columns + k);
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const float8 weight = load_half8(weights + (size_t)min(first + r, rows - 1) * columns + k);
      UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = dot8(weight, value[t], acc[r][t]);
    }
  }
  for (uint k = wide_end + lane; k < columns; k += WORK_GROUP) {
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const float weight = vload_half((size_t)min(first + r, rows - 1) * columns + k, weights);
      UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = fma(weight, vload_half((size_t)t * columns + k, x), acc[r][t]);
    }
  }
  ADD_UP(acc, partial)
  STORE_SUMS(vstore_half_rte(partial[lane][0], (size_t)t * rows + row, y))
}

GPU_KERNEL void gemv_i8_f16_gpu(__global const char* codes, __global const half* scales, __global const half* x,
                                __global half* y, uint rows, uint columns) {
  __local float partial[RESULTS][WORK_GROUP];
  const uint lane = (uint)get_local_id(0);
  const uint first = (uint)get_group_id(0) * ROWS;
  float acc[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = 0.0f;
  }
  const uint wide_end = columns % 16 == 0 ? columns : 0;
  for (uint k = lane * 16; k < wide_end; k += WORK_GROUP * 16) {
    float8 low[TOKENS], high[TOKENS];
    UNROLLED for (uint t = 0; t < TOKENS; ++t) {
      low[t] = load_half8(x + (size_t)t * columns + k);
      high[t] = load_half8(x + (size_t)t * columns + k + 8);
    }
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const char16 code = as_char16(*(__global const uint4*)(codes + (size_t)min(first + r, rows - 1) * columns + k));
      UNROLLED for (uint t = 0; t < TOKENS; ++t) {
        acc[r][t] = dot8(convert_float8(code.lo), low[t], acc[r][t]);
        acc[r][t] = dot8(convert_float8(code.hi), high[t], acc[r][t]);
      }
    }
  }
  for (uint k = wide_end + lane; k < columns; k += WORK_GROUP) {
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const float weight = (float)codes[(size_t)min(first + r, rows - 1) * columns + k];
      UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = fma(weight, vload_half((size_t)t * columns + k, x), acc[r][t]);
    }
  }
  ADD_UP(acc, partial)
  STORE_SUMS(vstore_half_rte(partial[lane][0] * vload_half(row, scales), (size_t)t * rows + row, y))
}

GPU_KERNEL void gemv_i8_i8_gpu(__global const char* codes, __global const char* x, __global int* out, uint rows,
                               uint columns) {
  __local int partial[RESULTS][WORK_GROUP];
  const uint lane = (uint)get_local_id(0);
  const uint first = (uint)get_group_id(0) * ROWS;
  int acc[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = 0;
  }
  const uint wide_end = columns % 16 == 0 ? columns : 0;
  for (uint k = lane * 16; k < wide_end; k += WORK_GROUP * 16) {
    char16 value[TOKENS];
    UNROLLED for (uint t = 0; t < TOKENS; ++t) value[t] = as_char16(*(__global const uint4*)(x + (size_t)t * columns + k));
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const char16 code = as_char16(*(__global const uint4*)(codes + (size_t)min(first + r, rows - 1) * columns + k));
      UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = dot16(code, value[t], acc[r][t]);
    }
  }
  for (uint k = wide_end + lane; k < columns; k += WORK_GROUP) {
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const int weight = codes[(size_t)min(first + r, rows - 1) * columns + k];
      UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] += weight * (int)x[(size_t)t * columns + k];
    }
  }
  ADD_UP(acc, partial)
  STORE_SUMS(out[(size_t)t * rows + row] = partial[lane][0])
}

GPU_KERNEL void gemv_i4_f16_gpu(__global const uchar* codes, __global const half* scales, __global const half* zeros,
                                __global const half* x, __global half* y, uint rows, uint columns) {
  __local float partial[RESULTS][WORK_GROUP];
  const uint lane = (uint)get_local_id(0);
  const uint first = (uint)get_group_id(0) * ROWS;
  const uint groups = (columns + GROUP - 1) / GROUP;
  const uint pitch = (columns + 1) / 2;
  float acc[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = 0.0f;
  }
  const uint wide_end = columns % 32 == 0 ? columns : 0;
  for (uint k = lane * 32; k < wide_end; k += WORK_GROUP * 32) {
    uint4 code[ROWS];
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      code[r] = *(__global const uint4*)(codes + (size_t)min(first + r, rows - 1) * pitch + k / 2);
    }
    float dot_g[ROWS][TOKENS], sum[TOKENS];
    UNROLLED for (uint t = 0; t < TOKENS; ++t) {
      sum[t] = 0.0f;
      UNROLLED for (uint r = 0; r < ROWS; ++r) dot_g[r][t] = 0.0f;
    }
#define EIGHT(part, offset)                                                                                        \
  UNROLLED for (uint t = 0; t < TOKENS; ++t) {                                                                     \
    const float8 value = load_half8(x + (size_t)t * columns + k + offset);                                         \
    sum[t] += sum8(value);                                                                                         \
    UNROLLED for (uint r = 0; r < ROWS; ++r) {                                                                     \
      const uint8 nibble = ((uint8)(code[r].part) >> (uint8)(0, 4, 8, 12, 16, 20, 24, 28)) & (uint8)(15);          \
      dot_g[r][t] = dot8(convert_float8(nibble), value, dot_g[r][t]);                                              \
    }                                                                                                              \
  }
    EIGHT(x, 0)
    EIGHT(y, 8)
    EIGHT(z, 16)
    EIGHT(w, 24)
#undef EIGHT
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const size_t group = (size_t)min(first + r, rows - 1) * groups + k / GROUP;
      const float scale = vload_half(group, scales);
      const float zero = vload_half(group, zeros);
      UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = fma(scale, fma(-zero, sum[t], dot_g[r][t]), acc[r][t]);
    }
  }
  for (uint k = wide_end + lane; k < columns; k += WORK_GROUP) {
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const size_t row = min(first + r, rows - 1);
      const float code = (float)((codes[row * pitch + k / 2] >> (k % 2 * 4)) & 15u);
      const float weight = (code - vload_half(row * groups + k / GROUP, zeros)) * vload_half(row * groups + k / GROUP, scales);
      UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = fma(weight, vload_half((size_t)t * columns + k, x), acc[r][t]);
    }
  }
  ADD_UP(acc, partial)
  STORE_SUMS(vstore_half_rte(partial[lane][0], (size_t)t * rows + row, y))
}

GPU_KERNEL void gemv_i4_i8_gpu(__global const uchar* codes, __global const half* scales, __global const half* zeros,
                               __global const char* x, __global const float* token_scales, __global const int* sums,
                               __global half* y, uint rows, uint columns) {
  __local float partial[RESULTS][WORK_GROUP];
  const uint lane = (uint)get_local_id(0);
  const uint first = (uint)get_group_id(0) * ROWS;
  const uint groups = (columns + GROUP - 1) / GROUP;
  const uint pitch = (columns + 1) / 2;
  float acc[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = 0.0f;
  }
  const uint wide_end = columns % 32 == 0 ? columns : 0;
  for (uint k = lane * 32; k < wide_end; k += WORK_GROUP * 32) {
    char16 even[TOKENS], odd[TOKENS];
    UNROLLED for (uint t = 0; t < TOKENS; ++t) {
      const char16 low = as_char16(*(__global const uint4*)(x + (size_t)t * columns + k));
      const char16 high = as_char16(*(__global const uint4*)(x + (size_t)t * columns + k + 16));
      even[t] = (char16)(low.even, high.even);
      odd[t] = (char16)(low.odd, high.odd);
    }
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const size_t row = min(first + r, rows - 1);
      const uchar16 pair = as_uchar16(*(__global const uint4*)(codes + row * pitch + k / 2));
      const char16 low = as_char16(pair & (uchar16)(15)), high = as_char16(pair >> (uchar16)(4));
      const float scale = vload_half(row * groups + k / GROUP, scales);
      UNROLLED for (uint t = 0; t < TOKENS; ++t) {
        acc[r][t] = fma(scale, (float)dot16(high, odd[t], dot16(low, even[t], 0)), acc[r][t]);
      }
    }
  }
  for (uint k = wide_end + lane; k < columns; k += WORK_GROUP) {
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const size_t row = min(first + r, rows - 1);
      const int code = (codes[row * pitch + k / 2] >> (k % 2 * 4)) & 15;
      const float scale = vload_half(row * groups + k / GROUP, scales);
      UNROLLED for (uint t = 0; t < TOKENS; ++t) {
        acc[r][t] = fma(scale, (float)(code * (int)x[(size_t)t * columns + k]), acc[r][t]);
      }
    }
  }
  for (uint g = lane; g < groups; g += WORK_GROUP) {
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const size_t group = (size_t)min(first + r, rows - 1) * groups + g;
      const float weighted = vload_half(group, scales) * vload_half(group, zeros);
      UNROLLED for (uint t = 0; t < TOKENS; ++t) {
        acc[r][t] = fma(-weighted, (float)sums[(size_t)t * groups + g], acc[r][t]);
      }
    }
  }
  ADD_UP(acc, partial)
  STORE_SUMS(vstore_half_rte(partial[lane][0] * token_scales[t], (size_t)t * rows + row, y))
}
