// y[t][r] = sum_k w[r][k] x[t][k] for 1 to 8 tokens on the GPU family. Formats as in matmul_reference.cl, same bindings.
// A team is SPLIT_K neighbouring items of a work-group, which has WORK_GROUP / SPLIT_K of them; team b of the launch has
// rows [b ROWS, (b + 1) ROWS) for all TOKENS tokens. Its items stride over the columns with 16-byte loads (8 f16, 16 int8
// or 32 int4 weights), neighbours adjacent, UNROLL of them per row before their weights are used, and reuse the activations
// for ROWS rows; sums in f32 (int32) per item, then a local-memory tree per team. Rows whose width breaks the 16-byte
// alignment are read element by element. Rows beyond the last are computed again from the last and not stored.
// Few rows fill a device by many items each: SPLIT_K = WORK_GROUP, few ROWS. Short rows keep columns / weights per load
// items busy: SPLIT_K no larger. The order of additions depends on SPLIT_K alone: other tunables leave the bits as they are.
// Bytes: weights once, x once per team; TOKENS multiply-adds per weight.
// Int4: the group's scale and zero point are read once per 32 weights: s (sum q x - z sum x).
// Tunables: WORK_GROUP and SPLIT_K (powers of two, 32 <= SPLIT_K <= WORK_GROUP), ROWS, TOKENS (ROWS x TOKENS at most
// SPLIT_K), UNROLL, GROUP (a multiple of 32). Precondition: buffers start on 16 bytes.
// Instructions of a device, e.g. the 4-byte dot product, come from common/instructions.clh by -DINSTRUCTIONS_….
#include "common/common.clh"
#include "common/instructions.clh"
#include "common/gemv_teams.clh"

static inline float8 bytes_to_float8(uint low, uint high) {
  return (float8)(bytes_to_float(low), bytes_to_float(high));
}

/// 16 bytes of each row of the team, `offset` bytes into the row.
static inline void load_rows(uint4 to[ROWS], __global const void* from, size_t row_bytes, size_t offset, uint first,
                             uint rows) {
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    to[r] = load16((__global const uchar*)from + (min(first + r, rows - 1) * row_bytes + offset));
  }
}

/// Adds the products of one step: the weights of ROWS rows with 8 columns of x, which has `columns` per token.
static inline void add_f16_f16(const uint4 weight[ROWS], __global const half* x, uint columns, float acc[ROWS][TOKENS]) {
  float8 value[TOKENS];
  UNROLLED for (uint t = 0; t < TOKENS; ++t) value[t] = load_half8(x + (size_t)t * columns);
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    const float8 wide = half8_of(weight[r]);
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = dot8(wide, value[t], acc[r][t]);
  }
}

GPU_KERNEL void gemv_f16_f16_gpu(__global const half* weights, __global const half* x, __global half* y, uint rows,
                                 uint columns) {
  __local float partial[RESULTS][PARTIALS];
  FIND_PLACE
  float acc[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = 0.0f;
  }
  const uint wide_end = columns % 8 == 0 ? columns : 0;
#define STEPS(count, stride)                                                                                   \
  uint4 weight[count][ROWS];                                                                                   \
  UNROLLED for (uint u = 0; u < count; ++u) {                                                                  \
    load_rows(weight[u], weights, (size_t)columns * 2, (size_t)(k + u * stride) * 2, first, rows);             \
  }                                                                                                            \
  UNROLLED for (uint u = 0; u < count; ++u) add_f16_f16(weight[u], x + (k + u * stride), columns, acc);
  FOR_ALL_STEPS(8, STEPS)
#undef STEPS
  for (k = wide_end + lane; k < columns; k += SPLIT_K) {
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const float weight = vload_half((size_t)min(first + r, rows - 1) * columns + k, weights);
      UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = fma(weight, vload_half((size_t)t * columns + k, x), acc[r][t]);
    }
  }
  ADD_UP(acc, partial, float)
  STORE_SUMS(vstore_half_rte(partial[lane][TEAM_SUM], (size_t)t * rows + row, y))
}

