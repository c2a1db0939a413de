// Y = X W^T for many tokens on the CPU family: y[t][r] = sum_k w[r][k] x[t][k]. Formats as in matmul_reference.cl, but the
// activations come in panels of 16 tokens, [token / 16][column][token % 16] (cast_f16_f32_panels or quantize_f16_i8_panels).
// Work-item (b, c) alone: rows [b BLOCK_ROWS, ..) of tokens [16 c BLOCK_PANELS, ..). Per block of BLOCK_COLUMNS columns:
//   1. unpack BLOCK_ROWS x BLOCK_COLUMNS weights to f32 in local memory (int4: s (q - z), exact; int8: the code),
//   2. bring PANELS panels of x there as f32,
//   3. per UNIT_ROWS rows: UNIT_ROWS x PANELS float16 accumulators in registers, x as vectors, weights as broadcasts;
//      sums rest in local memory between the blocks.
// UNIT_ROWS x PANELS: 6 x 1 on 16 registers of 8 floats, 4 x 4 on 32 of 16. Rows and panels beyond the last are computed
// again from the last and not stored.
// int8 x int8: a block sum is at most 512 * 127 * 127 < 2^24, exact in f32, and is added up in int32 between the blocks.
// Bytes: the bound buffers; x again per row block and weights again per column block, both from cache at best.
// Tunables: UNIT_ROWS, PANELS, BLOCK_ROWS (multiple of UNIT_ROWS), BLOCK_PANELS (multiple of PANELS), BLOCK_COLUMNS
// (multiple of GROUP, at most 512), GROUP (columns per int4 group).
#include "common/common.clh"

#define UNROLLED _Pragma("unroll")

// Local memory of one work-item, declared by each kernel (OpenCL C 1.2 allows it nowhere else).
#define DECLARE_BLOCKS(Sum)                                                                     \
  __local float weights_block[BLOCK_ROWS * BLOCK_COLUMNS] __attribute__((aligned(64)));         \
  __local float x_block[PANELS * BLOCK_COLUMNS * 16] __attribute__((aligned(64)));              \
  __local Sum sums_block[BLOCK_PANELS * BLOCK_ROWS * 16] __attribute__((aligned(64)))

/// What a work-item covers.
typedef struct {
  uint first_row, rows;      ///< first row of the block; rows of the matrix
  uint first_panel, panels;  ///< first panel of the block; panels of x
  uint columns, tokens;
} Block;

static inline Block make_block(uint rows, uint columns, uint tokens) {
  Block block;
  block.first_row = (uint)get_global_id(0) * BLOCK_ROWS;
  block.rows = rows;
  block.first_panel = (uint)get_global_id(1) * BLOCK_PANELS;
  block.panels = (tokens + 15) / 16;
  block.columns = columns;
  block.tokens = tokens;
  return block;
}

static inline uint clamped_row(const Block* block, uint r) { return min(block->first_row + r, block->rows - 1); }
static inline uint used_panels(const Block* block) { return min((uint)BLOCK_PANELS, block->panels - block->first_panel); }

static inline void unpack_f16(__global const half* weights, const Block* block, uint k0, uint depth, __local float* to) {
  for (uint r = 0; r < BLOCK_ROWS; ++r, to += BLOCK_COLUMNS) {
    __global const half* row = weights + (size_t)clamped_row(block, r) * block->columns + k0;
    uint k = 0;
    for (; k + 16 <= depth; k += 16) vstore16(vload_half16(0, row + k), 0, to + k);
    for (; k < depth; ++k) to[k] = vload_half(k, row);
  }
}

static inline void unpack_i8(__global const char* codes, const Block* block, uint k0, uint depth, __local float* to) {
  for (uint r = 0; r < BLOCK_ROWS; ++r, to += BLOCK_COLUMNS) {
    __global const char* row = codes + (size_t)clamped_row(block, r) * block->columns + k0;
    uint k = 0;
    for (; k + 16 <= depth; k += 16) vstore16(convert_float16(vload16(0, row + k)), 0, to + k);
    for (; k < depth; ++k) to[k] = (float)row[k];
  }
}

static inline void unpack_i4(__global const uchar* codes, __global const half* scales, __global const half* zeros,
                             const Block* block, uint k0, uint depth, __local float* to) {
  const uint groups = (block->columns + GROUP - 1) / GROUP;
  for (uint r = 0; r < BLOCK_ROWS; ++r, to += BLOCK_COLUMNS) {
    const size_t row = clamped_row(block, r);
    __global const uchar* from = codes + row * ((block->columns + 1) / 2) + k0 / 2;
    for (uint start = 0; start < depth; start += GROUP) {
      const size_t group = row * groups + (k0 + start) / GROUP;
      const float scale = vload_half(group, scales);
      const float zero = vload_half(group, zeros);
      const uint end = min(start + GROUP, depth);
      uint k = start;
      for (; k + 16 <= end; k += 16) {
        const uchar8 pair = vload8(0, from + k / 2);
        float16 value;
        value.even = (convert_float8(pair & (uchar8)(15)) - zero) * scale;
        value.odd = (convert_float8(pair >> (uchar8)(4)) - zero) * scale;
        vstore16(value, 0, to + k);
      }
      for (; k < end; ++k) to[k] = ((float)((from[k / 2] >> (k % 2 * 4)) & 15u) - zero) * scale;
    }
  }
}

