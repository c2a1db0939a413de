// Y = X W^T for many tokens on the CPU family with weights of a format (format/format.clh) and activations in f32
// panels, or with ACTIVATIONS_E4M3 in panels of e4m3 codes, which are unpacked to local memory first.
// Blocks, launch and tunables as in gemm_cpu.cl; unpacked weights are scale code + shift in f32. Bytes: weights once per
// BLOCK_PANELS panels; rows x columns x tokens multiply-adds. BLOCK_COLUMNS is a multiple of 32.
#define CPU_FAMILY
#include "common/common.clh"
#include "common/gemm_blocks.clh"
#include "common/gemm_panels.clh"
#include "format/format.clh"

// Whole steps are unpacked: the last may reach beyond `depth`, never beyond PITCH.
static inline void unpack_weights(FORMAT_PARTS, const Block* block, uint k0, uint depth, __local float* to) {
  const uint steps = steps_of(block->columns);
  for (uint r = 0; r < unit_rows(block); ++r, to += PITCH) {
    const uint row = clamped_row(block, r);
    size_t at = (size_t)row * steps + k0 / 32;
    PREFETCH((size_t)codes + (at + depth / 32) * FORMAT_STEP_BYTES);
    for (uint k = 0; k < depth; k += 32, ++at) {
      const Codes step = unpack(FORMAT_ARGUMENTS, at);
      const Affine low = affine_of(FORMAT_ARGUMENTS, row, at, 0);
      const Affine high = FORMAT_HALVES == 2 ? affine_of(FORMAT_ARGUMENTS, row, at, 1) : low;
      LOCAL16(float, to + k) = WEIGHT(float16, step.low, low);
      LOCAL16(float, to + k + 16) = WEIGHT(float16, step.high, high);
    }
  }
}

#ifdef ACTIVATIONS_E4M3
static inline float16 panel_numbers(__global const uchar* from) { return e4m3_as_half16(from) * 256.0f; }
DEFINE_UNPACK_X(uchar, panel_numbers)
DEFINE_MULTIPLY(multiply_codes, __local, float, convert_float16)

CPU_KERNEL void FRAME_ENTRY(gemm_, cpu)(FORMAT_PARTS, __global const uchar* restrict x,
                                        __global const float* restrict token_scales, __global half* restrict y, uint rows,
                                        uint columns, uint tokens) {
  DECLARE_BLOCKS(float);
  LOCAL_ARRAY(float, x_block, PANELS * BLOCK_COLUMNS * PANEL_TOKENS);
  const Block block = make_block(rows, columns, tokens);
  FOR_EACH_BLOCK(unpack_weights(FORMAT_ARGUMENTS, &block, k0, depth, weights_block), MULTIPLY_CODES(multiply_codes))
  store_f16(sums_block, &block, 0, token_scales, y);
}
#else
CPU_KERNEL void FRAME_ENTRY(gemm_, cpu)(FORMAT_PARTS, __global const float* restrict x, __global half* restrict y,
                                        uint rows, uint columns, uint tokens) {
  DECLARE_BLOCKS(float);
  const Block block = make_block(rows, columns, tokens);
  FOR_EACH_BLOCK(unpack_weights(FORMAT_ARGUMENTS, &block, k0, depth, weights_block), MULTIPLY_PANELS)
  store_f16(sums_block, &block, 0, 0, y);
}
#endif
