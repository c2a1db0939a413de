// Y = X W^T for many tokens on the CPU family: y[t][r] = sum_k w[r][k] x[t][k]. Formats as in matmul_reference.cl, but the
// activations come in panels of 16 tokens, [token / 16][column][token % 16] (cast_f16_f32_panels or quantize_f16_i8_panels).
// Work-item (b, c) alone: rows [b BLOCK_ROWS, ..) of tokens [16 c BLOCK_PANELS, ..). Per block of BLOCK_COLUMNS columns:
//   1. unpack BLOCK_ROWS x BLOCK_COLUMNS weights to f32 in local memory (int4: s (q - z), exact; int8: the code),
//   2. int8 activations: unpack PANELS panels of x there as well; f32 panels are read in place,
//   3. per UNIT_ROWS rows: UNIT_ROWS x PANELS float16 accumulators in registers, x as vectors, weights as broadcasts;
//      sums rest in local memory between the blocks.
// UNIT_ROWS x PANELS: 6 x 1 on 16 registers of 8 floats, 4 x 4 on 32 of 16. Rows and panels beyond the last are computed
// again from the last and not stored.
// int8 x int8: a block sum is at most 512 * 127 * 127 < 2^24, exact in f32, and is added up in int32 between the blocks.
// Bytes: the bound buffers; x again per row block and weights again per column block, both from cache at best.
// Tunables: UNIT_ROWS, PANELS, BLOCK_ROWS (multiple of UNIT_ROWS), BLOCK_PANELS (multiple of PANELS), BLOCK_COLUMNS
// (multiple of GROUP, at most 512), GROUP (columns per int4 group).
// INSTRUCTIONS_AVX2 (kernels/common/x86.clh): int8 x int8 by pmaddwd on pairs of columns, twice the multiply-adds of an f32 fma
// and exact.
#include "common/common.clh"
#ifdef INSTRUCTIONS_AVX2
#include "common/x86.clh"
#endif

#define UNROLLED _Pragma("unroll")

// Sixteen values of local memory at a multiple of 64 bytes, as one access: PoCL splits vload16 and vstore16.
#define LOCAL16(Type, pointer) (*(__local Type##16*)(pointer))

#define PITCH (BLOCK_COLUMNS + 16)  // floats per row of weights: rows start in different cache banks
// Local memory of one work-item, declared by each kernel (OpenCL C 1.2 allows it nowhere else).
#define LOCAL_ARRAY(Type, name, size) __local Type name[size] __attribute__((aligned(64)))
#define DECLARE_BLOCKS(Sum)                                   \
  LOCAL_ARRAY(float, weights_block, BLOCK_ROWS * PITCH);      \
  LOCAL_ARRAY(Sum, sums_block, BLOCK_PANELS * BLOCK_ROWS * 16)

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
  for (uint r = 0; r < BLOCK_ROWS; ++r, to += PITCH) {
    __global const half* row = weights + (size_t)clamped_row(block, r) * block->columns + k0;
    uint k = 0;
    for (; k + 16 <= depth; k += 16) LOCAL16(float, to + k) = vload_half16(0, row + k);
    for (; k < depth; ++k) to[k] = vload_half(k, row);
  }
}

static inline void unpack_i8(__global const char* codes, const Block* block, uint k0, uint depth, __local float* to) {
  for (uint r = 0; r < BLOCK_ROWS; ++r, to += PITCH) {
    __global const char* row = codes + (size_t)clamped_row(block, r) * block->columns + k0;
    uint k = 0;
    for (; k + 16 <= depth; k += 16) LOCAL16(float, to + k) = convert_float16(LOAD_LOOSE(loose_char16, row + k));
    for (; k < depth; ++k) to[k] = (float)row[k];
  }
}

