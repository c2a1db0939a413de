// Y = X W^T for many tokens on the CPU family: y[t][r] = sum_k w[r][k] x[t][k]. Formats as in matmul_reference.cl, but the
// activations come in panels (common/panels.clh; cast_f16_f32_panels or quantize_f16_i8_panels).
// Work-item (b, c) alone: rows [b BLOCK_ROWS, ..) of the tokens from panel c BLOCK_PANELS on. Per block of BLOCK_COLUMNS columns:
//   1. unpack BLOCK_ROWS x BLOCK_COLUMNS weights to f32 in local memory (int4: s (q - z), exact; int8: the code),
//   2. int8 activations: unpack PANELS panels of x there as well; f32 panels are read in place,
//   3. per UNIT_ROWS rows: UNIT_ROWS x PANELS float16 accumulators in registers, x as vectors, weights as broadcasts;
//      sums rest in local memory between the blocks.
// UNIT_ROWS x PANELS: 6 x 1 on 16 registers of 8 floats, 4 x 4 on 32 of 16. Rows of a unit and panels beyond the
// last are computed again from the last and not stored.
// int8 x int8: a block sum is at most 512 * 127 * 127 < 2^24, exact in f32, and is added up in int32 between the blocks.
// Bytes: the bound buffers; x again per row block and weights again per column block, both from cache at best.
// Tunables: UNIT_ROWS, PANELS, BLOCK_ROWS (multiple of UNIT_ROWS), BLOCK_PANELS (multiple of PANELS), BLOCK_COLUMNS
// (multiple of GROUP, at most 512), GROUP (columns per int4 group).
// With AVX2's integer multiply-adds: gemm_avx2_cpu.cl.
#include "common/common.clh"
#include "common/gemm_blocks.clh"
#include "common/gemm_panels.clh"

static inline void unpack_f16(__global const half* weights, const Block* block, uint k0, uint depth, __local float* to) {
  for (uint r = 0; r < unit_rows(block); ++r, to += PITCH) {
    __global const half* row = weights + (size_t)clamped_row(block, r) * block->columns + k0;
    uint k = 0;
    for (; k + 16 <= depth; k += 16) LOCAL16(float, to + k) = load_halves16(row + k);
    for (; k < depth; ++k) to[k] = vload_half(k, row);
  }
}

static inline void unpack_i8(__global const char* codes, const Block* block, uint k0, uint depth, __local float* to) {
  for (uint r = 0; r < unit_rows(block); ++r, to += PITCH) {
    __global const char* row = codes + (size_t)clamped_row(block, r) * block->columns + k0;
    uint k = 0;
    for (; k + 16 <= depth; k += 16) LOCAL16(float, to + k) = convert_float16(LOAD_LOOSE(loose_char16, row + k));
    for (; k < depth; ++k) to[k] = (float)row[k];
  }
}

static inline void unpack_i4(__global const uchar* codes, __global const half* scales, __global const half* zeros,
                             const Block* block, uint k0, uint depth, __local float* to) {
  for (uint r = 0; r < unit_rows(block); ++r, to += PITCH) {
    const uint row = clamped_row(block, r);
    __global const uchar* from = codes + (size_t)row * ((block->columns + 1) / 2) + k0 / 2;
    prefetch_codes(from, depth);
    for (uint part = 0; part < depth; part += SCALE_BLOCK * GROUP) {
      const GroupScales group = load_group_scales(scales, zeros, block, row, k0 + part);
      for (uint start = part, g = 0; start < min(part + SCALE_BLOCK * GROUP, depth); start += GROUP, ++g) {
        const float8 scale = group.scale[g], shift = group.shift[g];  // s (q - z) = fma(q, s, -s z)
        const uint end = min(start + GROUP, depth);
        uint k = start;
        for (; k + 16 <= end; k += 16) {
          const uint8 pair = convert_uint8(vload8(0, from + k / 2));
          const float8 low = fma(convert_float8(as_int8(pair & 15u)), scale, shift);
          const float8 high = fma(convert_float8(as_int8(pair >> 4)), scale, shift);
          LOCAL16(float, to + k) =
              (float16)(low.s0, high.s0, low.s1, high.s1, low.s2, high.s2, low.s3, high.s3,  //
                        low.s4, high.s4, low.s5, high.s5, low.s6, high.s6, low.s7, high.s7);
        }
        for (; k < end; ++k) to[k] = fma((float)((from[k / 2] >> (k % 2 * 4)) & 15u), scale.s0, shift.s0);
      }
    }
  }
}

