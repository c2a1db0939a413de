// gemm_i8_i8 and gemm_i4_i8 of gemm_cpu.cl with AVX2's multiply-adds (common/x86.clh); same bindings, tunables and blocks.
//   i8_i8  pmaddwd on pairs of columns: twice the multiply-adds of an f32 fma; exact.
//   i4_i8  pmaddubsw on quads of columns: four times; the codes of 32 columns are multiplied before they are scaled, and the
//          zero point enters per group: sum_g s (dot_g - z sum_g x).
#include "common/common.clh"
#include "common/gemm_blocks.clh"
#include "common/x86.clh"

// Column pairs (2j, 2j + 1) share a 32-bit lane of weights and x.
#define PAIR_PITCH (BLOCK_COLUMNS / 2 + 8)  // lanes per row of weights

/// Pairs of codes as 16-bit halves, [row][PAIR_PITCH]; an odd last column is paired with 0.
static inline void unpack_pairs(__global const char* codes, const Block* block, uint k0, uint depth, __local int* to) {
  for (uint r = 0; r < unit_rows(block); ++r, to += PAIR_PITCH) {
    __global const char* row = codes + (size_t)clamped_row(block, r) * block->columns + k0;
    uint k = 0;
    for (; k + 16 <= depth; k += 16) {
      *(__local int8*)(to + k / 2) = as_int8(convert_short16(LOAD_LOOSE(loose_char16, row + k)));
    }
    for (; k < depth; k += 2) to[k / 2] = (row[k] & 0xFFFF) | (k + 1 < depth ? row[k + 1] << 16 : 0);
  }
}

/// PANELS panels of codes, [panel][column / 2][token], the same pairs.
static inline void unpack_x_pairs(__global const char* x, const Block* block, uint panel, uint k0, uint depth,
                                  __local int* to) {
  for (uint p = 0; p < PANELS; ++p, to += BLOCK_COLUMNS / 2 * PANEL_TOKENS) {
    __global const char* from = x + ((size_t)min(panel + p, block->panels - 1) * block->columns + k0) * PANEL_TOKENS;
    for (uint k = 0; k < depth; k += 2, from += 2 * PANEL_TOKENS) {
      const int16 even = convert_int16(LOAD_LOOSE(loose_char16, from));
      int16 odd = 0;
      if (k + 1 < depth) odd = convert_int16(LOAD_LOOSE(loose_char16, from + PANEL_TOKENS));
      LOCAL16(int, to + k / 2 * PANEL_TOKENS) = (even & (int16)(0xFFFF)) | (odd << (int16)(16));
    }
  }
}

static inline void multiply_pair_block(__local const int* weights, __local const int* x, uint rows, uint depth,
                                       bool fresh, __local int* sums) {
  for (uint r0 = 0; r0 < rows; r0 += UNIT_ROWS, weights += UNIT_ROWS * PAIR_PITCH) {
    int8 low[UNIT_ROWS][PANELS], high[UNIT_ROWS][PANELS];
    UNROLLED for (uint r = 0; r < UNIT_ROWS; ++r) {
      UNROLLED for (uint p = 0; p < PANELS; ++p) low[r][p] = high[r][p] = 0;
    }
    for (uint j = 0; j < (depth + 1) / 2; ++j) {
      UNROLLED for (uint p = 0; p < PANELS; ++p) {
        const int16 value = LOCAL16(const int, x + (p * BLOCK_COLUMNS / 2 + j) * PANEL_TOKENS);
        UNROLLED for (uint r = 0; r < UNIT_ROWS; ++r) {
          const short16 weight = as_short16((int8)(weights[r * PAIR_PITCH + j]));
          low[r][p] += multiply_add_shorts(weight, as_short16(value.lo));
          high[r][p] += multiply_add_shorts(weight, as_short16(value.hi));
        }
      }
    }
    UNROLLED for (uint r = 0; r < UNIT_ROWS; ++r) {
      UNROLLED for (uint p = 0; p < PANELS; ++p) {
        __local int* sum = sums + (p * BLOCK_ROWS + r0 + r) * PANEL_TOKENS;
        LOCAL16(int, sum) = (fresh ? (int16)(0) : LOCAL16(int, sum)) + (int16)(low[r][p], high[r][p]);
      }
    }
  }
}