static inline void unpack_i4(__global const uchar* codes, __global const half* scales, __global const half* zeros,
                             const Block* block, uint k0, uint depth, __local float* to) {
  const uint groups = (block->columns + GROUP - 1) / GROUP;
  for (uint r = 0; r < BLOCK_ROWS; ++r, to += PITCH) {
    const size_t row = clamped_row(block, r);
    __global const uchar* from = codes + row * ((block->columns + 1) / 2) + k0 / 2;
    for (uint start = 0; start < depth; start += GROUP) {
      const size_t group = row * groups + (k0 + start) / GROUP;
      const float scale = vload_half(group, scales);
      const float shift = -scale * vload_half(group, zeros);  // s (q - z) = fma(q, s, -s z), exact in f32
      const float8 scale8 = scale, shift8 = shift;
      const uint end = min(start + GROUP, depth);
      uint k = start;
      for (; k + 16 <= end; k += 16) {
        const uint8 pair = convert_uint8(vload8(0, from + k / 2));
        const float8 low = fma(convert_float8(as_int8(pair & 15u)), scale8, shift8);
        const float8 high = fma(convert_float8(as_int8(pair >> 4)), scale8, shift8);
        LOCAL16(float, to + k) =
            (float16)(low.s0, high.s0, low.s1, high.s1, low.s2, high.s2, low.s3, high.s3,  //
                      low.s4, high.s4, low.s5, high.s5, low.s6, high.s6, low.s7, high.s7);
      }
      for (; k < end; ++k) to[k] = fma((float)((from[k / 2] >> (k % 2 * 4)) & 15u), scale, shift);
    }
  }
}

/// PANELS panels of int8 codes from column k0 on, as f32 [panel][column][16].
static inline void unpack_x(__global const char* x, const Block* block, uint panel, uint k0, uint depth,
                            __local float* to) {
  for (uint p = 0; p < PANELS; ++p, to += BLOCK_COLUMNS * 16) {
    __global const char* from = x + ((size_t)min(panel + p, block->panels - 1) * block->columns + k0) * 16;
    for (uint k = 0; k < depth; ++k) LOCAL16(float, to + k * 16) = convert_float16(LOAD_LOOSE(loose_char16, from + k * 16));
  }
}

