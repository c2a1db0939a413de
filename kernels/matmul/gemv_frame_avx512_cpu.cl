// y[t][r] = sum_k w[r][k] x[t][k] for 1 to 8 tokens on the CPU family with AVX-512, weights of a format (format/format.clh) and
// f16 or e4m3 activations (common/frame_activations.clh). Blocks and launch as in gemv_frame_cpu.cl. Of eight steps of 32 columns x is converted once for all rows
// of a block; then the rows follow each other, so that a row's codes are read 128 bytes or more at a time and only its sums
// need registers.
//   codes of four bits  the 16 numbers that a nibble can stand for are scaled (and shifted) once per step and looked up by
//                       vpermps (common/x86.clh): per 32 weights 1 widening load, 1 shift, 2 look-ups, 1 fma for the table, 2 fma.
//   others              sum_t += scale (codes . x) + shift (sum of x), in vectors; a scale per row at the end.
// Bytes: weights once, x once per work-item (from cache). Tunables: TOKENS, ROWS (1 to 8), AHEAD (common/gemv_blocks.clh).
#define CPU_FAMILY
#include "common/gemv_blocks.clh"
#include "format/format.clh"
#include "common/frame_rows.clh"

#define BLOCK_STEPS 8
#if defined(FORMAT_SHIFTS) && !defined(FORMAT_NUMBERS) && FORMAT_HALVES == 1
#define SUMS_OF_STEPS
#endif
// Sums of a row and token side by side: an addition takes four cycles, and two begin in each.
#define CHAINS (TOKENS == 1 ? 4 : TOKENS == 2 ? 2 : 1)

/// Of eight steps, as f32: the activations, and where shifts need them the sums of a step's halves.
typedef struct {
  float16 value[TOKENS][2 * BLOCK_STEPS];
#ifdef SUMS_OF_STEPS
  float16 sum[TOKENS][BLOCK_STEPS];
#endif
} Activations;

/// Columns from `first` on, 0 from `columns` on; `whole`: none of them.
static inline void load_block(__global const Activation* x, uint first, uint columns, bool whole, Activations* to) {
  UNROLLED for (uint t = 0; t < TOKENS; ++t) {
    __global const Activation* from = x + (size_t)t * columns;
    if (whole) {
      UNROLLED for (uint i = 0; i < 2 * BLOCK_STEPS; ++i) to->value[t][i] = activations16(from + first + 16 * i);
    } else {
      _Pragma("unroll 1") for (uint i = 0; i < 2 * BLOCK_STEPS; ++i) to->value[t][i] = load_x(from, first + 16 * i, columns);
    }
#ifdef SUMS_OF_STEPS
    UNROLLED for (uint i = 0; i < BLOCK_STEPS; ++i) to->sum[t][i] = to->value[t][2 * i] + to->value[t][2 * i + 1];
#endif
  }
}

/// Adds the products of step `i` of a block, `at` over all rows, whose scales and shifts are those from `affine` on.
static inline void add_step(FORMAT_PARTS, size_t at, uint i, const float* scale, const float* shift,
                            const Activations* x, float16 acc[TOKENS][CHAINS]) {
#if defined(FORMAT_NUMBERS) || FORMAT_HALVES == 2 || defined(FORMAT_ROW_SCALE)
  const uint a = 2 * i % CHAINS, b = (2 * i + 1) % CHAINS;
#endif
#if defined(FORMAT_NUMBERS) || FORMAT_HALVES == 2
  const uint low_affine = FORMAT_HALVES * i, high_affine = FORMAT_HALVES * (i + 1) - 1;
  const Affine first = (Affine)(scale[low_affine], shift[low_affine]);
  const Affine second = (Affine)(scale[high_affine], shift[high_affine]);
#endif
#ifdef FORMAT_NUMBERS
  const uint16 bytes = convert_uint16(LOAD_LOOSE(loose_uchar16, codes + 16 * at));
  const float16 numbers = (float16)(FORMAT_NUMBERS);
#if FORMAT_HALVES == 2  // two scales a step: scaled products take 0.93 of the time of scaled tables
#ifdef FORMAT_SHIFTS
#error "scales alone are applied"
#endif
  const float16 low = lookup16(numbers, bytes), high = lookup16(numbers, bytes >> 4);
  UNROLLED for (uint t = 0; t < TOKENS; ++t) {
    acc[t][a] = fma((float16)(first.x), low * x->value[t][2 * i], acc[t][a]);
    acc[t][b] = fma((float16)(second.x), high * x->value[t][2 * i + 1], acc[t][b]);
  }
#else
  const float16 low = lookup16(WEIGHT(float16, numbers, first), bytes);
  const float16 high = lookup16(WEIGHT(float16, numbers, second), bytes >> 4);
  UNROLLED for (uint t = 0; t < TOKENS; ++t) {
    acc[t][a] = fma(low, x->value[t][2 * i], acc[t][a]);
    acc[t][b] = fma(high, x->value[t][2 * i + 1], acc[t][b]);
  }
#endif
#else
  const Codes code = unpack(FORMAT_ARGUMENTS, at);
  UNROLLED for (uint t = 0; t < TOKENS; ++t) {
#if defined(FORMAT_ROW_SCALE)
    acc[t][a] = fma(code.low, x->value[t][2 * i], acc[t][a]);
    acc[t][b] = fma(code.high, x->value[t][2 * i + 1], acc[t][b]);
#elif FORMAT_HALVES == 1
    const float16 products = fma(code.low, x->value[t][2 * i], code.high * x->value[t][2 * i + 1]);
    acc[t][i % CHAINS] = fma((float16)(scale[i]), products, acc[t][i % CHAINS]);
#ifdef FORMAT_SHIFTS
    acc[t][i % CHAINS] = fma((float16)(shift[i]), x->sum[t][i], acc[t][i % CHAINS]);
#endif
#else
    acc[t][a] = fma(WEIGHT(float16, code.low, first), x->value[t][2 * i], acc[t][a]);
    acc[t][b] = fma(WEIGHT(float16, code.high, second), x->value[t][2 * i + 1], acc[t][b]);
#endif
  }
#endif
}

