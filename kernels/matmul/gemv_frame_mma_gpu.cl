// y[t][r] = sum_k w[r][k] x[t][k] for TOKENS of 1 to 8 on NVIDIA's matrix unit (common/mma.clh), for weights of any format
// (format/format.clh) and f16 activations, or int8 ones (ACTIVATIONS_I8) for int8 and int4. A row of weights is a row of A and a token a column of B, so 8 tokens cost what one
// costs. common/mma_frame.clh says how lanes share a tile.
// Work-group b of WARPS warps: 16 rows, all tokens. A chunk is CHUNK steps of 32 columns; the warps take the chunks in turn.
// Codes come to the warp's own local memory by cp.async, 16 bytes an access, STAGES - 1 chunks ahead, so that warps wait for
// none but their own lanes; where a row has no whole chunks or is no multiple of 16 bytes, byte by byte. x and scales are asked
// for one turn ahead. The sums of the warps are added in local memory at the end.
// Bytes: weights once; x once per 16 rows where the caches hold it.
// Tunable: WARPS. Precondition: buffers start on 16 bytes; the probe of the unit.
#define GPU_FAMILY
#define INSTRUCTIONS_PTX
#include "common/common.clh"
#include "common/instructions.clh"
#include "common/mma.clh"
#define FRAGMENTS
#include "format/format.clh"

// 48 KiB hold two stages of 128 bytes a row and warp or three of at most 64.
#if FORMAT_STEP_BYTES == 64 || FORMAT_STEP_BYTES == 24
#define CHUNK 2
#else
#define CHUNK 4
#endif
#if FORMAT_STEP_BYTES == 64 || FORMAT_STEP_BYTES == 32
#define STAGES 2
#define WAIT_FOR_CHUNK wait_copies(0)
#else
#define STAGES 3
#define WAIT_FOR_CHUNK wait_copies(1)
#endif
#define CHUNK_BYTES (CHUNK * FORMAT_STEP_BYTES)
#define PIECES (CHUNK_BYTES / 16)  // of 16 bytes, per row
#define PITCH (16 * (PIECES | 1))  // odd: the same place of eight rows lies on different banks
#define COPIES ((16 * PIECES + 31) / 32)
#define STAGE_BYTES (16 * PITCH)

#define ROW_TILES 1
#define TOKEN_TILES 1
#define ROW_WARPS 1
#define TOKEN_WARPS 1
#define ROW_PITCH PITCH
#include "common/mma_frame.clh"

#ifdef ACTIVATIONS_I8
/// x of one token in this lane's places of a step that begins at `from`.
static inline Values read_x(__global const uchar* from, uint place) { return *(__global const uint2*)(from + 8 * place); }
/// The same where columns [0, left) exist, one by one.
static inline Values read_x_part(__global const uchar* from, uint place, uint left) {
  uchar byte[8];
  UNROLLED for (uint i = 0; i < 8; ++i) byte[i] = 8 * place + i < left ? from[8 * place + i] : (uchar)0;
  return as_uint2(vload8(0, byte));
}
#else
static inline Values read_x(__global const uchar* from, uint place) {
#if FORMAT_ORDER == 0
  return load16(from + 16 * place);
#elif FORMAT_ORDER == 1
  const uint4 v = load16(from + 16 * place);
  return (uint4)(chosen_bytes(v.x, v.z, 0x5410), chosen_bytes(v.x, v.z, 0x7632), chosen_bytes(v.y, v.w, 0x5410),
                 chosen_bytes(v.y, v.w, 0x7632));
#elif FORMAT_ORDER == 2
  return (uint4)(*(__global const uint2*)(from + 8 * place), *(__global const uint2*)(from + 32 + 8 * place));
#else
  __global const uint* words = (__global const uint*)from + place;
  return (uint4)(words[0], words[4], words[8], words[12]);
#endif
}
static inline Values read_x_part(__global const uchar* from, uint place, uint left) {
  __global const ushort* halves = (__global const ushort*)from;
  uint word[4];
  UNROLLED for (uint i = 0; i < 4; ++i) {
    const uint low = COLUMN_OF(i, 0), high = COLUMN_OF(i, 1);
    word[i] = (low < left ? halves[low] : 0u) | (high < left ? halves[high] : 0u) << 16;
  }
  return (uint4)(word[0], word[1], word[2], word[3]);
}
#endif

/// Bytes [at, at + CHUNK_BYTES) of the 16 rows from `first` on, one by one; beyond a row's end there are zeros.
static inline void bring_bytes(__local uchar* stage, __global const uchar* codes, uint first, uint rows, uint at,
                               uint row_bytes, uint lane) {
  for (uint i = lane; i < 16 * CHUNK_BYTES; i += 32) {
    const uint row = min(first + i / CHUNK_BYTES, rows - 1), byte = at + i % CHUNK_BYTES;
    stage[i / CHUNK_BYTES * PITCH + i % CHUNK_BYTES] = byte < row_bytes ? codes[(size_t)row * row_bytes + byte] : (uchar)0;
  }
}

// The next chunk of this warp that was not asked for; a warp that has no more closes an empty batch. Whoever read a chunk has
// waited for its batch: none is left at the end.
#define BRING(stage)                                                                                            \
  if (!wide) {                                                                                                  \
    bring_bytes(stage, bytes, first, rows, wanted * CHUNK_BYTES, row_bytes, lane);                              \
  } else {                                                                                                      \
    if (wanted < chunks) {                                                                                      \
      UNROLLED for (uint i = 0; i < COPIES; ++i) {                                                              \
        if (16 * PIECES % 32 == 0 || lane + 32 * i < 16 * PIECES) copy_async((stage) + to[i], from[i], 16u);    \
        from[i] += WARPS * CHUNK_BYTES;                                                                         \
      }                                                                                                         \
    }                                                                                                           \
    close_copies();                                                                                             \
  }                                                                                                             \
  wanted += WARPS;

