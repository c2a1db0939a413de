// Y = X W^T for more than 8 tokens on AMD's matrix units (common/matrix_unit.clh: MFMA or WMMA), for weights of any format
// (format/format.clh) and f16 activations: y[t][r] = sum_k w[r][k] x[t][k].
// Work-group (b, c) of 128 items: UNIT_TILE rows x UNIT_TILE tokens (16, 32 or 64). A stage is 128 / UNIT_TILE steps of 32
// columns: an item makes f16 of the codes of one step of one row, exactly (fragments() of the format), and puts them to local
// memory in the order of the columns, with the step's scale; x is put beside it as it is. Both are asked for while the stage
// before is multiplied. A wave has WAVE_ROWS rows x WAVE_TOKENS tokens, as products of 16 x 16 x 16; STEP_WAVES waves that have the
// same ones share out the steps of a stage, and their sums are added in local memory at the end. Scales are applied in f32 to the sums
// of the columns under them; minima to the sums of x, which products with ones give.
// Rows of f16, int8 and int4 that are no whole steps, and x of such widths, are put element by element, not ahead; columns
// beyond the last are 0. The pitch is an odd number of 16 bytes: neighbouring rows lie on different banks.
// Bytes: weights once per UNIT_TILE tokens, x once per UNIT_TILE rows.
// Tunable: UNIT_TILE. Precondition: buffers start on 16 bytes; the probe of the unit.
#define GPU_FAMILY
#include "common/common.clh"
#include "common/instructions.clh"
#include "common/matrix_unit.clh"
#include "common/amd_pairs.clh"
#define FRAGMENTS
#define MANY_TOKENS
#define CODES_IN_REGISTERS
#include "format/format.clh"

#define ITEMS 128
#define STEPS (ITEMS / UNIT_TILE)
#define WAVE_ROWS (UNIT_TILE < 32 ? UNIT_TILE : 32)
#define WAVE_TOKENS (UNIT_TILE == 64 && UNIT_LANES == 32 ? 32 : UNIT_TILE)
#define ROW_TILES (WAVE_ROWS / 16)
#define TOKEN_TILES (WAVE_TOKENS / 16)
#define ROW_WAVES (UNIT_TILE / WAVE_ROWS)
#define TOKEN_WAVES (UNIT_TILE / WAVE_TOKENS)
#define STEP_WAVES (ITEMS / UNIT_LANES / (ROW_WAVES * TOKEN_WAVES))
#define WAVE_STEPS (STEPS / STEP_WAVES)
#define SPAN (FORMAT_SCALE_STEPS < WAVE_STEPS ? FORMAT_SCALE_STEPS : WAVE_STEPS)  // steps under one scale
#define PITCH (64 * STEPS + 16)
#define TILE_BYTES (UNIT_TILE * PITCH)
#define CODE_WORDS (FORMAT_STEP_BYTES / 4)
#define AT_STEP (row * steps_of(columns) + step)
#define X_CHUNKS 4  // of 16 bytes, of an item
#define SUMS_OF_TILES (ROW_TILES * TOKEN_TILES * UNIT_SUMS)
#define UNROLLED _Pragma("unroll")
#define FOR_TILES                               \
  UNROLLED for (uint m = 0; m < ROW_TILES; ++m) \
  UNROLLED for (uint n = 0; n < TOKEN_TILES; ++n)
#ifndef FORMAT_ROW_BYTES
#define FORMAT_ROW_BYTES(columns) (steps_of(columns) * FORMAT_STEP_BYTES)
#define WHOLE_STEPS true
#else
#define FORMAT_ELEMENTS
#define WHOLE_STEPS wide
#endif

/// What an item reads of its row's step.
typedef struct {
  uint words[CODE_WORDS], zeros;
  Affine affine[FORMAT_HALVES];
} Own;

