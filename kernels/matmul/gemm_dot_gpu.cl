// Y = X W^T for many tokens and int8 activations on the GPU family: y[t][r] = sum_k w[r][k] x[t][k] by dot products of
// four bytes (common/instructions.clh; plain C without -DINSTRUCTIONS_…). Formats and bindings as in
// matmul_reference.cl. Work-group (b, c) of 16 x 8 items: a tile of 64 rows x 64 tokens; item (i, j) holds rows i + 16
// {0..3} and tokens j + 8 {0..7} as int32. Per step of 32 columns the group brings both tiles to local memory as words
// of four columns, 16 columns of one row per item: one 16-byte (int4: 8-byte) load where rows are aligned, else byte by
// byte; columns beyond the last are 0. Local tiles are [word][64 + 4]. Int4 codes become the bytes q - z; since a byte
// holds two neighbours, words of even and of odd columns alternate and x is stored in the same order. The int32 sum of
// a group enters the f32 sum with the group's scale: sum_g s_g dot_g, then the token's scale.
// Bytes: weights once per 64 tokens, x once per 64 rows; 8 dot products per item and column.
// GROUP: columns per int4 group, a multiple of 32. Precondition: buffers start on 16 bytes.
#include "common/common.clh"
#include "common/instructions.clh"
#include "common/tile.clh"

#define STEP 32
#define WORDS (STEP / 4)
#define PITCH (TILE + 4)
#define UNROLLED _Pragma("unroll")

// Bytes first.. of a row of `count` bytes as 16, those beyond the row 0.
static inline uint4 loose_bytes(__global const uchar* from, uint first, uint count) {
  uchar part[16];
  UNROLLED for (uint i = 0; i < 16; ++i) part[i] = first + i < count ? from[first + i] : (uchar)0;
  return as_uint4(vload16(0, part));
}

// Columns [k, k + 16) of one row of codes; zeros where the row or the columns lie outside.
static inline uint4 sixteen_i8(__global const char* from, uint row, uint rows, uint k, uint columns) {
  if (row >= rows || k >= columns) return (uint4)(0);
  __global const char* start = from + (size_t)row * columns;
  if (columns % 16 == 0) return load16(start + k);
  return loose_bytes((__global const uchar*)start, k, columns);
}

// The same columns as words of even and odd columns, four of each in turn.
static inline uint4 split_even_odd(uint4 v) {
  const uint2 even = even_bytes(v), odd = odd_bytes(v);
  return (uint4)(even.x, odd.x, even.y, odd.y);
}

// q - z of four bytes: 0x80 keeps every byte's difference from borrowing.
static inline uint minus_zero(uint codes, uint zeros) { return ((codes | 0x80808080u) - zeros) ^ 0x80808080u; }

// Columns [k, k + 16) of one row of int4 codes as q - z, in the order of split_even_odd.
static inline uint4 sixteen_i4(__global const uchar* codes, __global const half* zeros, uint row, uint rows, uint k,
                               uint columns) {
  if (row >= rows || k >= columns) return (uint4)(0);
  const uint zero = (uint)vload_half((size_t)row * ((columns + GROUP - 1) / GROUP) + k / GROUP, zeros) * 0x01010101u;
  const uint pitch = (columns + 1) / 2;
  __global const uchar* start = codes + (size_t)row * pitch;
  const uint2 pairs = columns % 16 == 0 ? *(__global const uint2*)(start + k / 2) : loose_bytes(start, k / 2, pitch).xy;
  return (uint4)(minus_zero(pairs.x & 0x0F0F0F0Fu, zero), minus_zero((pairs.x >> 4) & 0x0F0F0F0Fu, zero),
                 minus_zero(pairs.y & 0x0F0F0F0Fu, zero), minus_zero((pairs.y >> 4) & 0x0F0F0F0Fu, zero));
}

static inline void store_words(uint4 value, __local uint* tile, uint at, uint word) {
  __local uint* to = tile + word * PITCH + at;
  to[0] = value.x;
  to[PITCH] = value.y;
  to[2 * PITCH] = value.z;
  to[3 * PITCH] = value.w;
}

