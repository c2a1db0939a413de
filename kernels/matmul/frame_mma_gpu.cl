// y[t][r] = sum_k w[r][k] x[t][k] on NVIDIA's matrix unit (common/mma.clh) for weights of any format (format/format.clh) and
// f16 activations: gemv_ for TOKENS of 1 to 8, gemm_ for more. A row of weights is a row of A and a token a column of B, so
// 8 tokens cost what one costs.
// Work-group (b, c) of WARPS warps: ROWS = 16 ROW_TILES rows for each of ROW_WARPS, tokens [8 TOKEN_TILES c, ..). A chunk is
// CHUNK steps of 32 columns; the K_WARPS = WARPS / ROW_WARPS warps of the same rows take the chunks in turn. Codes come to the
// warp's own local memory by cp.async, 16 bytes an access, STAGES - 1 chunks ahead, so that warps wait for none but their own
// lanes; where a row has no whole chunks or is no multiple of 16 bytes, byte by byte. A lane (g = lane / 4, place = lane % 4)
// makes f16 of the codes of rows g and g + 8 in its place of each step, by a few bit operations (fragments() of the format), and
// reads x of token g in the same places. An order of columns that is the same for A and B leaves the sums as they are. Sums over
// a scale's columns are scaled in f32; those of the warps are added in local memory at the end. Scales are read once per chunk
// and row by the lane whose place is that of the step, and handed to its three neighbours.
// Bytes: weights once per 8 TOKEN_TILES tokens, x once per ROW_WARPS ROWS rows where the caches hold it, else once per ROWS.
// Tunables: WARPS, ROW_WARPS, ROW_TILES, TOKEN_TILES. Precondition: buffers start on 16 bytes; the probe of the unit.
#define GPU_FAMILY
#define INSTRUCTIONS_PTX
#include "common/common.clh"
#include "common/instructions.clh"
#include "common/mma.clh"
#define UNROLLED _Pragma("unroll")
#define FRAGMENTS
#include "format/format.clh"

#define GPU_KERNEL __attribute__((reqd_work_group_size(32 * WARPS, 1, 1))) __kernel
#define ROWS (16 * ROW_TILES)
#define K_WARPS (WARPS / ROW_WARPS)
// 48 KiB hold two stages of 128 bytes a row and warp or three of at most 64, and of twice the rows two of 64.
#if FORMAT_STEP_BYTES == 64
#define CHUNK (2 / ROW_TILES)
#elif FORMAT_STEP_BYTES == 32
#define CHUNK (4 / ROW_TILES)
#elif FORMAT_STEP_BYTES == 24
#define CHUNK 2
#else
#define CHUNK 4
#endif
#if ROW_TILES > 1 || FORMAT_STEP_BYTES == 64 || FORMAT_STEP_BYTES == 32
#define STAGES 2
#define WAIT_FOR_CHUNK wait_copies(0)
#else
#define STAGES 3
#define WAIT_FOR_CHUNK wait_copies(1)
#endif
#define CHUNK_BYTES (CHUNK * FORMAT_STEP_BYTES)
#define PIECES (CHUNK_BYTES / 16)        // of 16 bytes, per row
#define PITCH (16 * (PIECES | 1))        // odd: the same place of eight rows lies on different banks
#define COPIES ((ROWS * PIECES + 31) / 32)
#define SPAN (FORMAT_SCALE_STEPS < CHUNK ? FORMAT_SCALE_STEPS : CHUNK)  // steps under one scale
#define SCALES (CHUNK / SPAN * FORMAT_HALVES)                                  // of a row and chunk
#define OWN_SCALES ((SCALES + 3) / 4)                                                 // that a lane reads

/// The row's codes are read where the columns end; those of a format with blocks where its last block does.
#ifndef FORMAT_ROW_BYTES
#define FORMAT_ROW_BYTES(columns) (steps_of(columns) * FORMAT_STEP_BYTES)
#endif

// Column of a step that half h of word i of a fragment holds.
#if FORMAT_ORDER == 0    // eight neighbours
#define COLUMN_OF(i, h) (8 * place + 2 * (i) + (h))
#elif FORMAT_ORDER == 1  // eight neighbours, the first four in the low halves
#define COLUMN_OF(i, h) (8 * place + (i) + 4 * (h))
#elif FORMAT_ORDER == 2  // four neighbours of each half of the step, the even ones in the first word
#define COLUMN_OF(i, h) ((i) / 2 * 16 + 4 * place + (i) % 2 + 2 * (h))
#else                    // two neighbours of each quarter
#define COLUMN_OF(i, h) (8 * (i) + 2 * place + (h))
#endif