/// PANELS panels of x from column k0 on, as f32 [panel][column][16].
static inline void bring_f32(__global const float* x, const Block* block, uint panel, uint k0, uint depth,
                             __local float* to) {
  for (uint p = 0; p < PANELS; ++p, to += BLOCK_COLUMNS * 16) {
    __global const float* from = x + ((size_t)min(panel + p, block->panels - 1) * block->columns + k0) * 16;
    for (uint k = 0; k < depth; ++k) vstore16(vload16(k, from), k, to);
  }
}

static inline void bring_i8(__global const char* x, const Block* block, uint panel, uint k0, uint depth,
                            __local float* to) {
  for (uint p = 0; p < PANELS; ++p, to += BLOCK_COLUMNS * 16) {
    __global const char* from = x + ((size_t)min(panel + p, block->panels - 1) * block->columns + k0) * 16;
    for (uint k = 0; k < depth; ++k) vstore16(convert_float16(vload16(k, from)), k, to);
  }
}

/// Adds a block's products to acc: UNIT_ROWS rows of `weights`, PANELS panels of `x`, `depth` columns.
static inline void multiply_unit(__local const float* weights, __local const float* x, uint depth,
                                 float16 acc[UNIT_ROWS][PANELS]) {
  for (uint k = 0; k < depth; ++k) {
    float16 value[PANELS];
    UNROLLED for (uint p = 0; p < PANELS; ++p) value[p] = vload16(p * BLOCK_COLUMNS + k, x);
    UNROLLED for (uint r = 0; r < UNIT_ROWS; ++r) {
      const float16 weight = weights[r * BLOCK_COLUMNS + k];
      UNROLLED for (uint p = 0; p < PANELS; ++p) acc[r][p] = fma(weight, value[p], acc[r][p]);
    }
  }
}

/// All rows of the block against PANELS panels; float sums [panel][row][16] from `panel` on.
static inline void multiply_float(__local const float* weights, __local const float* x, uint depth, bool fresh,
                                  __local float* sums) {
  for (uint r0 = 0; r0 < BLOCK_ROWS; r0 += UNIT_ROWS) {
    float16 acc[UNIT_ROWS][PANELS];
    UNROLLED for (uint r = 0; r < UNIT_ROWS; ++r) {
      UNROLLED for (uint p = 0; p < PANELS; ++p) {
        acc[r][p] = fresh ? (float16)(0.0f) : vload16(p * BLOCK_ROWS + r0 + r, sums);
      }
    }
    multiply_unit(weights + r0 * BLOCK_COLUMNS, x, depth, acc);
    UNROLLED for (uint r = 0; r < UNIT_ROWS; ++r) {
      UNROLLED for (uint p = 0; p < PANELS; ++p) vstore16(acc[r][p], p * BLOCK_ROWS + r0 + r, sums);
    }
  }
}

/// The same with int32 sums: each block's float sum is an exact integer.
static inline void multiply_int(__local const float* weights, __local const float* x, uint depth, bool fresh,
                                __local int* sums) {
  for (uint r0 = 0; r0 < BLOCK_ROWS; r0 += UNIT_ROWS) {
    float16 acc[UNIT_ROWS][PANELS];
    UNROLLED for (uint r = 0; r < UNIT_ROWS; ++r) {
      UNROLLED for (uint p = 0; p < PANELS; ++p) acc[r][p] = 0.0f;
    }
    multiply_unit(weights + r0 * BLOCK_COLUMNS, x, depth, acc);
    UNROLLED for (uint r = 0; r < UNIT_ROWS; ++r) {
      UNROLLED for (uint p = 0; p < PANELS; ++p) {
        const int16 before = fresh ? (int16)(0) : vload16(p * BLOCK_ROWS + r0 + r, sums);
        vstore16(before + convert_int16(acc[r][p]), p * BLOCK_ROWS + r0 + r, sums);
      }
    }
  }
}

/// Eight rows of one token from sums [panel][row][16].
#define GATHER8(Type, at) (Type)((at)[0], (at)[16], (at)[32], (at)[48], (at)[64], (at)[80], (at)[96], (at)[112])

/// y[t][r] = f16(sum * row_scale[r] * token_scale[t]); null scales are 1.
static inline void store_f16(__local const float* sums, const Block* block, __global const half* row_scales,
                             __global const float* token_scales, __global half* y) {
  const uint used_rows = min((uint)BLOCK_ROWS, block->rows - block->first_row);
  const uint first_token = block->first_panel * 16;
  const uint used_tokens = min((uint)BLOCK_PANELS * 16, block->tokens - first_token);
  for (uint t = 0; t < used_tokens; ++t) {
    __local const float* from = sums + (t / 16) * (BLOCK_ROWS * 16) + t % 16;
    __global half* to = y + (size_t)(first_token + t) * block->rows + block->first_row;
    const float token_scale = token_scales ? token_scales[first_token + t] : 1.0f;
    uint r = 0;
    for (; r + 8 <= used_rows; r += 8) {
      float8 value = GATHER8(float8, from + r * 16) * token_scale;
      if (row_scales) value *= vload_half8(0, row_scales + block->first_row + r);
      vstore_half8_rte(value, 0, to + r);
    }
    for (; r < used_rows; ++r) {
      float value = from[r * 16] * token_scale;
      if (row_scales) value *= vload_half(block->first_row + r, row_scales);
      vstore_half_rte(value, r, to);
    }
  }
}