static inline void multiply_tile(__local const uint* weights, __local const uint* x, int acc[4][8]) {
  const uint i = (uint)get_local_id(0), j = (uint)get_local_id(1);
  for (uint k = 0; k < WORDS; ++k) {
    uint weight[4], value[8];
    UNROLLED for (uint r = 0; r < 4; ++r) weight[r] = weights[k * PITCH + i + TILE_ROW_ITEMS * r];
    UNROLLED for (uint t = 0; t < 8; ++t) value[t] = x[k * PITCH + j + TILE_TOKEN_ITEMS * t];
    UNROLLED for (uint r = 0; r < 4; ++r) {
      UNROLLED for (uint t = 0; t < 8; ++t) acc[r][t] = dot4(weight[r], value[t], acc[r][t]);
    }
  }
}

#define FOR_EACH_ELEMENT                \
  UNROLLED for (uint r = 0; r < 4; ++r) \
  UNROLLED for (uint t = 0; t < 8; ++t)

// Which rows and tokens, and which 16 columns of which tile row, this item brings.
#define PREPARE                                                                                  \
  __local uint weights_tile[WORDS * PITCH], x_tile[WORDS * PITCH];                               \
  const uint item = (uint)(get_local_id(1) * TILE_ROW_ITEMS + get_local_id(0));                  \
  const uint at = item / 2, part = item % 2;                                                     \
  const uint row0 = (uint)get_group_id(0) * TILE, token0 = (uint)get_group_id(1) * TILE;         \
  const uint own_row = row0 + (uint)get_local_id(0), own_token = token0 + (uint)get_local_id(1); \
  int acc[4][8];                                                                                 \
  FOR_EACH_ELEMENT acc[r][t] = 0

#define MULTIPLY_STEP(new_weights, new_x)                   \
  barrier(CLK_LOCAL_MEM_FENCE);                             \
  store_words(new_weights, weights_tile, at, part * 4);     \
  store_words(new_x, x_tile, at, part * 4);                 \
  barrier(CLK_LOCAL_MEM_FENCE);                             \
  multiply_tile(weights_tile, x_tile, acc);

GPU_KERNEL void gemm_i8_i8_gpu(__global const char* codes, __global const char* x, __global int* out, uint rows,
                               uint columns, uint tokens) {
  PREPARE;
  for (uint k0 = 0; k0 < columns; k0 += STEP) {
    const uint k = k0 + part * 16;
    const uint4 new_weights = sixteen_i8(codes, row0 + at, rows, k, columns);
    const uint4 new_x = sixteen_i8(x, token0 + at, tokens, k, columns);
    MULTIPLY_STEP(new_weights, new_x)
  }
  FOR_EACH_ELEMENT {
    const uint row = own_row + TILE_ROW_ITEMS * r, token = own_token + TILE_TOKEN_ITEMS * t;
    if (row < rows && token < tokens) out[(size_t)token * rows + row] = acc[r][t];
  }
}

GPU_KERNEL void gemm_i4_i8_gpu(__global const uchar* codes, __global const half* scales, __global const half* zeros,
                               __global const char* x, __global const float* token_scales, __global half* y, uint rows,
                               uint columns, uint tokens) {
  PREPARE;
  const uint groups = (columns + GROUP - 1) / GROUP;
  float total[4][8];
  FOR_EACH_ELEMENT total[r][t] = 0.0f;
  for (uint g = 0; g < groups; ++g) {
    for (uint k0 = g * GROUP; k0 < min((g + 1) * GROUP, columns); k0 += STEP) {
      const uint k = k0 + part * 16;
      const uint4 new_weights = sixteen_i4(codes, zeros, row0 + at, rows, k, columns);
      const uint4 new_x = split_even_odd(sixteen_i8(x, token0 + at, tokens, k, columns));
      MULTIPLY_STEP(new_weights, new_x)
    }
    UNROLLED for (uint r = 0; r < 4; ++r) {
      const float scale = vload_half((size_t)min(own_row + TILE_ROW_ITEMS * r, rows - 1) * groups + g, scales);
      UNROLLED for (uint t = 0; t < 8; ++t) {
        total[r][t] = fma(scale, (float)acc[r][t], total[r][t]);
        acc[r][t] = 0;
      }
    }
  }
  FOR_EACH_ELEMENT {
    const uint row = own_row + TILE_ROW_ITEMS * r, token = own_token + TILE_TOKEN_ITEMS * t;
    if (row < rows && token < tokens) vstore_half_rte(total[r][t] * token_scales[token], (size_t)token * rows + row, y);
  }
}