/// Adds the products of `count` steps of a row from `step` on.
static inline void add_block(FORMAT_PARTS, uint row, uint steps, uint step, uint count, const Activations* x,
                             float16 acc[TOKENS]) {
  const size_t at = (size_t)row * steps + step;
#define PREFETCH_PART(part, bytes, per) \
  prefetch_row((__global const uchar*)part + at / per * bytes, (size_t)steps / per * bytes, step / per * bytes, SCALES_AHEAD, 1);
  prefetch_row(codes + at * FORMAT_STEP_BYTES, (size_t)steps * FORMAT_STEP_BYTES, step * FORMAT_STEP_BYTES, AHEAD,
               BLOCK_STEPS * FORMAT_STEP_BYTES);
  FORMAT_BESIDE(PREFETCH_PART)
#undef PREFETCH_PART
  float scale[BLOCK_STEPS * FORMAT_HALVES], shift[BLOCK_STEPS * FORMAT_HALVES];
#ifndef FORMAT_ROW_SCALE
  load_affines(FORMAT_ARGUMENTS, row, at, count, scale, shift);
#endif
  float16 sum[TOKENS][CHAINS];
  UNROLLED for (uint t = 0; t < TOKENS; ++t) {
    UNROLLED for (uint c = 0; c < CHAINS; ++c) sum[t][c] = c == 0 ? acc[t] : (float16)(0.0f);
  }
  if (count == BLOCK_STEPS) {
    UNROLLED for (uint i = 0; i < BLOCK_STEPS; ++i) add_step(FORMAT_ARGUMENTS, at + i, i, scale, shift, x, sum);
  } else {
    _Pragma("unroll 1") for (uint i = 0; i < count; ++i) add_step(FORMAT_ARGUMENTS, at + i, i, scale, shift, x, sum);
  }
  UNROLLED for (uint t = 0; t < TOKENS; ++t) {
#if TOKENS == 1
    acc[t] = (sum[t][0] + sum[t][1]) + (sum[t][2] + sum[t][3]);
#elif TOKENS == 2
    acc[t] = sum[t][0] + sum[t][1];
#else
    acc[t] = sum[t][0];
#endif
  }
}

CPU_KERNEL void FRAME_ENTRY(gemv_, cpu)(FORMAT_PARTS, ACTIVATION_PARTS, __global half* restrict y, uint rows,
                                        uint columns) {
  const uint first = (uint)get_global_id(0) * ROWS;
  const uint steps = steps_of(columns);
  float16 acc[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = 0.0f;
  }
  for (uint step = 0; step < steps; step += BLOCK_STEPS) {
    const uint count = min(steps - step, (uint)BLOCK_STEPS);
    Activations block;
    load_block(x, 32 * step, columns, 32 * (step + BLOCK_STEPS) <= columns, &block);
    _Pragma("unroll 1") for (uint r = 0; r < ROWS; ++r) {
      add_block(FORMAT_ARGUMENTS, min(first + r, rows - 1), steps, step, count, &block, acc[r]);
    }
  }
  float results[PADDED_RESULTS] = {0.0f};
  for (uint r = 0; r < ROWS; ++r) {
#ifdef FORMAT_ROW_SCALE
    const float scale = affine_of(FORMAT_ARGUMENTS, min(first + r, rows - 1), 0, 0).x;
#else
    const float scale = 1.0f;
#endif
    for (uint t = 0; t < TOKENS; ++t) results[r * TOKENS + t] = scale * sum16(acc[r][t]) * token_factor(t);
  }
  store_results(results, first, rows, y);
}
