// Y = X W^T for more than 8 tokens on NVIDIA's matrix unit (common/mma.clh), for weights of any format (format/format.clh) and f16
// activations, or int8 ones (ACTIVATIONS_I8) for int8 and int4: y[t][r] = sum_k w[r][k] x[t][k]. common/mma_frame.clh says how lanes share a tile.
// Work-group (b, c) of WARPS warps: a tile of TILE_ROWS rows and TILE_TOKENS tokens. Of the K_WARPS warps that have the same part
// of it, 16 ROW_TILES rows and 8 TOKEN_TILES tokens, each takes CHUNK steps of 32 columns in turn; their sums are added in local
// memory at the end. A stage there holds one step of each, codes and x of the whole tile, brought by cp.async STAGES - 1 stages
// ahead. While a warp multiplies a step it reads the next one into registers; between the two all warps wait once. Step by step
// lie the bytes of all rows side by side, then x: 64 bytes a token, whose four pieces of 16 are exchanged by SWIZZLE of the
// token. So the eight rows or tokens of a fragment lie on different banks. Rows that break the 16 bytes of an access are brought
// byte by byte.
// Bytes: weights once per TILE_TOKENS tokens, x once per TILE_ROWS rows.
// Tunables: WARPS, ROW_WARPS, TOKEN_WARPS, ROW_TILES, TOKEN_TILES. Precondition: buffers start on 16 bytes; the unit's probe.
#define GPU_FAMILY
#define INSTRUCTIONS_PTX
#include "common/common.clh"
#include "common/instructions.clh"
#include "common/mma.clh"
#define FRAGMENTS
#define MANY_TOKENS
#include "format/format.clh"

#define K_WARPS (WARPS / (ROW_WARPS * TOKEN_WARPS))
#define TILE_ROWS (16 * ROW_TILES * ROW_WARPS)
#define TILE_TOKENS (8 * TOKEN_TILES * TOKEN_WARPS)
#define CODE_STEP (TILE_ROWS * FORMAT_STEP_BYTES)  // bytes of a step's codes, and of its x
#ifdef ACTIVATIONS_I8
#define X_STEP (TILE_TOKENS * 32)
#else
#define X_STEP (TILE_TOKENS * 64)
#endif
#define STAGE_BYTES (K_WARPS * (CODE_STEP + X_STEP))
#define MOST_LOCAL_BYTES 49152
#define CHUNK 2
#if 6 * STAGE_BYTES <= MOST_LOCAL_BYTES
#define STAGES 6
#define WAIT_FOR_STAGE wait_copies(4)
#elif 4 * STAGE_BYTES <= MOST_LOCAL_BYTES
#define STAGES 4
#define WAIT_FOR_STAGE wait_copies(2)
#elif 3 * STAGE_BYTES <= MOST_LOCAL_BYTES
#define STAGES 3
#define WAIT_FOR_STAGE wait_copies(1)
#elif 2 * STAGE_BYTES <= MOST_LOCAL_BYTES
#define STAGES 2
#define WAIT_FOR_STAGE wait_copies(0)
#else
#error "two stages of this tile are more than 48 KiB"
#endif
#if WARPS * 8 * 16 * ROW_TILES * 4 > STAGES * STAGE_BYTES
#error "the sums of this tile do not fit where its stages lie"
#endif
#ifndef ACTIVATIONS_I8
#define SWIZZLE(row) (((row) >> 1 & 1) << 1 | ((row) >> 2 & 1))

/// Where in a stage piece `piece` of a row of f16 lies, whose steps of 64 bytes are `step_bytes` apart.
static inline uint place_of_halves(uint step_bytes, uint row, uint piece) {
  return piece / 4 * step_bytes + row * 64 + (piece % 4 ^ SWIZZLE(row)) * 16;
}
#ifdef FORMAT_PLAIN
/// From the first of 16 rows of f16 codes to what this lane gives load_matrices() of the first half of a step.
static inline uint place_of_matrices(uint lane) { return place_of_halves(0, lane % 16, lane / 16); }
#endif
#endif
#define ROW_PITCH FORMAT_STEP_BYTES
#include "common/mma_frame.clh"