CPU_KERNEL void gemm_i8_i8_cpu(__global const char* restrict codes, __global const char* restrict x,
                               __global int* restrict acc, uint rows, uint columns, uint tokens) {
  LOCAL_ARRAY(int, weights_block, BLOCK_ROWS * PAIR_PITCH);
  LOCAL_ARRAY(int, x_block, PANELS * BLOCK_COLUMNS / 2 * PANEL_TOKENS);
  LOCAL_ARRAY(int, sums_block, BLOCK_PANELS * BLOCK_ROWS * PANEL_TOKENS);
  const Block block = make_block(rows, columns, tokens);
  FOR_EACH_BLOCK(unpack_pairs(codes, &block, k0, depth, weights_block),
                 unpack_x_pairs(x, &block, block.first_panel + p, k0, depth, x_block);
                 multiply_pair_block(weights_block, x_block, unit_rows(&block), depth, k0 == 0,
                                     sums_block + p * BLOCK_ROWS * PANEL_TOKENS))
  store_i32(sums_block, &block, acc);
}

// Chunks of 32 columns, 8 steps each: a 32-bit lane holds 4 columns of a row's codes or of a token. Step s < 4: columns 8 s +
// {0, 2, 4, 6} of the chunk, the low nibbles of 4 bytes; step 4 + s: 8 s + {1, 3, 5, 7}, the high ones. The products of a chunk
// are summed in 16 bits: 8 steps of 2 * 15 * 127 are 30480.
#define CHUNK_COLUMNS 32
#define STEPS 8
#define QUAD_PITCH (BLOCK_COLUMNS / 4 + 16)  // lanes per row of weights
#define SCALE_PITCH (BLOCK_COLUMNS / GROUP)  // groups per row of weights

/// Neighbouring 16-bit sums added, as floats.
static inline float16 widen_sums(short16 low, short16 high) {
  return convert_float16((int16)(multiply_add_shorts(low, (short16)(1)), multiply_add_shorts(high, (short16)(1))));
}

/// Codes of a block, [row][chunk][step], and its s and -s z, [row][group].
static inline void unpack_quads(__global const uchar* codes, __global const half* scales, __global const half* zeros,
                                const Block* block, uint k0, uint depth, __local uint* to, __local float* scale_to,
                                __local float* shift_to) {
  for (uint r = 0; r < unit_rows(block); ++r, to += QUAD_PITCH, scale_to += SCALE_PITCH, shift_to += SCALE_PITCH) {
    const uint row = clamped_row(block, r);
    __global const uchar* from = codes + (size_t)row * ((block->columns + 1) / 2) + k0 / 2;
    prefetch_codes(from, depth);
    for (uint g = 0; g * GROUP < depth; g += SCALE_BLOCK) {
      const GroupScales group = load_group_scales(scales, zeros, block, row, k0 + g * GROUP);
      for (uint i = 0; i < min((uint)SCALE_BLOCK, SCALE_PITCH - g); ++i) {
        scale_to[g + i] = group.scale[i];
        shift_to[g + i] = group.shift[i];
      }
    }
    for (uint k = 0; k < depth; k += CHUNK_COLUMNS) {
      uint4 bytes;
      if (k + CHUNK_COLUMNS <= depth) {
        bytes = LOAD_LOOSE(loose_uint4, from + k / 2);
      } else {  // x is 0 from column `depth` on
        uchar tail[16] = {0};
        for (uint i = k; i < depth; i += 2) tail[(i - k) / 2] = from[i / 2];
        bytes = as_uint4(vload16(0, tail));
      }
      *(__local uint4*)(to + k / 4) = bytes & 0x0F0F0F0Fu;
      *(__local uint4*)(to + k / 4 + 4) = (bytes >> 4) & 0x0F0F0F0Fu;
    }
  }
}

/// PANELS panels of codes, [panel][chunk][step][token], and their sums, [panel][group][token].
static inline void unpack_x_quads(__global const char* x, const Block* block, uint panel, uint k0, uint depth,
                                  __local int* to, __local float* totals) {
  for (uint p = 0; p < PANELS; ++p, to += BLOCK_COLUMNS / 4 * PANEL_TOKENS, totals += SCALE_PITCH * PANEL_TOKENS) {
    __global const char* from = x + ((size_t)min(panel + p, block->panels - 1) * block->columns + k0) * PANEL_TOKENS;
    for (uint k = 0; k < depth; k += CHUNK_COLUMNS) {
      short16 low = 0, high = 0;
      for (uint s = 0; s < STEPS; ++s) {
        uint16 quad = 0;
        UNROLLED for (uint i = 0; i < 4; ++i) {
          const uint column = k + s % 4 * 8 + s / 4 + 2 * i;
          if (column < depth) {
            quad |= convert_uint16(as_uchar16(LOAD_LOOSE(loose_char16, from + column * PANEL_TOKENS))) << (uint16)(8 * i);
          }
        }
        LOCAL16(int, to + (k / 4 + s) * PANEL_TOKENS) = as_int16(quad);
        low += multiply_add_bytes16((short16)(0x0101), as_short16(quad.lo));
        high += multiply_add_bytes16((short16)(0x0101), as_short16(quad.hi));
      }
      __local float* total = totals + k / GROUP * PANEL_TOKENS;
      LOCAL16(float, total) = (k % GROUP == 0 ? (float16)(0.0f) : LOCAL16(float, total)) + widen_sums(low, high);
    }
  }
}