/// x of one token in this lane's places of a step, `from` its first column: b0 and b1 of two products.
static inline uint4 read_x(__global const ushort* from, uint place) {
#if FORMAT_ORDER == 0
  return load16(from + 8 * place);
#elif FORMAT_ORDER == 1
  const uint4 v = load16(from + 8 * place);
  return (uint4)(chosen_bytes(v.x, v.z, 0x5410), chosen_bytes(v.x, v.z, 0x7632), chosen_bytes(v.y, v.w, 0x5410),
                 chosen_bytes(v.y, v.w, 0x7632));
#elif FORMAT_ORDER == 2
  const uint2 low = *(__global const uint2*)(from + 4 * place), high = *(__global const uint2*)(from + 16 + 4 * place);
  return (uint4)(chosen_bytes(low.x, low.y, 0x5410), chosen_bytes(low.x, low.y, 0x7632),
                 chosen_bytes(high.x, high.y, 0x5410), chosen_bytes(high.x, high.y, 0x7632));
#else
  __global const uint* words = (__global const uint*)from + place;
  return (uint4)(words[0], words[4], words[8], words[12]);
#endif
}

/// The same where columns [0, left) exist, one by one.
static inline uint4 read_x_part(__global const ushort* from, uint place, uint left) {
  uint word[4];
  UNROLLED for (uint i = 0; i < 4; ++i) {
    const uint low = COLUMN_OF(i, 0), high = COLUMN_OF(i, 1);
    word[i] = (low < left ? from[low] : 0u) | (high < left ? from[high] : 0u) << 16;
  }
  return (uint4)(word[0], word[1], word[2], word[3]);
}

/// Bytes [at, at + CHUNK_BYTES) of the ROWS rows from `first` on, one by one; beyond a row's end there are zeros.
static inline void bring_bytes(__local uchar* stage, __global const uchar* codes, uint first, uint rows, uint at,
                               uint row_bytes, uint lane) {
  for (uint i = lane; i < ROWS * CHUNK_BYTES; i += 32) {
    const uint row = min(first + i / CHUNK_BYTES, rows - 1), byte = at + i % CHUNK_BYTES;
    stage[i / CHUNK_BYTES * PITCH + i % CHUNK_BYTES] = byte < row_bytes ? codes[(size_t)row * row_bytes + byte] : (uchar)0;
  }
}

static inline float4 scaled(float4 part, float2 scale, float4 sum) {
  return fma(part, (float4)(scale.x, scale.x, scale.y, scale.y), sum);
}

// With many tokens x of all steps at once would take the registers of the sums.
#if TOKEN_TILES == 1
#define EACH_STEP UNROLLED
#else
#define EACH_STEP _Pragma("unroll 1")
#endif

#define FOR_TILES                             \
  UNROLLED for (uint m = 0; m < ROW_TILES; ++m) \
  UNROLLED for (uint n = 0; n < TOKEN_TILES; ++n)

#ifdef TOKENS
#define TOKEN_COUNT TOKENS
#define OPERATION gemv_
#define LAST_PARAMETER
#else
#define TOKEN_COUNT tokens
#define OPERATION gemm_
#define LAST_PARAMETER , uint tokens
#endif

typedef struct {
  uint warp, lane, first, rows, first_token, tokens, columns;
} Place;

// Sums over the columns of one scale go to `part`, scaled to `acc`; where a row has one scale there is no part.
#ifdef FORMAT_ROW_SCALE
#define PART acc
#define IS_FIRST(s, half) false
#define IS_LAST(s, half) false
#define SCALE_OF(values, s, half) 1.0f
#else
#define PART part
#define IS_FIRST(s, half) (FORMAT_HALVES == 2 || ((s) % SPAN == 0 && (half) == 0))
#define IS_LAST(s, half) (FORMAT_HALVES == 2 || ((s) % SPAN == SPAN - 1 && (half) == 1))
// Among the scales of a chunk, `which` belongs to the lane whose place is which % 4.
#define WHICH(s, half) ((s) / SPAN * FORMAT_HALVES + (FORMAT_HALVES == 2 ? (half) : 0))
#define BITS_OF(values, s, half)                               \
  (SCALES == 1 ? (values)[0]                                   \
               : from_lane_bits(WHICH(s, half) < 4 ? (values)[0] : (values)[OWN_SCALES - 1], (lane & ~3u) | WHICH(s, half) % 4))