// A step's codes of a row, in the largest pieces that it is a multiple of.
#if FORMAT_STEP_BYTES % 16 == 0
#define PIECE 16
#define COPY_PIECE copy_async
#elif FORMAT_STEP_BYTES % 8 == 0
#define PIECE 8
#define COPY_PIECE copy_async8
#else
#define PIECE 4
#define COPY_PIECE copy_async4
#endif
#define STEP_PIECES (FORMAT_STEP_BYTES / PIECE)
#define ROW_PIECES (K_WARPS * STEP_PIECES)  // of a row and stage
#define CODE_COPIES ((TILE_ROWS * ROW_PIECES + ITEMS - 1) / ITEMS)
#define X_PIECES (X_BYTES / 16)             // of a token and step
#define TOKEN_PIECES (K_WARPS * X_PIECES)  // of a token and stage
#define X_COPIES ((TILE_TOKENS * TOKEN_PIECES + ITEMS - 1) / ITEMS)

/// Where in a stage byte `byte` of a row's steps lies.
static inline uint place_of_code(uint row, uint byte) {
#ifdef FORMAT_PLAIN
  return place_of_halves(CODE_STEP, row, byte / 16) + byte % 16;
#else
  return byte / FORMAT_STEP_BYTES * CODE_STEP + row * FORMAT_STEP_BYTES + byte % FORMAT_STEP_BYTES;
#endif
}

/// Where in a stage's x byte `byte` of a token's steps lies.
static inline uint place_of_x(uint token, uint byte) {
#ifdef ACTIVATIONS_I8
  return byte / X_BYTES * X_STEP + token * X_BYTES + byte % X_BYTES;
#else
  return place_of_halves(X_STEP, token, byte / 16) + byte % 16;
#endif
}

/// Bytes from the first token of a tile of 8 to what this lane reads of a step.
static inline uint place_of_fragment(uint lane) {
#if defined(ACTIVATIONS_I8)
  return lane / 4 * X_BYTES + lane % 4 * 8;
#elif FORMAT_ORDER == 2
  return place_of_halves(0, lane / 4, lane % 4 / 2) + lane % 2 * 8;
#elif FORMAT_ORDER == 3
  return place_of_halves(0, lane % 8, lane / 8);
#else
  return place_of_halves(0, lane / 4, lane % 4);
#endif
}

/// x of one token in this lane's places of a step: b0 and b1 of two products. `from`, on 64 bytes, belongs to the tile.
static inline Values read_x(__local const uchar* from, uint own_place) {
#if defined(ACTIVATIONS_I8)
  return *(__local const uint2*)(from + own_place);
#elif FORMAT_ORDER == 0
  return *(__local const uint4*)(from + own_place);
#elif FORMAT_ORDER == 2
  return (uint4)(*(__local const uint2*)(from + own_place), *(__local const uint2*)(from + (own_place ^ 32u)));
#else
  return load_matrices(from + own_place);
#endif
}

typedef struct {
  uint first, rows, row_bytes, first_token, tokens, x_row_bytes, item;
} Place;

/// The stage whose warps' steps are `first_step`, `first_step` + CHUNK, .., byte by byte; zeros beyond the columns.
static inline void bring_bytes(__local uchar* stage, __global const uchar* codes, __global const uchar* x, const Place at,
                               uint first_step) {
  _Pragma("unroll 1") for (uint i = at.item; i < TILE_ROWS * K_WARPS * FORMAT_STEP_BYTES; i += ITEMS) {
    const uint row = i / (K_WARPS * FORMAT_STEP_BYTES), byte = i % (K_WARPS * FORMAT_STEP_BYTES);
    const uint from = (first_step + byte / FORMAT_STEP_BYTES * CHUNK) * FORMAT_STEP_BYTES + byte % FORMAT_STEP_BYTES;
    stage[place_of_code(row, byte)] =
        from < at.row_bytes ? codes[(size_t)min(at.first + row, at.rows - 1) * at.row_bytes + from] : (uchar)0;
  }
  _Pragma("unroll 1") for (uint i = at.item; i < TILE_TOKENS * K_WARPS * X_BYTES; i += ITEMS) {
    const uint token = i / (K_WARPS * X_BYTES), byte = i % (K_WARPS * X_BYTES);
    const uint from = (first_step + byte / X_BYTES * CHUNK) * X_BYTES + byte % X_BYTES;
    stage[K_WARPS * CODE_STEP + place_of_x(token, byte)] =
        from < at.x_row_bytes ? x[(size_t)min(at.first_token + token, at.tokens - 1) * at.x_row_bytes + from] : (uchar)0;
  }
}