/// Adds s (dot - z total) of every group to sums [panel][row][token]. `fresh`: they start at 0.
static inline void multiply_quad_block(__local const int* weights, __local const float* scales,
                                       __local const float* shifts, __local const int* x, __local const float* totals,
                                       uint rows, uint depth, bool fresh, __local float* sums) {
  for (uint p = 0; p < PANELS; ++p) {
    for (uint r = 0; r < rows; ++r) {
      __local float* sum = sums + (p * BLOCK_ROWS + r) * PANEL_TOKENS;
      float16 value = fresh ? (float16)(0.0f) : LOCAL16(float, sum);
      for (uint g = 0; g * GROUP < depth; ++g) {
        value = fma((float16)(shifts[r * SCALE_PITCH + g]), LOCAL16(const float, totals + (p * SCALE_PITCH + g) * PANEL_TOKENS), value);
      }
      LOCAL16(float, sum) = value;
    }
  }
  for (uint r0 = 0; r0 < rows; r0 += UNIT_ROWS) {
    for (uint c = 0; c * CHUNK_COLUMNS < depth; ++c) {
      short16 low[UNIT_ROWS][PANELS], high[UNIT_ROWS][PANELS];
      UNROLLED for (uint r = 0; r < UNIT_ROWS; ++r) {
        UNROLLED for (uint p = 0; p < PANELS; ++p) low[r][p] = high[r][p] = 0;
      }
      for (uint s = c * STEPS; s < (c + 1) * STEPS; ++s) {
        UNROLLED for (uint p = 0; p < PANELS; ++p) {
          const int16 value = LOCAL16(const int, x + (p * (BLOCK_COLUMNS / 4) + s) * PANEL_TOKENS);
          UNROLLED for (uint r = 0; r < UNIT_ROWS; ++r) {
            const short16 weight = as_short16((int8)(weights[(r0 + r) * QUAD_PITCH + s]));
            low[r][p] += multiply_add_bytes16(weight, as_short16(value.lo));
            high[r][p] += multiply_add_bytes16(weight, as_short16(value.hi));
          }
        }
      }
      UNROLLED for (uint r = 0; r < UNIT_ROWS; ++r) {
        const float16 scale = scales[(r0 + r) * SCALE_PITCH + c * CHUNK_COLUMNS / GROUP];
        UNROLLED for (uint p = 0; p < PANELS; ++p) {
          __local float* sum = sums + (p * BLOCK_ROWS + r0 + r) * PANEL_TOKENS;
          LOCAL16(float, sum) = fma(widen_sums(low[r][p], high[r][p]), scale, LOCAL16(float, sum));
        }
      }
    }
  }
}

CPU_KERNEL void gemm_i4_i8_cpu(__global const uchar* restrict codes, __global const half* restrict scales,
                               __global const half* restrict zeros, __global const char* restrict x,
                               __global const float* restrict token_scales, __global half* restrict y, uint rows,
                               uint columns, uint tokens) {
  LOCAL_ARRAY(uint, weights_block, BLOCK_ROWS * QUAD_PITCH);
  LOCAL_ARRAY(float, scales_block, BLOCK_ROWS * SCALE_PITCH);
  LOCAL_ARRAY(float, shifts_block, BLOCK_ROWS * SCALE_PITCH);
  LOCAL_ARRAY(int, x_block, PANELS * BLOCK_COLUMNS / 4 * PANEL_TOKENS);
  LOCAL_ARRAY(float, totals_block, PANELS * SCALE_PITCH * PANEL_TOKENS);
  LOCAL_ARRAY(float, sums_block, BLOCK_PANELS * BLOCK_ROWS * PANEL_TOKENS);
  const Block block = make_block(rows, columns, tokens);
  FOR_EACH_BLOCK(unpack_quads(codes, scales, zeros, &block, k0, depth, weights_block, scales_block, shifts_block),
                 unpack_x_quads(x, &block, block.first_panel + p, k0, depth, x_block, totals_block);
                 multiply_quad_block((__local const int*)weights_block, scales_block, shifts_block, x_block, totals_block,
                                     unit_rows(&block), depth, k0 == 0, sums_block + p * BLOCK_ROWS * PANEL_TOKENS))
  store_f16(sums_block, &block, 0, token_scales, y);
}