static inline void store_i32(__local const int* sums, const Block* block, __global int* acc) {
  const uint used_rows = min((uint)BLOCK_ROWS, block->rows - block->first_row);
  const uint first_token = block->first_panel * 16;
  const uint used_tokens = min((uint)BLOCK_PANELS * 16, block->tokens - first_token);
  for (uint t = 0; t < used_tokens; ++t) {
    __local const int* from = sums + (t / 16) * (BLOCK_ROWS * 16) + t % 16;
    __global int* to = acc + (size_t)(first_token + t) * block->rows + block->first_row;
    uint r = 0;
    for (; r + 8 <= used_rows; r += 8) vstore8(GATHER8(int8, from + r * 16), 0, to + r);
    for (; r < used_rows; ++r) to[r] = from[r * 16];
  }
}

// The loop over column blocks and panels that every kernel shares.
#define FOR_EACH_BLOCK(unpack_weights, bring_x, multiply)                                  \
  for (uint k0 = 0; k0 < columns; k0 += BLOCK_COLUMNS) {                                   \
    const uint depth = min((uint)BLOCK_COLUMNS, columns - k0);                             \
    unpack_weights;                                                                        \
    for (uint p = 0; p < used_panels(&block); p += PANELS) {                               \
      bring_x;                                                                             \
      multiply(weights_block, x_block, depth, k0 == 0, sums_block + p * BLOCK_ROWS * 16);  \
    }                                                                                      \
  }

CPU_KERNEL void gemm_f16_f16_cpu(__global const half* restrict weights, __global const float* restrict x,
                                 __global half* restrict y, uint rows, uint columns, uint tokens) {
  DECLARE_BLOCKS(float);
  const Block block = make_block(rows, columns, tokens);
  FOR_EACH_BLOCK(unpack_f16(weights, &block, k0, depth, weights_block),
                 bring_f32(x, &block, block.first_panel + p, k0, depth, x_block), multiply_float)
  store_f16(sums_block, &block, 0, 0, y);
}

CPU_KERNEL void gemm_i8_f16_cpu(__global const char* restrict codes, __global const half* restrict scales,
                                __global const float* restrict x, __global half* restrict y, uint rows, uint columns,
                                uint tokens) {
  DECLARE_BLOCKS(float);
  const Block block = make_block(rows, columns, tokens);
  FOR_EACH_BLOCK(unpack_i8(codes, &block, k0, depth, weights_block),
                 bring_f32(x, &block, block.first_panel + p, k0, depth, x_block), multiply_float)
  store_f16(sums_block, &block, scales, 0, y);
}

CPU_KERNEL void gemm_i4_f16_cpu(__global const uchar* restrict codes, __global const half* restrict scales,
                                __global const half* restrict zeros, __global const float* restrict x,
                                __global half* restrict y, uint rows, uint columns, uint tokens) {
  DECLARE_BLOCKS(float);
  const Block block = make_block(rows, columns, tokens);
  FOR_EACH_BLOCK(unpack_i4(codes, scales, zeros, &block, k0, depth, weights_block),
                 bring_f32(x, &block, block.first_panel + p, k0, depth, x_block), multiply_float)
  store_f16(sums_block, &block, 0, 0, y);
}

CPU_KERNEL void gemm_i8_i8_cpu(__global const char* restrict codes, __global const char* restrict x,
                               __global int* restrict acc, uint rows, uint columns, uint tokens) {
  DECLARE_BLOCKS(int);
  const Block block = make_block(rows, columns, tokens);
  FOR_EACH_BLOCK(unpack_i8(codes, &block, k0, depth, weights_block),
                 bring_i8(x, &block, block.first_panel + p, k0, depth, x_block), multiply_int)
  store_i32(sums_block, &block, acc);
}

CPU_KERNEL void gemm_i4_i8_cpu(__global const uchar* restrict codes, __global const half* restrict scales,
                               __global const half* restrict zeros, __global const char* restrict x,
                               __global const float* restrict token_scales, __global half* restrict y, uint rows,
                               uint columns, uint tokens) {
  DECLARE_BLOCKS(float);
  const Block block = make_block(rows, columns, tokens);
  FOR_EACH_BLOCK(unpack_i4(codes, scales, zeros, &block, k0, depth, weights_block),
                 bring_i8(x, &block, block.first_panel + p, k0, depth, x_block), multiply_float)
  store_f16(sums_block, &block, 0, token_scales, y);
}
