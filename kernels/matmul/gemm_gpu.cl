// Y = X W^T for many tokens on the GPU family: y[t][r] = sum_k w[r][k] x[t][k]. Formats as in matmul_reference.cl, same
// bindings. Work-group (b, c) of 16 x 8 items: a tile of 64 rows x 64 tokens; item (i, j) holds rows i + 16 {0..3} and
// tokens j + 8 {0..7} in registers. Per step of 16 columns the group brings both tiles to local memory as f32 (int4:
// s (q - z), exact), 8 neighbouring columns of one row per item, by one 16-, 8- or 4-byte load where rows are aligned, else
// element by element; columns beyond the last are 0. Local rows are [column][64 + 4]: 16-byte aligned, banks apart.
// int8 activations: gemm_dot_gpu.cl.
// Bytes: weights once per 64 tokens, x once per 64 rows; 32 multiply-adds per item and column.
// GROUP: columns per int4 group, a multiple of 16. Precondition: buffers start on 16 bytes.
#include "common/common.clh"
#include "common/gemm_tiles.clh"

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
