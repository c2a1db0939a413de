// y[t][r] = sum_k w[r][k] x[t][k] for 1 to 8 tokens on the CPU family with weights of a format (format/format.clh) and f16 or
// e4m3 activations (common/frame_activations.clh). Blocks as in common/gemv_blocks.clh. Per step of 32
// columns: sum_t += scale (codes . x) + shift (sum of x), in vectors. Bytes: weights once, x once per work-item (from cache).
// Tunables: VECTOR_WIDTH (of the sums), TOKENS, ROWS (1 to 8).
#define CPU_FAMILY
#include "common/gemv_blocks.clh"
#include "format/format.clh"
#include "common/frame_rows.clh"

#if VECTOR_WIDTH == 16
#define FOLD(value) (value)
#else
#define FOLD(value) ((value).lo + (value).hi)
#endif

/// Adds products of codes and activations, whose sum is `sum`.
static inline floatv add_products(floatv acc, floatv products, floatv sum, float scale, float shift) {
#ifdef FORMAT_SHIFTS
  acc = fma((floatv)(shift), sum, acc);
#endif
  return fma((floatv)(scale), products, acc);
}

CPU_KERNEL void FRAME_ENTRY(gemv_, cpu)(FORMAT_PARTS, ACTIVATION_PARTS, __global half* restrict y, uint rows,
                                        uint columns) {
  const uint first = (uint)get_global_id(0) * ROWS;
  const uint steps = steps_of(columns);
  size_t start[ROWS];
  floatv acc[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    start[r] = (size_t)min(first + r, rows - 1) * steps;
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = 0.0f;
  }
  NextBlock next = next_block(codes + start[0] * FORMAT_STEP_BYTES, (size_t)steps * FORMAT_STEP_BYTES, LONGEST_PREFETCHED);
  float scale[ROWS][8 * FORMAT_HALVES], shift[ROWS][8 * FORMAT_HALVES];
  for (uint step = 0; step * 32 < columns; ++step) {
    prefetch_next(&next, FORMAT_STEP_BYTES);
    if (step % 4 == 0) {
      prefetch_ahead(codes + start[0] * FORMAT_STEP_BYTES, (size_t)steps * FORMAT_STEP_BYTES,
                     (size_t)step * FORMAT_STEP_BYTES, 4 * FORMAT_STEP_BYTES);
    }
    if (step % 8 == 0) {
      UNROLLED for (uint r = 0; r < ROWS; ++r) {
        load_affines(FORMAT_ARGUMENTS, min(first + r, rows - 1), start[r] + step, steps - step, scale[r], shift[r]);
      }
    }
    float16 low[TOKENS], high[TOKENS];
    UNROLLED for (uint t = 0; t < TOKENS; ++t) {
      low[t] = load_x(x + (size_t)t * columns, step * 32, columns);
      high[t] = load_x(x + (size_t)t * columns, step * 32 + 16, columns);
    }
    UNROLLED for (uint r = 0; r < ROWS; ++r) {
      const Codes code = unpack(FORMAT_ARGUMENTS, start[r] + step);
      const uint i = step % 8 * FORMAT_HALVES;
      UNROLLED for (uint t = 0; t < TOKENS; ++t) {
#if FORMAT_HALVES == 1
        acc[r][t] = add_products(acc[r][t], FOLD(fma(code.low, low[t], code.high * high[t])), FOLD(low[t] + high[t]),
                                 scale[r][i], shift[r][i]);
#else
        acc[r][t] = add_products(acc[r][t], FOLD(code.low * low[t]), FOLD(low[t]), scale[r][i], shift[r][i]);
        acc[r][t] = add_products(acc[r][t], FOLD(code.high * high[t]), FOLD(high[t]), scale[r][i + 1], shift[r][i + 1]);
#endif
      }
    }
  }
  float results[PADDED_RESULTS] = {0.0f};
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) results[r * TOKENS + t] = SUM_FLOATV(acc[r][t]) * token_factor(t);
  }
  store_results(results, first, rows, y);
}