/// The same for 16 columns.
static inline void add_i8_f16(const uint4 code[ROWS], __global const half* x, uint columns, float acc[ROWS][TOKENS]) {
  float8 low[TOKENS], high[TOKENS];
  UNROLLED for (uint t = 0; t < TOKENS; ++t) {
    low[t] = load_half8(x + (size_t)t * columns);
    high[t] = load_half8(x + (size_t)t * columns + 8);
  }
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) {
      acc[r][t] = dot8(bytes_to_float8(code[r].x, code[r].y), low[t], acc[r][t]);
      acc[r][t] = dot8(bytes_to_float8(code[r].z, code[r].w), high[t], acc[r][t]);
    }
  }
}

GPU_KERNEL void gemv_i8_f16_gpu(__global const char* codes, __global const half* scales, __global const half* x,
                                __global half* y, uint rows, uint columns) {
  __local float partial[RESULTS][PARTIALS];
  FIND_PLACE
  float acc[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = 0.0f;
  }
  const uint wide_end = columns % 16 == 0 ? columns : 0;
#define STEPS(count, stride)                                                                                   \
  uint4 code[count][ROWS];                                                                                     \
  UNROLLED for (uint u = 0; u < count; ++u) load_rows(code[u], codes, columns, k + u * stride, first, rows);   \
  UNROLLED for (uint u = 0; u < count; ++u) add_i8_f16(code[u], x + (k + u * stride), columns, acc);
  FOR_ALL_STEPS(16, STEPS)
#undef STEPS
  for (k = wide_end + lane; k < columns; k += SPLIT_K) {
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const float weight = (float)codes[(size_t)min(first + r, rows - 1) * columns + k];
      UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = fma(weight, vload_half((size_t)t * columns + k, x), acc[r][t]);
    }
  }
  ADD_UP(acc, partial, float)
  STORE_SUMS(vstore_half_rte(partial[lane][TEAM_SUM] * vload_half(row, scales), (size_t)t * rows + row, y))
}

/// The same for 16 columns of int8, exactly.
static inline void add_i8_i8(const uint4 code[ROWS], __global const char* x, uint columns, int acc[ROWS][TOKENS]) {
  uint4 value[TOKENS];
  UNROLLED for (uint t = 0; t < TOKENS; ++t) value[t] = load16(x + (size_t)t * columns);
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = dot16(code[r], value[t], acc[r][t]);
  }
}

GPU_KERNEL void gemv_i8_i8_gpu(__global const char* codes, __global const char* x, __global int* out, uint rows,
                               uint columns) {
  __local int partial[RESULTS][PARTIALS];
  FIND_PLACE
  int acc[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = 0;
  }
  const uint wide_end = columns % 16 == 0 ? columns : 0;
#define STEPS(count, stride)                                                                                   \
  uint4 code[count][ROWS];                                                                                     \
  UNROLLED for (uint u = 0; u < count; ++u) load_rows(code[u], codes, columns, k + u * stride, first, rows);   \
  UNROLLED for (uint u = 0; u < count; ++u) add_i8_i8(code[u], x + (k + u * stride), columns, acc);
  FOR_ALL_STEPS(16, STEPS)
#undef STEPS
  for (k = wide_end + lane; k < columns; k += SPLIT_K) {
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const int weight = codes[(size_t)min(first + r, rows - 1) * columns + k];
      UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] += weight * (int)x[(size_t)t * columns + k];
    }
  }
  ADD_UP(acc, partial, int)
  STORE_SUMS(out[(size_t)t * rows + row] = partial[lane][TEAM_SUM])
}

static inline float float_of(ushort half_bits) { return vload_half(0, (const half*)&half_bits); }

/// The f16 of column group g of each row of the team, which has `groups` of them.
static inline void load_group(ushort to[ROWS], __global const half* from, uint groups, uint g, uint first, uint rows) {
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    to[r] = ((__global const ushort*)from)[(size_t)min(first + r, rows - 1) * groups + g];
  }
}