// The next stage that was not asked for, whose first warp's step is `wanted`; zeros beyond the columns.
#define BRING(stage)                                                                                            \
  if (!wide) {                                                                                                  \
    bring_bytes(stage, bytes, x_bytes, tile, wanted);                                                           \
  } else {                                                                                                      \
    UNROLLED for (uint i = 0; i < CODE_COPIES; ++i) {                                                           \
      if (TILE_ROWS * ROW_PIECES % ITEMS == 0 || item + ITEMS * i < TILE_ROWS * ROW_PIECES) {                   \
        COPY_PIECE((stage) + codes_to[i], codes_from[i] + wanted * FORMAT_STEP_BYTES,                           \
                   wanted + codes_step[i] < x_steps ? PIECE : 0);                                               \
      }                                                                                                         \
    }                                                                                                           \
    UNROLLED for (uint i = 0; i < X_COPIES; ++i) {                                                              \
      if (TILE_TOKENS * TOKEN_PIECES % ITEMS == 0 || item + ITEMS * i < TILE_TOKENS * TOKEN_PIECES) {           \
        copy_async((stage) + x_to[i], x_from[i] + wanted * X_BYTES, wanted + x_step[i] < x_steps ? 16 : 0);          \
      }                                                                                                         \
    }                                                                                                           \
    close_copies();                                                                                             \
  }                                                                                                             \
  wanted += ++brought % CHUNK == 0 ? (K_WARPS - 1) * CHUNK + 1 : 1;

// A warp's next step.
#define READ_STEP(stage)                                                                                        \
  {                                                                                                             \
    coming_codes = hold_step((stage) + own_codes, lane);                                                        \
    UNROLLED for (uint n = 0; n < TOKEN_TILES; ++n) coming[n] = read_x((stage) + own_x + n * 8 * X_BYTES, own_place);   \
  }

