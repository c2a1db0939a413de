// Y = X W^T for many tokens on the GPU family with weights of a format (format/format.clh) and f16 or e4m3 activations
// (common/frame_activations.clh). Tiles and launch as in gemm_gpu.cl (common/gemm_tiles.clh); per step of 16 columns an
// item brings 8 neighbouring columns of one row, scale code + shift. Bytes: weights once per 64 tokens, x once per 64 rows.
// Precondition: buffers start on 16 bytes.
#define GPU_FAMILY
#include "common/common.clh"
#include "common/instructions.clh"
#include "common/gemm_tiles.clh"
#include "format/format.clh"
#include "common/frame_activations.clh"

static inline float8 eight_weights(FORMAT_PARTS, uint row, uint rows, uint k, uint columns) {
  ZERO_IF_OUTSIDE;
  const size_t at = (size_t)row * steps_of(columns) + k / 32;
  const Affine affine = affine_of(FORMAT_ARGUMENTS, row, at, k % 32 / 16);
  return WEIGHT(float8, codes8(load_step(FORMAT_ARGUMENTS, at), k % 32 / 8), affine);
}

/// Eight columns k.. of one token; zeros beyond the last token and column.
static inline float8 eight_activations(__global const Activation* x, uint row, uint rows, uint k, uint columns) {
  ZERO_IF_OUTSIDE;
  x += (size_t)row * columns + k;
  if (columns % 8 == 0) return activations8(x);
  float part[8];
  for (uint i = 0; i < 8; ++i) part[i] = k + i < columns ? activation_at(x, i) : 0.0f;
  return vload8(0, part);
}

GPU_KERNEL void FRAME_ENTRY(gemm_, gpu)(FORMAT_PARTS, ACTIVATION_PARTS, __global half* y, uint rows, uint columns,
                                        uint tokens) {
  PREPARE;
  MULTIPLY_STEPS(0, columns, eight_weights(FORMAT_ARGUMENTS, row0 + at, rows, k, columns),
                 eight_activations(x, token0 + at, tokens, k, columns))
  STORE_F16(token_factor(token))
}