// Eight int4 codes as floats and what becomes of the zero point z: with pairs of f16 the codes come as q - z, exactly,
// in the order of the nibbles 0 4 1 5 2 6 3 7; else z Σx is subtracted from the sum of a step.
#ifdef HAS_HALF2
#define PREPARE_ZEROS uint low_minus[ROWS], high_minus[ROWS];
#define SET_ZERO(r, bits)                                                                      \
  const uint zero = (bits) * 0x10001u;                                                         \
  low_minus[r] = half2_fma(zero, HALF2_MINUS_ONE, HALF2_MINUS_1024);                           \
  high_minus[r] = half2_fma(zero, HALF2_MINUS_ONE, HALF2_MINUS_64);
#define ADD_TO_SUM(t, value)
#define EIGHT_CODES(word, r) half8_of(nibbles_to_half2(word, low_minus[r], high_minus[r]))
#define IN_CODE_ORDER(value) (value).s04152637
#define WITHOUT_ZERO(r, t) dot_g[r][t]
#else
#define PREPARE_ZEROS             \
  float zero[ROWS], sum[TOKENS]; \
  UNROLLED for (uint t = 0; t < TOKENS; ++t) sum[t] = 0.0f;
#define SET_ZERO(r, bits) zero[r] = float_of(bits);
#define ADD_TO_SUM(t, value) sum[t] += sum8(value);
#define EIGHT_CODES(word, r) \
  convert_float8(((uint8)(word) >> (uint8)(0, 4, 8, 12, 16, 20, 24, 28)) & (uint8)(15))
#define IN_CODE_ORDER(value) (value)
#define WITHOUT_ZERO(r, t) fma(-zero[r], sum[t], dot_g[r][t])
#endif

/// The same for 32 columns of one group, whose scale and zero point are f16.
static inline void add_i4_f16(const uint4 code[ROWS], const ushort scales[ROWS], const ushort zeros[ROWS],
                              __global const half* x, uint columns, float acc[ROWS][TOKENS]) {
  float dot_g[ROWS][TOKENS];
  PREPARE_ZEROS
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    SET_ZERO(r, zeros[r])
    UNROLLED for (uint t = 0; t < TOKENS; ++t) dot_g[r][t] = 0.0f;
  }
#define EIGHT(part, offset)                                                                  \
  UNROLLED for (uint t = 0; t < TOKENS; ++t) {                                               \
    const float8 value = load_half8(x + (size_t)t * columns + offset);                       \
    ADD_TO_SUM(t, value)                                                                     \
    UNROLLED for (uint r = 0; r < ROWS; ++r) {                                               \
      dot_g[r][t] = dot8(EIGHT_CODES(code[r].part, r), IN_CODE_ORDER(value), dot_g[r][t]);   \
    }                                                                                        \
  }
  EIGHT(x, 0)
  EIGHT(y, 8)
  EIGHT(z, 16)
  EIGHT(w, 24)
#undef EIGHT
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    const float scale = float_of(scales[r]);
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = fma(scale, WITHOUT_ZERO(r, t), acc[r][t]);
  }
}

GPU_KERNEL void gemv_i4_f16_gpu(__global const uchar* codes, __global const half* scales, __global const half* zeros,
                                __global const half* x, __global half* y, uint rows, uint columns) {
  __local float partial[RESULTS][PARTIALS];
  FIND_PLACE
  const uint groups = (columns + GROUP - 1) / GROUP;
  const uint pitch = (columns + 1) / 2;
  float acc[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = 0.0f;
  }
  const uint wide_end = columns % 32 == 0 ? columns : 0;
#define STEPS(count, stride)                                                                                   \
  uint4 code[count][ROWS];                                                                                     \
  ushort scale[count][ROWS], zero[count][ROWS];                                                                \
  UNROLLED for (uint u = 0; u < count; ++u) {                                                                  \
    load_rows(code[u], codes, pitch, (k + u * stride) / 2, first, rows);                                       \
    load_group(scale[u], scales, groups, (k + u * stride) / GROUP, first, rows);                               \
    load_group(zero[u], zeros, groups, (k + u * stride) / GROUP, first, rows);                                 \
  }                                                                                                            \
  UNROLLED for (uint u = 0; u < count; ++u) {                                                                  \
    add_i4_f16(code[u], scale[u], zero[u], x + (k + u * stride), columns, acc);                                \
  }
  FOR_ALL_STEPS(32, STEPS)
#undef STEPS
  for (k = wide_end + lane; k < columns; k += SPLIT_K) {
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const size_t row = min(first + r, rows - 1);
      const float code = (float)((codes[row * pitch + k / 2] >> (k % 2 * 4)) & 15u);
      const float weight = (code - vload_half(row * groups + k / GROUP, zeros)) * vload_half(row * groups + k / GROUP, scales);
      UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = fma(weight, vload_half((size_t)t * columns + k, x), acc[r][t]);
    }
  }
  ADD_UP(acc, partial, float)
  STORE_SUMS(vstore_half_rte(partial[lane][TEAM_SUM], (size_t)t * rows + row, y))
}