// void name(weights, x, panel_pitch, last, depth, fresh, sums): adds the products of a block to sums [panel][row][16]: all
// its rows with PANELS panels of x (in address space X), `panel_pitch` floats apart, those beyond panel `last` read again
// from it, over `depth` columns. `fresh`: sums start at 0. Sum is float, or int for block sums that are exact integers.
#define DEFINE_MULTIPLY(name, X, Sum, convert_sum)                                                                       \
  static inline void name(__local const float* weights, X const float* x, size_t panel_pitch, uint last, uint depth,     \
                          bool fresh, __local Sum* sums) {                                                               \
    for (uint r0 = 0; r0 < BLOCK_ROWS; r0 += UNIT_ROWS, weights += UNIT_ROWS * PITCH) {                                  \
      float16 acc[UNIT_ROWS][PANELS];                                                                                    \
      UNROLLED for (uint r = 0; r < UNIT_ROWS; ++r) {                                                                    \
        UNROLLED for (uint p = 0; p < PANELS; ++p) acc[r][p] = 0.0f;                                                     \
      }                                                                                                                  \
      for (uint k = 0; k < depth; ++k) {                                                                                 \
        float16 value[PANELS];                                                                                           \
        UNROLLED for (uint p = 0; p < PANELS; ++p) value[p] = *(X const float16*)(x + min(p, last) * panel_pitch + k * 16); \
        UNROLLED for (uint r = 0; r < UNIT_ROWS; ++r) {                                                                  \
          const float16 weight = weights[r * PITCH + k];                                                                 \
          UNROLLED for (uint p = 0; p < PANELS; ++p) acc[r][p] = fma(weight, value[p], acc[r][p]);                       \
        }                                                                                                                \
      }                                                                                                                  \
      UNROLLED for (uint r = 0; r < UNIT_ROWS; ++r) {                                                                    \
        UNROLLED for (uint p = 0; p < PANELS; ++p) {                                                                     \
          __local Sum* sum = sums + (p * BLOCK_ROWS + r0 + r) * 16;                                                      \
          LOCAL16(Sum, sum) = (fresh ? (Sum##16)(0) : LOCAL16(Sum, sum)) + convert_sum(acc[r][p]);                       \
        }                                                                                                                \
      }                                                                                                                  \
    }                                                                                                                    \
  }
DEFINE_MULTIPLY(multiply_panels, __global, float, convert_float16)
DEFINE_MULTIPLY(multiply_codes, __local, float, convert_float16)

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
#define FOR_EACH_BLOCK(unpack_weights, multiply)                         \
  for (uint k0 = 0; k0 < columns; k0 += BLOCK_COLUMNS) {                 \
    const uint depth = min((uint)BLOCK_COLUMNS, columns - k0);           \
    unpack_weights;                                                      \
    for (uint p = 0; p < used_panels(&block); p += PANELS) {             \
      multiply;                                                          \
    }                                                                    \
  }
// x [panel][column][16] in place, or its codes unpacked to local memory first.
#define MULTIPLY_PANELS                                                                                     \
  multiply_panels(weights_block, x + ((size_t)(block.first_panel + p) * columns + k0) * 16, (size_t)columns * 16, \
                  block.panels - 1 - block.first_panel - p, depth, k0 == 0,              \
                  sums_block + p * BLOCK_ROWS * 16)
#define MULTIPLY_CODES(multiply)                                                  \
  unpack_x(x, &block, block.first_panel + p, k0, depth, x_block);                 \
  multiply(weights_block, x_block, BLOCK_COLUMNS * 16, PANELS - 1, depth, k0 == 0,              \
                  sums_block + p * BLOCK_ROWS * 16)

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

#ifdef INSTRUCTIONS_AVX2
// Column pairs (2j, 2j + 1) share a 32-bit lane of weights and x.

/// Pairs of codes as 16-bit halves, [row][PITCH / 2]; an odd last column is paired with 0.
static inline void unpack_pairs(__global const char* codes, const Block* block, uint k0, uint depth, __local int* to) {
  for (uint r = 0; r < BLOCK_ROWS; ++r, to += PITCH / 2) {
    __global const char* row = codes + (size_t)clamped_row(block, r) * block->columns + k0;
    uint k = 0;
    for (; k + 16 <= depth; k += 16) {
      *(__local int8*)(to + k / 2) = as_int8(convert_short16(LOAD_LOOSE(loose_char16, row + k)));
    }
    for (; k < depth; k += 2) to[k / 2] = (row[k] & 0xFFFF) | (k + 1 < depth ? row[k + 1] << 16 : 0);
  }
}

/// PANELS panels of codes, [panel][column / 2][16 tokens], the same pairs.
static inline void unpack_x_pairs(__global const char* x, const Block* block, uint panel, uint k0, uint depth,
                                  __local int* to) {
  for (uint p = 0; p < PANELS; ++p, to += BLOCK_COLUMNS * 8) {
    __global const char* from = x + ((size_t)min(panel + p, block->panels - 1) * block->columns + k0) * 16;
    for (uint k = 0; k < depth; k += 2, from += 32) {
      const int16 even = convert_int16(LOAD_LOOSE(loose_char16, from));
      int16 odd = 0;
      if (k + 1 < depth) odd = convert_int16(LOAD_LOOSE(loose_char16, from + 16));
      LOCAL16(int, to + k * 8) = (even & (int16)(0xFFFF)) | (odd << (int16)(16));
    }
  }
}

static inline void multiply_pair_block(__local const int* weights, __local const int* x, uint depth, bool fresh,
                                       __local int* sums) {
  for (uint r0 = 0; r0 < BLOCK_ROWS; r0 += UNIT_ROWS, weights += UNIT_ROWS * (PITCH / 2)) {
    int8 low[UNIT_ROWS][PANELS], high[UNIT_ROWS][PANELS];
    UNROLLED for (uint r = 0; r < UNIT_ROWS; ++r) {
      UNROLLED for (uint p = 0; p < PANELS; ++p) low[r][p] = high[r][p] = 0;
    }
    for (uint j = 0; j < (depth + 1) / 2; ++j) {
      UNROLLED for (uint p = 0; p < PANELS; ++p) {
        const int16 value = LOCAL16(const int, x + (p * BLOCK_COLUMNS / 2 + j) * 16);
        UNROLLED for (uint r = 0; r < UNIT_ROWS; ++r) {
          const short16 weight = as_short16((int8)(weights[r * (PITCH / 2) + j]));
          low[r][p] += multiply_add_shorts(weight, as_short16(value.lo));
          high[r][p] += multiply_add_shorts(weight, as_short16(value.hi));
        }
      }
    }
    UNROLLED for (uint r = 0; r < UNIT_ROWS; ++r) {
      UNROLLED for (uint p = 0; p < PANELS; ++p) {
        __local int* sum = sums + (p * BLOCK_ROWS + r0 + r) * 16;
        LOCAL16(int, sum) = (fresh ? (int16)(0) : LOCAL16(int, sum)) + (int16)(low[r][p], high[r][p]);
      }
    }
  }
}

CPU_KERNEL void gemm_i8_i8_cpu(__global const char* restrict codes, __global const char* restrict x,
                               __global int* restrict acc, uint rows, uint columns, uint tokens) {
  LOCAL_ARRAY(int, weights_block, BLOCK_ROWS * PITCH / 2);
  LOCAL_ARRAY(int, x_block, PANELS * BLOCK_COLUMNS * 8);
  LOCAL_ARRAY(int, sums_block, BLOCK_PANELS * BLOCK_ROWS * 16);
  const Block block = make_block(rows, columns, tokens);
  FOR_EACH_BLOCK(unpack_pairs(codes, &block, k0, depth, weights_block),
                 unpack_x_pairs(x, &block, block.first_panel + p, k0, depth, x_block);
                 multiply_pair_block(weights_block, x_block, depth, k0 == 0, sums_block + p * BLOCK_ROWS * 16))
  store_i32(sums_block, &block, acc);
}
#else
DEFINE_MULTIPLY(multiply_codes_exactly, __local, int, convert_int16)

CPU_KERNEL void gemm_i8_i8_cpu(__global const char* restrict codes, __global const char* restrict x,
                               __global int* restrict acc, uint rows, uint columns, uint tokens) {
  DECLARE_BLOCKS(int);
  LOCAL_ARRAY(float, x_block, PANELS * BLOCK_COLUMNS * 16);
  const Block block = make_block(rows, columns, tokens);
  FOR_EACH_BLOCK(unpack_i8(codes, &block, k0, depth, weights_block), MULTIPLY_CODES(multiply_codes_exactly))
  store_i32(sums_block, &block, acc);
}
#endif

CPU_KERNEL void gemm_i4_i8_cpu(__global const uchar* restrict codes, __global const half* restrict scales,
                               __global const half* restrict zeros, __global const char* restrict x,
                               __global const float* restrict token_scales, __global half* restrict y, uint rows,
                               uint columns, uint tokens) {
  DECLARE_BLOCKS(float);
  LOCAL_ARRAY(float, x_block, PANELS * BLOCK_COLUMNS * 16);
  const Block block = make_block(rows, columns, tokens);
  FOR_EACH_BLOCK(unpack_i4(codes, scales, zeros, &block, k0, depth, weights_block), MULTIPLY_CODES(multiply_codes))
  store_f16(sums_block, &block, 0, token_scales, y);
}