#define SCALE_OF(values, s, half) as_float(BITS_OF(values, s, half))
#endif

// The next chunk of this warp that was not asked for; a warp that has no more closes an empty batch. Whoever read a chunk has
// waited for its batch: none is left at the end.
#define BRING(stage_bytes)                                                                                              \
  if (!wide) {                                                                                                          \
    bring_bytes(stage_bytes, bytes, at.first, at.rows, wanted * CHUNK_BYTES, row_bytes, lane);                          \
  } else {                                                                                                              \
    if (wanted < chunks) {                                                                                              \
      UNROLLED for (uint i = 0; i < COPIES; ++i) {                                                                      \
        if (ROWS * PIECES % 32 == 0 || lane + 32 * i < ROWS * PIECES) copy_async((stage_bytes) + to[i], from[i], 16u);  \
        from[i] += K_WARPS * CHUNK_BYTES;                                                                               \
      }                                                                                                                 \
    }                                                                                                                   \
    close_copies();                                                                                                     \
  }                                                                                                                     \
  wanted += K_WARPS;

// x of X_STEPS steps from `first_step` on.
#if TOKEN_TILES == 1
#define X_STEPS CHUNK
#else
#define X_STEPS 1
#endif
#define READ_X(first_step)                                                                                          \
  {                                                                                                                 \
    const uint k = (first_step) * 32, k_inside = k < at.columns ? k : 0;                                            \
    UNROLLED for (uint n = 0; n < TOKEN_TILES; ++n) {                                                               \
      UNROLLED for (uint s_ = 0; s_ < X_STEPS; ++s_) {                                                              \
        coming[s_][n] = wide                       ? read_x(x_of[n] + k_inside + 32 * s_, place)                    \
                        : k + 32 * s_ < at.columns ? read_x_part(x_of[n] + k + 32 * s_, place, at.columns - k - 32 * s_) \
                                                   : (uint4)(0);                                                    \
      }                                                                                                             \
    }                                                                                                               \
  }

// The lane's own scales of a chunk, and with them the minima or the zero points.
#ifdef FORMAT_ROW_SCALE
typedef uint Scales;
#define READ_SCALES(first_step)
#define USE_SCALES
#define SCALES_IN_USE (const Scales*)0
#else
typedef struct {
  uint scale[ROW_TILES][2][OWN_SCALES], other[ROW_TILES][2][OWN_SCALES];
} Scales;
#ifdef FORMAT_ZEROS
#define OTHER_OF(affine, step) zeros_of(FORMAT_ARGUMENTS, step)
#else
#define OTHER_OF(affine, step) as_uint((affine).y)
#endif
#define READ_SCALES(first_step)                                                                                       \
  UNROLLED for (uint m = 0; m < ROW_TILES; ++m) {                                                                     \
    UNROLLED for (uint h = 0; h < 2; ++h) {                                                                           \
      UNROLLED for (uint e = 0; e < OWN_SCALES; ++e) {                                                                \
        const uint which = SCALES < 4 ? place % SCALES : place + 4 * e, row = min(at.first + 16 * m + 8 * h + g, at.rows - 1); \
        const uint step = row * steps + min((first_step) + which / FORMAT_HALVES * SPAN, steps - 1);                  \
        const Affine affine = affine_of(FORMAT_ARGUMENTS, row, step, which % FORMAT_HALVES);                          \
        coming_scales.scale[m][h][e] = as_uint(affine.x);                                                             \
        coming_scales.other[m][h][e] = OTHER_OF(affine, step);                                                        \
      }                                                                                                               \
    }                                                                                                                 \
  }
#define USE_SCALES const Scales held_scales = coming_scales;
#define SCALES_IN_USE &held_scales
#endif