GPU_KERNEL void FRAME_ENTRY(gemm_, gpu)(FORMAT_PARTS, X_PARAMETER, TOKEN_SCALES RESULT, uint rows, uint columns, uint tokens) {
  __local uchar stages[STAGES * STAGE_BYTES] __attribute__((aligned(128)));
  const uint item = (uint)get_local_id(0), lane = item % 32, warp = item / 32;
  const uint row_warp = warp % ROW_WARPS, token_warp = warp / ROW_WARPS % TOKEN_WARPS;
  const uint k_warp = warp / (ROW_WARPS * TOKEN_WARPS);
  const uint x_steps = (columns + 31) / 32, held = FORMAT_HELD(lane);
  const Place tile = {(uint)get_group_id(0) * TILE_ROWS, rows, FORMAT_ROW_BYTES(columns),
                      (uint)get_group_id(1) * TILE_TOKENS, tokens, columns * (X_BYTES / 32), item};
  const bool wide = columns % 32 == 0 && tile.row_bytes % PIECE == 0;
  __global const uchar* bytes = (__global const uchar*)codes;
  __global const uchar* x_bytes = (__global const uchar*)x;

  // Rows and tokens beyond the last are the last once more, for sums that are not stored.
  __global const uchar* codes_from[CODE_COPIES];
  uint codes_to[CODE_COPIES], codes_step[CODE_COPIES];
  UNROLLED for (uint i = 0; i < CODE_COPIES; ++i) {
    const uint row = (item + ITEMS * i) / ROW_PIECES, piece = (item + ITEMS * i) % ROW_PIECES;
    codes_step[i] = piece / STEP_PIECES * CHUNK;
    codes_from[i] = bytes + ((size_t)min(tile.first + row, rows - 1) * tile.row_bytes + codes_step[i] * FORMAT_STEP_BYTES +
                             piece % STEP_PIECES * PIECE);
    codes_to[i] = place_of_code(row, piece * PIECE);
  }
  __global const uchar* x_from[X_COPIES];
  uint x_to[X_COPIES], x_step[X_COPIES];
  UNROLLED for (uint i = 0; i < X_COPIES; ++i) {
    const uint token = (item + ITEMS * i) / TOKEN_PIECES, piece = (item + ITEMS * i) % TOKEN_PIECES;
    x_step[i] = piece / X_PIECES * CHUNK;
    x_from[i] = x_bytes + ((size_t)min(tile.first_token + token, tokens - 1) * tile.x_row_bytes + x_step[i] * X_BYTES +
                           piece % X_PIECES * 16);
    x_to[i] = K_WARPS * CODE_STEP + place_of_x(token, piece * 16);
  }

  Totals acc[ROW_TILES][TOKEN_TILES];
  FOR_TILES acc[m][n] = (Totals)(0);
#ifdef FORMAT_PLAIN
  const uint first_row_of_lane = row_warp * WARP_ROWS;
#else
  const uint first_row_of_lane = row_warp * WARP_ROWS + lane / 4;
#endif
  const uint own_codes = k_warp * CODE_STEP + first_row_of_lane * FORMAT_STEP_BYTES;
  const uint own_x = K_WARPS * CODE_STEP + k_warp * X_STEP + token_warp * (TOKEN_TILES * 8 * X_BYTES);
  const uint own_place = place_of_fragment(lane);
  uint wanted = 0, brought = 0, next = 1;
  UNROLLED for (uint s = 0; s < STAGES - 1; ++s) { BRING(stages + s * STAGE_BYTES) }
#ifndef FORMAT_ROW_SCALE
  const uint steps = steps_of(columns), first_row = tile.first + row_warp * WARP_ROWS;
  Scales coming_scales;
#endif
  READ_SCALES(first_row, k_warp * CHUNK)
  if (wide) WAIT_FOR_STAGE;
  barrier(CLK_LOCAL_MEM_FENCE);
  BRING(stages + (STAGES - 1) * STAGE_BYTES)
  StepCodes coming_codes;
  Values coming[TOKEN_TILES];
  READ_STEP(stages)
  for (uint first_step = 0; first_step < x_steps; first_step += CHUNK * K_WARPS) {
    USE_SCALES
    READ_SCALES(first_row, first_step + (K_WARPS + k_warp) * CHUNK)
#ifndef FORMAT_ROW_SCALE
    Sums part[ROW_TILES][TOKEN_TILES];
#endif
    UNROLLED for (uint s = 0; s < CHUNK; ++s) {
      const StepCodes step_codes = coming_codes;
      Values value[TOKEN_TILES];
      UNROLLED for (uint n = 0; n < TOKEN_TILES; ++n) value[n] = coming[n];
      if (wide) WAIT_FOR_STAGE;
      barrier(CLK_LOCAL_MEM_FENCE);
      // Of the stage before the next one all have read what they need.
      BRING(stages + (next > 0 ? next - 1 : STAGES - 1) * STAGE_BYTES)
      READ_STEP(stages + next * STAGE_BYTES)
      next = next + 1 < STAGES ? next + 1 : 0;
      add_step(s, value, &step_codes, SCALES_IN_USE, lane, held, PART, acc);
    }
  }
  wait_copies(0);
  store_sums(FORMAT_ARGUMENTS, acc, (__local Total*)stages, TOKEN_SCALES_ARGUMENT y, item, tile.first, tile.first_token,
             rows, columns, tokens);
}