static inline Own read_step(FORMAT_PARTS, uint row, uint step, uint columns, bool wide) {
  Own own;
  if (WHOLE_STEPS) {
    __global const uchar* from = (__global const uchar*)codes + (size_t)row * FORMAT_ROW_BYTES(columns) + step * FORMAT_STEP_BYTES;
#if FORMAT_STEP_BYTES % 16 == 0
    UNROLLED for (uint i = 0; i < CODE_WORDS / 4; ++i) vstore4(((__global const uint4*)from)[i], i, own.words);
#elif FORMAT_STEP_BYTES % 8 == 0
    UNROLLED for (uint i = 0; i < CODE_WORDS / 2; ++i) vstore2(((__global const uint2*)from)[i], i, own.words);
#else
    UNROLLED for (uint i = 0; i < CODE_WORDS; ++i) own.words[i] = ((__global const uint*)from)[i];
#endif
  } else {
    UNROLLED for (uint i = 0; i < CODE_WORDS; ++i) own.words[i] = 0;
  }
#ifdef FORMAT_ZEROS
  own.zeros = zeros_of(FORMAT_ARGUMENTS, AT_STEP);
#else
  own.zeros = 0;
#endif
#ifndef FORMAT_ROW_SCALE
  UNROLLED for (uint h = 0; h < FORMAT_HALVES; ++h) own.affine[h] = affine_of(FORMAT_ARGUMENTS, row, AT_STEP, h);
#endif
  return own;
}

#ifdef FORMAT_MULTIPLIER
#define CODE_SCALE (1.0f / FORMAT_MULTIPLIER)
#else
#define CODE_SCALE 1.0f
#endif
#define PUT_FOUR(first, second, third, fourth) \
  {                                            \
    out[0] = first;                            \
    out[1] = second;                           \
    out[2] = third;                            \
    out[3] = fourth;                           \
  }
/// A step in the order of its columns: `to`, on 16 bytes, has 64 bytes for each fragment, TILE_BYTES apart.
static inline void put_step(const uint* words, uint zeros, HeldTable held, __local uchar* to) {
  uint4 place[4][FORMAT_FRAGMENTS];
  UNROLLED for (uint p = 0; p < 4; ++p) fragments(hold(words, p), p, zeros, held, place[p]);
  UNROLLED for (uint f = 0; f < FORMAT_FRAGMENTS; ++f) {
    const uint4 a = place[0][f], b = place[1][f], c = place[2][f], d = place[3][f];
    __local uint4* out = (__local uint4*)(to + f * TILE_BYTES);
#if FORMAT_ORDER == 0
    PUT_FOUR(a, b, c, d)
#elif FORMAT_ORDER == 2
    PUT_FOUR((uint4)(a.lo, b.lo), (uint4)(c.lo, d.lo), (uint4)(a.hi, b.hi), (uint4)(c.hi, d.hi))
#else
    PUT_FOUR((uint4)(a.x, b.x, c.x, d.x), (uint4)(a.y, b.y, c.y, d.y), (uint4)(a.z, b.z, c.z, d.z),
             (uint4)(a.w, b.w, c.w, d.w))
#endif
  }
}


/// This item's chunks of x: of tokens beyond the last it is the last's once more, for sums that are not stored, and of columns
/// beyond the last the row's first, which put_x makes 0.
static inline void read_x(uint4 chunk[X_CHUNKS], __global const half* x, uint first_token, uint tokens, uint first, uint columns,
                          uint item) {
  UNROLLED for (uint c = 0; c < X_CHUNKS; ++c) {
    const uint piece = item + c * ITEMS, k = first + piece % (4 * STEPS) * 8;
    const uint token = min(first_token + piece / (4 * STEPS), tokens - 1);
    chunk[c] = *(__global const uint4*)(x + (size_t)token * columns + (k < columns ? k : 0));
  }
}

static inline void put_x(const uint4 chunk[X_CHUNKS], __local uchar* tile, uint first, uint columns, uint item) {
  UNROLLED for (uint c = 0; c < X_CHUNKS; ++c) {
    const uint piece = item + c * ITEMS;
    *(__local uint4*)(tile + piece / (4 * STEPS) * PITCH + piece % (4 * STEPS) * 16) = chunk[c];
  }
  if (first + 32 * STEPS <= columns) return;  // else a choice of words would stand in the way of every stage
  UNROLLED for (uint c = 0; c < X_CHUNKS; ++c) {
    const uint piece = item + c * ITEMS, k = first + piece % (4 * STEPS) * 8;
    if (k >= columns) *(__local uint4*)(tile + piece / (4 * STEPS) * PITCH + piece % (4 * STEPS) * 16) = (uint4)(0);
  }
}