/// Adds the products of step `s` of a chunk, whose codes lie from `rows_of_lane` on, with x of all tiles of tokens. Inlined, as its
/// arrays are registers.
__attribute__((always_inline)) static inline void add_step(const uint s, const uint4 value[TOKEN_TILES],
                                                           __local const uchar* rows_of_lane, const Scales* scales,
                                                           const uint lane, const uint held,
                                                           float4 part[ROW_TILES][TOKEN_TILES],
                                                           float4 acc[ROW_TILES][TOKEN_TILES]) {
  const uint place = lane % 4;
#ifdef FORMAT_MINIMA
  float4 x_sum[TOKEN_TILES];
  UNROLLED for (uint n = 0; n < TOKEN_TILES; ++n) {
    const uint4 ones = (uint4)(0x3C003C00u);
    x_sum[n] = mma_f16(ones, value[n].hi, mma_f16(ones, value[n].lo, (float4)(0.0f)));
  }
#endif
  UNROLLED for (uint m = 0; m < ROW_TILES; ++m) {
    __local const uchar* low_row = rows_of_lane + 16 * m * PITCH + s * FORMAT_STEP_BYTES;
#ifdef FORMAT_ZEROS
    const uint zeros_low = BITS_OF(scales->other[m][0], s, 0), zeros_high = BITS_OF(scales->other[m][1], s, 0);
#else
    const uint zeros_low = 0, zeros_high = 0;
#endif
    uint4 low[FORMAT_FRAGMENTS], high[FORMAT_FRAGMENTS];
    fragments(low_row, place, zeros_low, held, low);
    fragments(low_row + 8 * PITCH, place, zeros_high, held, high);
    UNROLLED for (uint half_step = 0; half_step < 2; ++half_step) {
      UNROLLED for (uint f = 0; f < FORMAT_FRAGMENTS; ++f) {
        const uint4 a = half_step == 0 ? (uint4)(low[f].x, high[f].x, low[f].y, high[f].y)
                                       : (uint4)(low[f].z, high[f].z, low[f].w, high[f].w);
        UNROLLED for (uint n = 0; n < TOKEN_TILES; ++n) {
          const uint2 b = half_step == 0 ? value[n].lo : value[n].hi;
          part[m][n] = mma_f16(a, b, IS_FIRST(s, half_step) && f == 0 ? (float4)(0.0f) : part[m][n]);
        }
      }
      if (IS_LAST(s, half_step)) {
        const float2 both = (float2)(SCALE_OF(scales->scale[m][0], s, half_step),
                                     SCALE_OF(scales->scale[m][1], s, half_step));
        UNROLLED for (uint n = 0; n < TOKEN_TILES; ++n) acc[m][n] = scaled(part[m][n], both, acc[m][n]);
      }
    }
#ifdef FORMAT_MINIMA
    const float2 both = (float2)(SCALE_OF(scales->other[m][0], s, 0), SCALE_OF(scales->other[m][1], s, 0));
    UNROLLED for (uint n = 0; n < TOKEN_TILES; ++n) acc[m][n] = scaled(x_sum[n], both, acc[m][n]);
#endif
  }
}

/// Adds the products of all chunks of this warp. `wide` is a constant: rows have whole chunks and multiples of 16 bytes.
__attribute__((always_inline)) static inline void add_chunks(const bool wide, FORMAT_PARTS, __global const ushort* x,
                                                             const Place at, __local uchar* stages,
                                                             float4 acc[ROW_TILES][TOKEN_TILES]) {
  const uint lane = at.lane, g = lane / 4, place = lane % 4, held = FORMAT_HELD(lane);
  const uint row_bytes = FORMAT_ROW_BYTES(at.columns);
  const uint chunks = (at.columns + 32 * CHUNK - 1) / (32 * CHUNK), turns = (chunks + K_WARPS - 1) / K_WARPS;
  __global const uchar* bytes = (__global const uchar*)codes;
  __global const uchar* from[COPIES];
  uint to[COPIES];
  UNROLLED for (uint i = 0; i < COPIES; ++i) {
    const uint piece = lane + 32 * i, row = piece / PIECES, offset = piece % PIECES * 16;
    from[i] = bytes + ((size_t)min(at.first + row, at.rows - 1) * row_bytes + at.warp * CHUNK_BYTES + offset);
    to[i] = row * PITCH + offset;
  }
  // Sums of tokens beyond the last are not stored: those are the last once more.
  __global const ushort* x_of[TOKEN_TILES];
  UNROLLED for (uint n = 0; n < TOKEN_TILES; ++n) {
    x_of[n] = x + (size_t)min(at.first_token + 8 * n + g, at.tokens - 1) * at.columns;
  }
#ifndef FORMAT_ROW_SCALE
  const uint steps = steps_of(at.columns);
  Scales coming_scales;
#endif
  uint wanted = at.warp, stage = 0, next = STAGES - 1;
  UNROLLED for (uint s = 0; s < STAGES - 1; ++s) { BRING(stages + s * (ROWS * PITCH)) }

  // x and scales are asked for one turn ahead (x of many tokens one step ahead), from a place in the row where there is none.
  uint4 coming[X_STEPS][TOKEN_TILES];
  READ_X(at.warp * CHUNK)
  READ_SCALES(at.warp * CHUNK)
  for (uint turn = 0; turn < turns; ++turn) {
    const uint chunk = turn * K_WARPS + at.warp, next_step = (chunk + K_WARPS) * CHUNK;
    USE_SCALES
    READ_SCALES(next_step)
#if TOKEN_TILES == 1
    uint4 read[CHUNK][1];
    UNROLLED for (uint s = 0; s < CHUNK; ++s) read[s][0] = coming[s][0];
    READ_X(next_step)
#endif
    if (wide) WAIT_FOR_CHUNK;
    wait_for_warp();
    BRING(stages + next * (ROWS * PITCH))
    __local const uchar* own_rows = stages + stage * (ROWS * PITCH) + g * PITCH;
    stage = stage + 1 < STAGES ? stage + 1 : 0;
    next = next + 1 < STAGES ? next + 1 : 0;

    if (wide && chunk >= chunks) continue;
#ifndef FORMAT_ROW_SCALE
    float4 part[ROW_TILES][TOKEN_TILES];
#endif
    EACH_STEP for (uint s = 0; s < CHUNK; ++s) {
#if TOKEN_TILES == 1
      const uint4* value = read[s];
#else
      uint4 value[TOKEN_TILES];
      UNROLLED for (uint n = 0; n < TOKEN_TILES; ++n) value[n] = coming[0][n];
      READ_X(s + 1 < CHUNK ? chunk * CHUNK + s + 1 : next_step)
#endif
      add_step(s, value, own_rows, SCALES_IN_USE, lane, held, PART, acc);
    }
  }
}