// From a place in the row where there is none.
#define READ_X(first_step)                                                                                      \
  {                                                                                                             \
    const uint inside = (first_step) * 32 < columns ? first_step : 0;                                           \
    UNROLLED for (uint s_ = 0; s_ < CHUNK; ++s_) {                                                              \
      const uint step = (first_step) + s_;                                                                      \
      coming[s_] = wide                ? read_x(x_of_token + (inside + s_) * X_BYTES, place)                    \
                   : step * 32 < columns ? read_x_part(x_of_token + step * X_BYTES, place, columns - step * 32) \
                                         : (Values)(0);                                                         \
    }                                                                                                           \
  }

/// Adds the products of all chunks of this warp. `wide` is a constant: rows have whole chunks and multiples of 16 bytes.
__attribute__((always_inline)) static inline void add_chunks(const bool wide, FORMAT_PARTS, __global const uchar* x,
                                                             const uint first, const uint rows, const uint columns,
                                                             const uint warp, const uint lane, __local uchar* stages,
                                                             Totals acc[1][1]) {
  const uint g = lane / 4, place = lane % 4, held = FORMAT_HELD(lane), row_bytes = FORMAT_ROW_BYTES(columns);
  const uint chunks = (columns + 32 * CHUNK - 1) / (32 * CHUNK), turns = (chunks + WARPS - 1) / WARPS;
  __global const uchar* bytes = (__global const uchar*)codes;
  __global const uchar* from[COPIES];
  uint to[COPIES];
  UNROLLED for (uint i = 0; i < COPIES; ++i) {
    const uint piece = lane + 32 * i, row = piece / PIECES, offset = piece % PIECES * 16;
    from[i] = bytes + ((size_t)min(first + row, rows - 1) * row_bytes + warp * CHUNK_BYTES + offset);
    to[i] = row * PITCH + offset;
  }
  // Sums of tokens beyond the last are not stored: those are the last once more.
  __global const uchar* x_of_token = x + (size_t)min(g, (uint)TOKENS - 1) * (columns * (X_BYTES / 32));
#ifndef FORMAT_ROW_SCALE
  const uint steps = steps_of(columns);
  Scales coming_scales;
#endif
  uint wanted = warp, stage = 0, next = STAGES - 1;
  UNROLLED for (uint s = 0; s < STAGES - 1; ++s) { BRING(stages + s * STAGE_BYTES) }

  Values coming[CHUNK];
  READ_X(warp * CHUNK)
  READ_SCALES(first, warp * CHUNK)
  for (uint turn = 0; turn < turns; ++turn) {
    const uint chunk = turn * WARPS + warp, next_step = (chunk + WARPS) * CHUNK;
    USE_SCALES
    READ_SCALES(first, next_step)
    Values value[CHUNK][1];
    UNROLLED for (uint s = 0; s < CHUNK; ++s) value[s][0] = coming[s];
    READ_X(next_step)
    if (wide) WAIT_FOR_CHUNK;
    wait_for_warp();
    BRING(stages + next * STAGE_BYTES)
    __local const uchar* own_rows = stages + stage * STAGE_BYTES + g * PITCH;
    stage = stage + 1 < STAGES ? stage + 1 : 0;
    next = next + 1 < STAGES ? next + 1 : 0;

    if (wide && chunk >= chunks) continue;
#ifndef FORMAT_ROW_SCALE
    Sums part[1][1];
#endif
    UNROLLED for (uint s = 0; s < CHUNK; ++s) {
      const StepCodes step_codes = hold_step(own_rows + s * FORMAT_STEP_BYTES, lane);
      add_step(s, value[s], &step_codes, SCALES_IN_USE, lane, held, PART, acc);
    }
  }
}

#if defined(ACTIVATIONS_I8) && !defined(FORMAT_ROW_SCALE)  // codes are multiplied less their zero points, not x's sums by those
#define X_SUMS __global const int* x_sums,
#else
#define X_SUMS
#endif
GPU_KERNEL void FRAME_ENTRY(gemv_, gpu)(FORMAT_PARTS, X_PARAMETER, TOKEN_SCALES X_SUMS RESULT, uint rows, uint columns) {
  __local uchar stages[WARPS * STAGES * STAGE_BYTES] __attribute__((aligned(16)));
  const uint item = (uint)get_local_id(0), lane = item % 32, warp = item / 32, first = (uint)get_group_id(0) * 16;
  __local uchar* own_stages = stages + warp * (STAGES * STAGE_BYTES);
  Totals acc[1][1];
  acc[0][0] = (Totals)(0);
  if (FORMAT_ROW_BYTES(columns) % 16 == 0 && columns % (32 * CHUNK) == 0) {
    add_chunks(true, FORMAT_ARGUMENTS, (__global const uchar*)x, first, rows, columns, warp, lane, own_stages, acc);
  } else {
    add_chunks(false, FORMAT_ARGUMENTS, (__global const uchar*)x, first, rows, columns, warp, lane, own_stages, acc);
  }
  store_sums(FORMAT_ARGUMENTS, acc, (__local Total*)stages, TOKEN_SCALES_ARGUMENT y, item, first, 0, rows, columns, TOKENS);
}