/// The same of a step of widths that break the 16 bytes of an access.
static inline void put_x_elements(__local uchar* to, __global const half* x_of_token, uint first, uint columns) {
  _Pragma("unroll 1") for (uint i = 0; i < 32; ++i) {
    ((__local ushort*)to)[i] = first + i < columns ? ((__global const ushort*)x_of_token)[first + i] : (ushort)0;
  }
}
#ifdef FORMAT_ELEMENTS
static inline void put_elements(FORMAT_PARTS, __local uchar* to, uint row, uint step, uint columns) {
  _Pragma("unroll 1") for (uint i = 0; i < 32; ++i) {
    const uint k = 32 * step + i;
    const float element = k < columns ? element_of(FORMAT_ARGUMENTS, row, columns, k, AT_STEP) : 0.0f;
    vstore_half_rte(element, i, (__local half*)to);
  }
}
#endif

// Scales stand for each step, or half of one, in the order in which lanes have the rows of their sums.
#ifdef FORMAT_ROW_SCALE
#define PUT_SCALES
#define PART acc
#define IS_FIRST(s, h) false
#define SCALE_PART(s, h)
#else
#define PUT_SCALES                                                                                        \
  UNROLLED for (uint h = 0; h < FORMAT_HALVES; ++h) {                                                     \
    step_scales[(own_step * FORMAT_HALVES + h) * UNIT_TILE + own_place] = CODE_SCALE * own.affine[h].x;        \
  }
#define PART part
#define IS_FIRST(s, h) (FORMAT_HALVES == 2 || ((s) % SPAN == 0 && (h) == 0))
#define IS_LAST(s, h) (FORMAT_HALVES == 2 || ((s) % SPAN == SPAN - 1 && (h) == 1))
#define OF_ROWS(values, at, m) (*(__local const FloatSums*)((values) + (at) * UNIT_TILE + place_of_lane + 16 * (m)))
#define SCALE_PART(s, h)                                                                                  \
  if (IS_LAST(s, h)) {                                                                                    \
    const uint at = (step_wave * WAVE_STEPS + (s)) * FORMAT_HALVES + (FORMAT_HALVES == 2 ? (h) : 0);      \
    FOR_TILES acc[m][n] = fma(part[m][n], OF_ROWS(step_scales, at, m), acc[m][n]);                             \
  }
#endif
#ifdef FORMAT_MINIMA
#define PUT_MINIMA step_minima[own_step * UNIT_TILE + own_place] = own.affine[0].y;
#define ADD_X(h)                                                                                          \
  UNROLLED for (uint n = 0; n < TOKEN_TILES; ++n) {                                                       \
    x_sum[n] = add_half_f16((HalfFragment)(0x3C003C00u), b[n], (h) == 0 ? (FloatSums)(0.0f) : x_sum[n]);  \
  }
#define ADD_MINIMA(s) \
  FOR_TILES acc[m][n] = fma(x_sum[n], OF_ROWS(step_minima, step_wave * WAVE_STEPS + (s), m), acc[m][n]);
#else
#define PUT_MINIMA
#define ADD_X(h)
#define ADD_MINIMA(s)
#endif

// Of a stage that begins at step `first`: what this item holds, the next one's, the products.
#define READ_STAGE(first)                                                                          \
  own = read_step(FORMAT_ARGUMENTS, own_row, min((first) + own_step, last_step), columns, wide);   \
  if (wide) read_x(chunk, x, first_token, tokens, (first)*32, columns, item);