/// The same without the zero point.
static inline void add_i4_i8(const uint4 code[ROWS], const ushort scales[ROWS], __global const char* x, uint columns,
                             float acc[ROWS][TOKENS]) {
  UNROLLED for (uint t = 0; t < TOKENS; ++t) {
    const uint4 first = load16(x + (size_t)t * columns), second = load16(x + (size_t)t * columns + 16);
    const uint4 even = (uint4)(even_bytes(first), even_bytes(second));
    const uint4 odd = (uint4)(odd_bytes(first), odd_bytes(second));
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const uint4 low = code[r] & (uint4)(0x0F0F0F0Fu), high = (code[r] >> 4) & (uint4)(0x0F0F0F0Fu);
      acc[r][t] = fma(float_of(scales[r]), (float)dot16(high, odd, dot16(low, even, 0)), acc[r][t]);
    }
  }
}

GPU_KERNEL void gemv_i4_i8_gpu(__global const uchar* codes, __global const half* scales, __global const half* zeros,
                               __global const char* x, __global const float* token_scales, __global const int* sums,
                               __global half* y, uint rows, uint columns) {
  __local float partial[RESULTS][PARTIALS];
  FIND_PLACE
  const uint groups = (columns + GROUP - 1) / GROUP;
  const uint pitch = (columns + 1) / 2;
  float acc[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = 0.0f;
  }
  const uint wide_end = columns % 32 == 0 ? columns : 0;
#define STEPS(count, stride)                                                                                   \
  uint4 code[count][ROWS];                                                                                     \
  ushort scale[count][ROWS];                                                                                   \
  UNROLLED for (uint u = 0; u < count; ++u) {                                                                  \
    load_rows(code[u], codes, pitch, (k + u * stride) / 2, first, rows);                                       \
    load_group(scale[u], scales, groups, (k + u * stride) / GROUP, first, rows);                               \
  }                                                                                                            \
  UNROLLED for (uint u = 0; u < count; ++u) {                                                                  \
    add_i4_i8(code[u], scale[u], x + (k + u * stride), columns, acc);                                          \
  }
  FOR_ALL_STEPS(32, STEPS)
#undef STEPS
  for (k = wide_end + lane; k < columns; k += SPLIT_K) {
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const size_t row = min(first + r, rows - 1);
      const int code = (codes[row * pitch + k / 2] >> (k % 2 * 4)) & 15;
      const float scale = vload_half(row * groups + k / GROUP, scales);
      UNROLLED for (uint t = 0; t < TOKENS; ++t) {
        acc[r][t] = fma(scale, (float)(code * (int)x[(size_t)t * columns + k]), acc[r][t]);
      }
    }
  }
  for (uint g = lane; g < groups; g += SPLIT_K) {
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const size_t group = (size_t)min(first + r, rows - 1) * groups + g;
      const float weighted = vload_half(group, scales) * vload_half(group, zeros);
      UNROLLED for (uint t = 0; t < TOKENS; ++t) {
        acc[r][t] = fma(-weighted, (float)sums[(size_t)t * groups + g], acc[r][t]);
      }
    }
  }
  ADD_UP(acc, partial, float)
  STORE_SUMS(vstore_half_rte(partial[lane][TEAM_SUM] * token_scales[t], (size_t)t * rows + row, y))
}