static inline float16 panel_numbers(__global const char* from) { return convert_float16(LOAD_LOOSE(loose_char16, from)); }
DEFINE_UNPACK_X(char, panel_numbers)
DEFINE_MULTIPLY(multiply_codes, __local, float, convert_float16)

CPU_KERNEL void gemm_f16_f16_cpu(__global const half* restrict weights, __global const float* restrict x,
                                 __global half* restrict y, uint rows, uint columns, uint tokens) {
  DECLARE_BLOCKS(float);
  const Block block = make_block(rows, columns, tokens);
  FOR_EACH_BLOCK(unpack_f16(weights, &block, k0, depth, weights_block), MULTIPLY_PANELS)
  store_f16(sums_block, &block, 0, 0, y);
}

CPU_KERNEL void gemm_i8_f16_cpu(__global const char* restrict codes, __global const half* restrict scales,
                                __global const float* restrict x, __global half* restrict y, uint rows, uint columns,
                                uint tokens) {
  DECLARE_BLOCKS(float);
  const Block block = make_block(rows, columns, tokens);
  FOR_EACH_BLOCK(unpack_i8(codes, &block, k0, depth, weights_block), MULTIPLY_PANELS)
  store_f16(sums_block, &block, scales, 0, y);
}

CPU_KERNEL void gemm_i4_f16_cpu(__global const uchar* restrict codes, __global const half* restrict scales,
                                __global const half* restrict zeros, __global const float* restrict x,
                                __global half* restrict y, uint rows, uint columns, uint tokens) {
  DECLARE_BLOCKS(float);
  const Block block = make_block(rows, columns, tokens);
  FOR_EACH_BLOCK(unpack_i4(codes, scales, zeros, &block, k0, depth, weights_block), MULTIPLY_PANELS)
  store_f16(sums_block, &block, 0, 0, y);
}

DEFINE_MULTIPLY(multiply_codes_exactly, __local, int, convert_int16)

CPU_KERNEL void gemm_i8_i8_cpu(__global const char* restrict codes, __global const char* restrict x,
                               __global int* restrict acc, uint rows, uint columns, uint tokens) {
  DECLARE_BLOCKS(int);
  LOCAL_ARRAY(float, x_block, PANELS * BLOCK_COLUMNS * PANEL_TOKENS);
  const Block block = make_block(rows, columns, tokens);
  FOR_EACH_BLOCK(unpack_i8(codes, &block, k0, depth, weights_block), MULTIPLY_CODES(multiply_codes_exactly))
  store_i32(sums_block, &block, acc);
}
CPU_KERNEL void gemm_i4_i8_cpu(__global const uchar* restrict codes, __global const half* restrict scales,
                               __global const half* restrict zeros, __global const char* restrict x,
                               __global const float* restrict token_scales, __global half* restrict y, uint rows,
                               uint columns, uint tokens) {
  DECLARE_BLOCKS(float);
  LOCAL_ARRAY(float, x_block, PANELS * BLOCK_COLUMNS * PANEL_TOKENS);
  const Block block = make_block(rows, columns, tokens);
  FOR_EACH_BLOCK(unpack_i4(codes, scales, zeros, &block, k0, depth, weights_block), MULTIPLY_CODES(multiply_codes))
  store_f16(sums_block, &block, 0, token_scales, y);
}