#define PUT_STAGE(first)                                                                           \
  if (WHOLE_STEPS) put_step(own.words, own.zeros, held, weights_tile + own_at);                    \
  PUT_ELEMENTS(first)                                                                              \
  PUT_SCALES                                                                                       \
  PUT_MINIMA                                                                                       \
  if (wide) {                                                                                      \
    put_x(chunk, x_tile, (first)*32, columns, item);                                               \
  } else {                                                                                         \
    put_x_elements(x_tile + own_at, x_of_token, ((first) + own_step) * 32, columns);               \
  }
#ifdef FORMAT_ELEMENTS
#define PUT_ELEMENTS(first) \
  else put_elements(FORMAT_ARGUMENTS, weights_tile + own_at, own_row, (first) + own_step, columns);
#else
#define PUT_ELEMENTS(first)
#endif
#define ADD_STAGE                                                                                                 \
  UNROLLED for (uint s = 0; s < WAVE_STEPS; ++s) {                                                                \
    UNROLLED for (uint h = 0; h < 2; ++h) {                                                                       \
      const uint at = (step_wave * WAVE_STEPS + s) * 64 + h * 32;                                                 \
      HalfFragment a[ROW_TILES][FORMAT_FRAGMENTS], b[TOKEN_TILES];                                                \
      UNROLLED for (uint m = 0; m < ROW_TILES; ++m) {                                                             \
        UNROLLED for (uint f = 0; f < FORMAT_FRAGMENTS; ++f) {                                                    \
          a[m][f] = load_half(weights_tile + f * TILE_BYTES + (wave_row + 16 * m) * PITCH + at, PITCH, lane);     \
        }                                                                                                         \
      }                                                                                                           \
      UNROLLED for (uint n = 0; n < TOKEN_TILES; ++n) {                                                           \
        b[n] = load_half(x_tile + (wave_token + 16 * n) * PITCH + at, PITCH, lane);                               \
      }                                                                                                           \
      UNROLLED for (uint f = 0; f < FORMAT_FRAGMENTS; ++f) {                                                      \
        FOR_TILES PART[m][n] = add_half_f16(a[m][f], b[n], IS_FIRST(s, h) && f == 0 ? (FloatSums)(0.0f) : PART[m][n]); \
      }                                                                                                           \
      ADD_X(h)                                                                                                    \
      SCALE_PART(s, h)                                                                                            \
    }                                                                                                             \
    ADD_MINIMA(s)                                                                                                 \
  }

// The sums of the waves that share out the steps, in local memory that nobody needs any more; the first one has them all.
#if STEP_WAVES > 1
#if SUMS_OF_TILES * ITEMS * 4 > (FORMAT_FRAGMENTS + 1) * TILE_BYTES
#error "the sums of this tile do not fit where its stage lies"
#endif
#define ADD_WAVES                                                                                            \
  __local float* shared = (__local float*)tiles;                                                             \
  FOR_TILES {                                                                                                \
    float sums[UNIT_SUMS];                                                                                   \
    JOIN(vstore, UNIT_SUMS)(acc[m][n], 0, sums);                                                             \
    UNROLLED for (uint i = 0; i < UNIT_SUMS; ++i) shared[((m * TOKEN_TILES + n) * UNIT_SUMS + i) * ITEMS + item] = sums[i]; \
  }                                                                                                          \
  barrier(CLK_LOCAL_MEM_FENCE);                                                                              \
  if (step_wave > 0) return;                                                                                 \
  FOR_TILES {                                                                                                \
    float sums[UNIT_SUMS];                                                                                   \
    UNROLLED for (uint i = 0; i < UNIT_SUMS; ++i) {                                                          \
      __local const float* from = shared + ((m * TOKEN_TILES + n) * UNIT_SUMS + i) * ITEMS + item;           \
      sums[i] = from[0];                                                                                     \
      UNROLLED for (uint w = 1; w < STEP_WAVES; ++w) sums[i] += from[w * (ITEMS / STEP_WAVES)];              \
    }                                                                                                        \
    acc[m][n] = JOIN(vload, UNIT_SUMS)(0, sums);                                                             \
  }
