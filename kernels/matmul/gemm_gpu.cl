// Y = X W^T for many tokens on the GPU family: y[t][r] = sum_k w[r][k] x[t][k]. Formats as in matmul_reference.cl, same
// bindings. Work-group (b, c) of 16 x 8 items: a tile of 64 rows x 64 tokens; item (i, j) holds rows i + 16 {0..3} and
// tokens j + 8 {0..7} in registers. Per step of 16 columns the group brings both tiles to local memory as f32 (int4:
// s (q - z), exact), 8 neighbouring columns of one row per item, by one 16-, 8- or 4-byte load where rows are aligned, else
// element by element; columns beyond the last are 0. Local rows are [column][64 + 4]: 16-byte aligned, banks apart.
// int8 activations: gemm_dot_gpu.cl.
// Bytes: weights once per 64 tokens, x once per 64 rows; 32 multiply-adds per item and column.
// GROUP: columns per int4 group, a multiple of 16. Precondition: buffers start on 16 bytes.
#include "common/common.clh"

#define TILE 64
#define STEP 16
#define PITCH (TILE + 4)
#define UNROLLED _Pragma("unroll")
#define GPU_KERNEL __attribute__((reqd_work_group_size(16, 8, 1))) __kernel

// Eight columns k.. of one row as f32. `columns` bounds the row; `row` may lie beyond the last: then zeros.
#define ZERO_IF_OUTSIDE if (row >= rows || k >= columns) return 0.0f

static inline float8 eight_f16(__global const half* from, uint row, uint rows, uint k, uint columns) {
  ZERO_IF_OUTSIDE;
  from += (size_t)row * columns + k;
  if (columns % 8 == 0) return half8_of(*(__global const uint4*)from);
  float part[8];
  for (uint i = 0; i < 8; ++i) part[i] = k + i < columns ? vload_half(i, from) : 0.0f;
  return vload8(0, part);
}

static inline float8 eight_i8(__global const char* from, uint row, uint rows, uint k, uint columns) {
  ZERO_IF_OUTSIDE;
  from += (size_t)row * columns + k;
  if (columns % 8 == 0) return convert_float8(as_char8(*(__global const uint2*)from));
  float part[8];
  for (uint i = 0; i < 8; ++i) part[i] = k + i < columns ? (float)from[i] : 0.0f;
  return vload8(0, part);
}

static inline float8 eight_i4(__global const uchar* codes, __global const half* scales, __global const half* zeros, uint row,
                              uint rows, uint k, uint columns) {
  ZERO_IF_OUTSIDE;
  const size_t group = (size_t)row * ((columns + GROUP - 1) / GROUP) + k / GROUP;
  const float scale = vload_half(group, scales);
  const float zero = vload_half(group, zeros);
  codes += (size_t)row * ((columns + 1) / 2) + k / 2;
  if (columns % 8 == 0) {
    const uint packed = *(__global const uint*)codes;
    const uint8 nibble = ((uint8)(packed) >> (uint8)(0, 4, 8, 12, 16, 20, 24, 28)) & (uint8)(15);
    return (convert_float8(nibble) - zero) * scale;
  }
  float part[8];
  for (uint i = 0; i < 8; ++i) {
    part[i] = k + i < columns ? ((float)((codes[i / 2] >> (i % 2 * 4)) & 15u) - zero) * scale : 0.0f;
  }
  return vload8(0, part);
}

/// Stores eight columns of tile row `at` into [column][PITCH].
static inline void store_eight(float8 value, __local float* tile, uint at, uint k) {
  __local float* to = tile + k * PITCH + at;
  to[0] = value.s0;
  to[PITCH] = value.s1;
  to[2 * PITCH] = value.s2;
  to[3 * PITCH] = value.s3;
  to[4 * PITCH] = value.s4;
  to[5 * PITCH] = value.s5;
  to[6 * PITCH] = value.s6;
  to[7 * PITCH] = value.s7;
}

static inline void multiply_tile(__local const float* weights, __local const float* x, float acc[4][8]) {
  const uint i = (uint)get_local_id(0), j = (uint)get_local_id(1);
  for (uint k = 0; k < STEP; ++k) {
    float weight[4], value[8];
    UNROLLED for (uint r = 0; r < 4; ++r) weight[r] = weights[k * PITCH + i + 16 * r];
    UNROLLED for (uint t = 0; t < 8; ++t) value[t] = x[k * PITCH + j + 8 * t];
    UNROLLED for (uint r = 0; r < 4; ++r) {
      UNROLLED for (uint t = 0; t < 8; ++t) acc[r][t] = fma(weight[r], value[t], acc[r][t]);
    }
  }
}

#define FOR_EACH_ELEMENT                     \
  UNROLLED for (uint r = 0; r < 4; ++r)      \
  UNROLLED for (uint t = 0; t < 8; ++t)

// Which rows and tokens, and which eight columns of which tile row, this item brings.
#define PREPARE                                                                                  \
  __local float weights_tile[STEP * PITCH], x_tile[STEP * PITCH];                                \
  const uint item = (uint)(get_local_id(1) * 16 + get_local_id(0));                              \
  const uint at = item / 2, part = item % 2 * 8;                                                 \
  const uint row0 = (uint)get_group_id(0) * TILE, token0 = (uint)get_group_id(1) * TILE;         \
  float acc[4][8];                                                                               \
  FOR_EACH_ELEMENT acc[r][t] = 0.0f

#define MULTIPLY_STEPS(begin, end, eight_weights, eight_x)                     \
  for (uint k = (begin) + part; k < (end) + part; k += STEP) {                 \
    const float8 new_weights = eight_weights, new_x = eight_x;                 \
    barrier(CLK_LOCAL_MEM_FENCE);                                              \
    store_eight(new_weights, weights_tile, at, part);                          \
    store_eight(new_x, x_tile, at, part);                                      \
    barrier(CLK_LOCAL_MEM_FENCE);                                              \
    multiply_tile(weights_tile, x_tile, acc);                                  \
  }

#define STORE_F16(scale)                                                                              \
  FOR_EACH_ELEMENT {                                                                                  \
    const uint row = row0 + (uint)get_local_id(0) + 16 * r, token = token0 + (uint)get_local_id(1) + 8 * t; \
    if (row < rows && token < tokens) vstore_half_rte(acc[r][t] * (scale), (size_t)token * rows + row, y);  \
  }

GPU_KERNEL void gemm_f16_f16_gpu(__global const half* weights, __global const half* x, __global half* y, uint rows,
                                 uint columns, uint tokens) {
  PREPARE;
  MULTIPLY_STEPS(0, columns, eight_f16(weights, row0 + at, rows, k, columns),
                 eight_f16(x, token0 + at, tokens, k, columns))
  STORE_F16(1.0f)
}

GPU_KERNEL void gemm_i8_f16_gpu(__global const char* codes, __global const half* scales, __global const half* x,
                                __global half* y, uint rows, uint columns, uint tokens) {
  PREPARE;
  MULTIPLY_STEPS(0, columns, eight_i8(codes, row0 + at, rows, k, columns), eight_f16(x, token0 + at, tokens, k, columns))
  STORE_F16(vload_half(row, scales))
}

GPU_KERNEL void gemm_i4_f16_gpu(__global const uchar* codes, __global const half* scales, __global const half* zeros,
                                __global const half* x, __global half* y, uint rows, uint columns, uint tokens) {
  PREPARE;
  MULTIPLY_STEPS(0, columns, eight_i4(codes, scales, zeros, row0 + at, rows, k, columns),
                 eight_f16(x, token0 + at, tokens, k, columns))
  STORE_F16(1.0f)
}
