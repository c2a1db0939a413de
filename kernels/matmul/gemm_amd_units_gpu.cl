// Y = X W^T for many tokens on AMD's matrix units (common/matrix_unit.clh: MFMA or WMMA): y[t][r] = sum_k
// w[r][k] x[t][k], for int8 weights and activations: int32 sums, exact. Bindings as in matmul_reference.cl. With f16
// activations gemm_frame_amd_gpu.cl serves all weights.
// Work-group (b, c) of 128 items: a tile of 64 rows x 64 tokens; wave w has rows 32 (w % 2).. and tokens UNIT_LANES (w / 2)..
// (four waves of 32 x 32 or two of 32 x 64), as products of 16 x 16. A row of W is a row of A and a row of x a column of B,
// so both lie as the unit wants them. Per step of 64 columns of each row both tiles come to local
// memory, 16 bytes per access, through registers, while the step before is multiplied. Rows whose width is no multiple of 16 bytes are read byte by byte; columns beyond the last are 0. The
// pitch of 80 bytes puts the 16 bytes of eight neighbouring rows on different banks.
// Bytes: weights once per 64 tokens, x once per 64 rows; 64 / PART_BYTES x 16 products of 16 x 16 per group and step.
// Precondition: buffers start on 16 bytes; the probe of the unit.
#include "common/common.clh"
#include "common/matrix_unit.clh"
#include "common/tile.clh"

#define STEP_BYTES 64
#define PITCH 80
#define ITEMS (TILE_ROW_ITEMS * TILE_TOKEN_ITEMS)
#define CHUNKS (TILE * STEP_BYTES / 16 / ITEMS)  // of 16 bytes, per item and tile
#define PRODUCTS (UNIT_LANES / 16)               // of a wave along the tokens; two along the rows
#define UNROLLED _Pragma("unroll")

// This item's chunks of bytes [k, k + STEP_BYTES) of the 64 rows from `first` on: read_tile begins the loads, put_tile waits
// for them. Rows beyond the last are the last once more, for sums that are not stored; columns beyond the last are read from
// the row's start and become 0 in put_tile. So no load depends on a branch.
static inline void read_tile(uint4* held, __global const uchar* from, uint first, uint rows, uint k, uint row_bytes,
                             uint item) {
  UNROLLED for (uint c = 0; c < CHUNKS; ++c) {
    const uint chunk = item + c * ITEMS, at = k + chunk % 4 * 16;
    const size_t row = min(first + chunk / 4, rows - 1);
    held[c] = *(__global const uint4*)(from + row * row_bytes + (at < row_bytes ? at : 0));
  }
}

static inline void put_tile(const uint4* held, __local uchar* tile, uint k, uint row_bytes, uint item) {
  UNROLLED for (uint c = 0; c < CHUNKS; ++c) {
    const uint chunk = item + c * ITEMS, at = k + chunk % 4 * 16;
    *(__local uint4*)(tile + chunk / 4 * PITCH + chunk % 4 * 16) = at < row_bytes ? held[c] : (uint4)(0);
  }
}

// The same for rows of any width, not ahead, a byte at a time. Unrolled further, or as vectors, its addresses would take the
// registers of the products.
static inline void bring_bytes(__local uchar* tile, __global const uchar* from, uint first, uint rows, uint k, uint row_bytes,
                               uint item) {
  const uint column = item % STEP_BYTES, at = k + column;
  from += min(at, row_bytes - 1);
  _Pragma("clang loop vectorize(disable) unroll_count(4)") for (uint i = 0; i < TILE * STEP_BYTES / ITEMS; ++i) {
    const uint row = item / STEP_BYTES + i * (ITEMS / STEP_BYTES);
    const uchar byte = from[(size_t)min(first + row, rows - 1) * row_bytes];
    tile[row * PITCH + column] = at < row_bytes ? byte : (uchar)0;
  }
}

#define READ_STEP(k)                                                       \
  if (row_bytes % 16 == 0) {                                               \
    read_tile(held_weights, from_weights, row0, rows, k, row_bytes, item); \
    read_tile(held_x, from_x, token0, tokens, k, row_bytes, item);         \
  }