#else
#define ADD_WAVES
#endif
#ifdef FORMAT_ROW_SCALE
#define SCALE_OF_ROW(row) (CODE_SCALE * affine_of(FORMAT_ARGUMENTS, row, 0, 0).x)
#else
#define SCALE_OF_ROW(row) 1.0f
#endif

// Two waves at least on a SIMD leave no more registers than products may come to directly: beyond, they go to accumulation
// registers, from where the vector unit must fetch each sum.
#if defined(__AMDGCN__) && FORMAT_FRAGMENTS == 1  // with two, local memory holds no more than one
#define TWO_WAVES __attribute__((amdgpu_waves_per_eu(2)))
#else
#define TWO_WAVES
#endif
TWO_WAVES __attribute__((reqd_work_group_size(ITEMS, 1, 1))) __kernel void FRAME_ENTRY(gemm_, gpu)(
    FORMAT_PARTS, __global const half* x, __global half* y, uint rows, uint columns, uint tokens) {
  __local uchar tiles[(FORMAT_FRAGMENTS + 1) * TILE_BYTES] __attribute__((aligned(16)));
  MATRIX_UNIT_SCRATCH
#ifndef FORMAT_ROW_SCALE
  __local float step_scales[STEPS * FORMAT_HALVES * UNIT_TILE] __attribute__((aligned(32)));
#endif
#ifdef FORMAT_MINIMA
  __local float step_minima[STEPS * UNIT_TILE] __attribute__((aligned(32)));
#endif
  const uint item = (uint)get_local_id(0), lane = item % UNIT_LANES, wave = item / UNIT_LANES;
  const uint wave_row = wave % ROW_WAVES * WAVE_ROWS, wave_token = wave / ROW_WAVES % TOKEN_WAVES * WAVE_TOKENS;
  const uint step_wave = wave / (ROW_WAVES * TOKEN_WAVES);
  const uint first_row = (uint)get_group_id(0) * UNIT_TILE, first_token = (uint)get_group_id(1) * UNIT_TILE;
  const uint own_step = item % STEPS, own_at = item / STEPS * PITCH + own_step * 64;
  const uint own_row = min(first_row + item / STEPS, rows - 1), last_step = (columns + 31) / 32 - 1;
  __global const half* x_of_token = x + (size_t)min(first_token + item / STEPS, tokens - 1) * columns;
  __local uchar *weights_tile = tiles, *x_tile = tiles + FORMAT_FRAGMENTS * TILE_BYTES;
  const bool wide = columns % 32 == 0;
#ifdef FORMAT_TABLE
  __local uint held[16];
  if (item < 16) held[item] = held_number(item);
  barrier(CLK_LOCAL_MEM_FENCE);
#else
  const HeldTable held = 0;
#endif
#ifndef FORMAT_ROW_SCALE
  const uint own_place = item / STEPS / 16 * 16 + sum_place(item / STEPS % 16), place_of_lane = wave_row + lane / 16 * UNIT_SUMS;
  FloatSums part[ROW_TILES][TOKEN_TILES];
#endif
#ifdef FORMAT_MINIMA
  FloatSums x_sum[TOKEN_TILES];
#endif
  FloatSums acc[ROW_TILES][TOKEN_TILES];
  FOR_TILES acc[m][n] = (FloatSums)(0.0f);
  Own own;
  uint4 chunk[X_CHUNKS];
  READ_STAGE(0)
  for (uint first = 0; first <= last_step; first += STEPS) {
    PUT_STAGE(first)
    barrier(CLK_LOCAL_MEM_FENCE);
    READ_STAGE(first + STEPS)
    ADD_STAGE
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  ADD_WAVES
  FOR_TILES {
    float sums[UNIT_SUMS];
    JOIN(vstore, UNIT_SUMS)(acc[m][n], 0, sums);
    UNROLLED for (uint i = 0; i < UNIT_SUMS; ++i) {
      const uint row = first_row + wave_row + 16 * m + sum_row(lane, i), token = first_token + wave_token + 16 * n + sum_column(lane, i);
      if (row < rows && token < tokens) vstore_half_rte(sums[i] * SCALE_OF_ROW(row), (size_t)token * rows + row, y);
    }
  }
}
