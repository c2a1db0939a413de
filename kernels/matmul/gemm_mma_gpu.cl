// Y = X W^T for many tokens on NVIDIA's matrix unit: y[t][r] = sum_k w[r][k] x[t][k], for f16 (f32 sums) and int8
// (int32 sums, exact). Bindings as in matmul_reference.cl.
// Work-group (b, c) of 128 items in four warps: a tile of 64 rows x 64 tokens, warp w rows 32 (w % 2).. and tokens 32
// (w / 2).., as 2 x 4 products of 16 x 8. A row of W is a row of A and a row of x a column of B, so both lie as the
// unit wants them. Per step of 64 bytes (32 f16, 64 int8 columns) of each row both tiles come to local memory, 16 bytes
// per copy, while the step before is multiplied. Rows whose width is no multiple of 16 bytes are copied byte by byte;
// what lies outside is 0. The pitch of 80 bytes puts the eight rows of a matrix on different banks.
// Bytes: weights once per 64 tokens, x once per 64 rows; 16 matrix products per warp and step.
// Precondition: buffers start on 16 bytes; the probe `mma`.
#include "common/common.clh"
#include "common/matrix_unit.clh"

#define TILE 64
#define STEP_BYTES 64
#define PITCH 80
#define UNROLLED _Pragma("unroll")
#define GPU_KERNEL __attribute__((reqd_work_group_size(16, 8, 1))) __kernel

// Bytes [k, k + STEP_BYTES) of the 64 rows from `first` on.
static inline void bring_tile(__local uchar* tile, __global const uchar* from, uint first, uint rows, uint k,
                              uint row_bytes, uint item) {
  for (uint chunk = item; chunk < TILE * STEP_BYTES / 16; chunk += 128) {
    const uint row = first + chunk / 4, at = k + chunk % 4 * 16;
    const bool inside = row < rows && at < row_bytes;
    __global const uchar* source = from + (inside ? (size_t)row * row_bytes + at : 0);
    __local uchar* to = tile + chunk / 4 * PITCH + chunk % 4 * 16;
    if (row_bytes % 16 == 0) {
      copy_async(to, source, inside ? 16u : 0u);
    } else {
      for (uint i = 0; i < 16; ++i) to[i] = inside && at + i < row_bytes ? source[i] : (uchar)0;
    }
  }
}

// acc[m][n] of type Quad over all columns; called by whole groups.
#define MULTIPLY(weights, x, element_bytes, Quad, mma)                                                                 \
  __local uchar weights_tile[2][TILE * PITCH] __attribute__((aligned(16)));                                            \
  __local uchar x_tile[2][TILE * PITCH] __attribute__((aligned(16)));                                                  \
  MATRIX_UNIT_SCRATCH                                                                                                  \
  const uint item = (uint)(get_local_id(1) * 16 + get_local_id(0)), lane = item % 32;                                  \
  const uint row0 = (uint)get_group_id(0) * TILE, token0 = (uint)get_group_id(1) * TILE;                               \
  const uint warp_row = item / 32 % 2 * 32, warp_token = item / 64 * 32;                                               \
  const uint row_bytes = columns * (element_bytes);                                                                    \
  __global const uchar* from_weights = (__global const uchar*)(weights);                                               \
  __global const uchar* from_x = (__global const uchar*)(x);                                                           \
  Quad acc[2][4];                                                                                                      \
  FOR_EACH_PRODUCT acc[m][n] = (Quad)(0);                                                                              \
  bring_tile(weights_tile[0], from_weights, row0, rows, 0, row_bytes, item);                                           \
  bring_tile(x_tile[0], from_x, token0, tokens, 0, row_bytes, item);                                                   \
  close_copies();                                                                                                      \
  uint stage = 0;                                                                                                      \
  for (uint k = 0; k < row_bytes; k += STEP_BYTES) {                                                                   \
    bring_tile(weights_tile[1 - stage], from_weights, row0, rows, k + STEP_BYTES, row_bytes, item);                    \
    bring_tile(x_tile[1 - stage], from_x, token0, tokens, k + STEP_BYTES, row_bytes, item);                            \
    close_copies();                                                                                                    \
    wait_copies(1);                                                                                                    \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                                      \
    UNROLLED for (uint part = 0; part < STEP_BYTES; part += 32) {                                                      \
      uint4 a[2], b[2];                                                                                                \
      UNROLLED for (uint m = 0; m < 2; ++m) {                                                                          \
        a[m] = load_matrices(weights_tile[stage] + (warp_row + m * 16 + lane % 16) * PITCH + part + lane / 16 * 16);   \
      }                                                                                                                \
      UNROLLED for (uint p = 0; p < 2; ++p) {                                                                          \
        b[p] = load_matrices(x_tile[stage] + (warp_token + p * 16 + lane / 16 * 8 + lane % 8) * PITCH + part +         \
                             lane / 8 % 2 * 16);                                                                       \
      }                                                                                                                \
      FOR_EACH_PRODUCT acc[m][n] = mma(a[m], n % 2 == 0 ? b[n / 2].lo : b[n / 2].hi, acc[m][n]);                       \
    }                                                                                                                  \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                                      \
    stage = 1 - stage;                                                                                                 \
  }

#define FOR_EACH_PRODUCT                \
  UNROLLED for (uint m = 0; m < 2; ++m) \
  UNROLLED for (uint n = 0; n < 4; ++n)

// store(value, row, token) for the four results of each product that lie inside.
#define STORE(store)                                                                                                   \
  FOR_EACH_PRODUCT {                                                                                                   \
    const uint row = row0 + warp_row + m * 16 + lane / 4, token = token0 + warp_token + n * 8 + lane % 4 * 2;          \
    if (row < rows && token < tokens) store(acc[m][n].x, row, token);                                                  \
    if (row < rows && token + 1 < tokens) store(acc[m][n].y, row, token + 1);                                          \
    if (row + 8 < rows && token < tokens) store(acc[m][n].z, row + 8, token);                                          \
    if (row + 8 < rows && token + 1 < tokens) store(acc[m][n].w, row + 8, token + 1);                                  \
  }
#define STORE_F16(value, row, token) vstore_half_rte(value, (size_t)(token) * rows + (row), y)
#define STORE_I32(value, row, token) out[(size_t)(token) * rows + (row)] = (value)

GPU_KERNEL void gemm_f16_f16_gpu(__global const half* weights, __global const half* x, __global half* y, uint rows,
                                 uint columns, uint tokens) {
  MULTIPLY(weights, x, 2, float4, mma_f16)
  STORE(STORE_F16)
}

GPU_KERNEL void gemm_i8_i8_gpu(__global const char* codes, __global const char* x, __global int* out, uint rows,
                               uint columns, uint tokens) {
  MULTIPLY(codes, x, 1, int4, mma_i8)
  STORE(STORE_I32)
}