#define PUT_STEP(k)                                                          \
  if (row_bytes % 16 == 0) {                                                 \
    put_tile(held_weights, weights_tile, k, row_bytes, item);                \
    put_tile(held_x, x_tile, k, row_bytes, item);                            \
  } else {                                                                   \
    bring_bytes(weights_tile, from_weights, row0, rows, k, row_bytes, item); \
    bring_bytes(x_tile, from_x, token0, tokens, k, row_bytes, item);         \
  }

// acc[m][n] of type Sums over all columns; called by whole groups.
#define MULTIPLY(weights, x, element_bytes, Sums, add)                                                            \
  __local uchar weights_tile[TILE * PITCH] __attribute__((aligned(16)));                                          \
  __local uchar x_tile[TILE * PITCH] __attribute__((aligned(16)));                                                \
  MATRIX_UNIT_SCRATCH                                                                                             \
  const uint item = (uint)(get_local_id(1) * 16 + get_local_id(0)), lane = item % UNIT_LANES;                     \
  const uint row0 = (uint)get_group_id(0) * TILE, token0 = (uint)get_group_id(1) * TILE;                          \
  const uint wave_row = item / UNIT_LANES % 2 * 32, wave_token = item / (2 * UNIT_LANES) * UNIT_LANES;            \
  const uint row_bytes = columns * (element_bytes);                                                               \
  __global const uchar* from_weights = (__global const uchar*)(weights);                                          \
  __global const uchar* from_x = (__global const uchar*)(x);                                                      \
  Sums acc[2][PRODUCTS];                                                                                          \
  FOR_EACH_PRODUCT acc[m][n] = (Sums)(0);                                                                         \
  uint4 held_weights[CHUNKS], held_x[CHUNKS];                                                                     \
  READ_STEP(0)                                                                                                    \
  for (uint k = 0; k < row_bytes; k += STEP_BYTES) {                                                              \
    PUT_STEP(k)                                                                                                   \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                                 \
    READ_STEP(k + STEP_BYTES)                                                                                     \
    UNROLLED for (uint part = 0; part < STEP_BYTES; part += PART_BYTES) {                                         \
      Fragment a[2], b[PRODUCTS];                                                                                 \
      UNROLLED for (uint m = 0; m < 2; ++m) {                                                                     \
        a[m] = load_a(weights_tile + (wave_row + m * 16) * PITCH + part, PITCH, lane);                            \
      }                                                                                                           \
      UNROLLED for (uint n = 0; n < PRODUCTS; ++n) {                                                              \
        b[n] = load_b(x_tile + (wave_token + n * 16) * PITCH + part, PITCH, lane);                                \
      }                                                                                                           \
      FOR_EACH_PRODUCT acc[m][n] = add(a[m], b[n], acc[m][n]);                                                    \
    }                                                                                                             \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                                 \
  }

#define FOR_EACH_PRODUCT                \
  UNROLLED for (uint m = 0; m < 2; ++m) \
  UNROLLED for (uint n = 0; n < PRODUCTS; ++n)

// store(value, row, token) for the sums of each product, of type Sum, that lie inside.
#define STORE(Sum, store)                                                                \
  FOR_EACH_PRODUCT {                                                                     \
    Sum sums[UNIT_SUMS];                                                                 \
    JOIN(vstore, UNIT_SUMS)(acc[m][n], 0, sums);                                         \
    UNROLLED for (uint i = 0; i < UNIT_SUMS; ++i) {                                      \
      const uint row = row0 + wave_row + m * 16 + sum_row(lane, i);                      \
      const uint token = token0 + wave_token + n * 16 + sum_column(lane, i);             \
      if (row < rows && token < tokens) store(sums[i], row, token);                      \
    }                                                                                    \
  }
#define STORE_I32(value, row, token) out[(size_t)(token) * rows + (row)] = (value)

GPU_KERNEL void gemm_i8_i8_gpu(__global const char* codes, __global const char* x, __global int* out, uint rows,
                               uint columns, uint tokens) {
  MULTIPLY(codes, x, 1, IntSums, add_i8)
  STORE(int, STORE_I32)
}