GPU_KERNEL void FRAME_ENTRY(OPERATION, gpu)(FORMAT_PARTS, __global const half* x, __global half* y, uint rows,
                                            uint columns LAST_PARAMETER) {
  __local uchar stages[WARPS * STAGES * ROWS * PITCH] __attribute__((aligned(16)));
  const uint item = (uint)get_local_id(0), lane = item % 32, warp = item / 32;
  const uint first = (uint)get_group_id(0) * (ROW_WARPS * ROWS);
  const Place at = {warp / ROW_WARPS, lane, first + warp % ROW_WARPS * ROWS, rows, (uint)get_group_id(1) * (8 * TOKEN_TILES),
                    TOKEN_COUNT, columns};
  __local uchar* own_stages = stages + warp * (STAGES * ROWS * PITCH);
  float4 acc[ROW_TILES][TOKEN_TILES];
  FOR_TILES acc[m][n] = (float4)(0.0f);
  if (FORMAT_ROW_BYTES(columns) % 16 == 0 && columns % (32 * CHUNK) == 0) {
    add_chunks(true, FORMAT_ARGUMENTS, (__global const ushort*)x, at, own_stages, acc);
  } else {
    add_chunks(false, FORMAT_ARGUMENTS, (__global const ushort*)x, at, own_stages, acc);
  }
  // The stages are free now: sums of each warp, [token][row].
  __local float* sums = (__local float*)stages;
  UNROLLED for (uint n = 0; n < TOKEN_TILES; ++n) {
    barrier(CLK_LOCAL_MEM_FENCE);
    UNROLLED for (uint m = 0; m < ROW_TILES; ++m) {
      __local float* to = sums + warp * (8 * ROWS) + lane % 4 * (2 * ROWS) + 16 * m + lane / 4;
      to[0] = acc[m][n].x;
      to[ROWS] = acc[m][n].y;
      to[8] = acc[m][n].z;
      to[ROWS + 8] = acc[m][n].w;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint i = item; i < ROW_WARPS * ROWS * 8; i += 32 * WARPS) {
      const uint block = i / ROWS % ROW_WARPS, in_row = i % ROWS, in_tile = i / (ROWS * ROW_WARPS);
      float sum = 0.0f;
      UNROLLED for (uint w = 0; w < K_WARPS; ++w) sum += sums[(w * ROW_WARPS + block) * (8 * ROWS) + in_tile * ROWS + in_row];
      const uint row = first + block * ROWS + in_row, token = at.first_token + 8 * n + in_tile;
      if (row >= rows || token >= TOKEN_COUNT) continue;
#ifdef FORMAT_ROW_SCALE
      sum *= affine_of(FORMAT_ARGUMENTS, row, (size_t)row * steps_of(columns), 0).x;
#endif
      vstore_half_rte(sum, (size_t)token * rows + row, y);
    }
  }
}
