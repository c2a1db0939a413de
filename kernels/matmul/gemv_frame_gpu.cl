// y[t][r] = sum_k w[r][k] x[t][k] for 1 to 8 tokens on the GPU family with weights of a format (format/format.clh) and f16
// or e4m3 activations (common/frame_activations.clh). Teams, steps, sums and tunables as in gemv_gpu.cl
// (common/gemv_teams.clh); an item's step is 32 columns: sum += scale (codes . x) + shift (sum of x), in f32. Rows that are
// no whole steps are read element by element. Bytes: weights once, x once per team. Precondition: buffers start on 16
// bytes.
#define GPU_FAMILY
#include "common/common.clh"
#include "common/instructions.clh"
#include "common/gemv_teams.clh"
#include "format/format.clh"
#include "common/frame_activations.clh"

/// What a step needs of a row.
typedef struct {
  Step step;
  Affine affine[FORMAT_HALVES];
} Loaded;

/// Adds the products of one step: ROWS rows with 32 columns of x. Inlined, else its arrays lie in memory; by its own count of
/// nf4's look-ups clang would not.
__attribute__((always_inline)) static inline void add_step(const Loaded row[ROWS], __global const Activation* x, uint columns,
                                                           float acc[ROWS][TOKENS]) {
  float products[ROWS][TOKENS], sum[TOKENS];
  uint4 held[TOKENS];
  UNROLLED for (uint part = 0; part < 4; ++part) {
    const bool fresh = part == 0 || (FORMAT_HALVES == 2 && part == 2);
    const bool last = part == 3 || (FORMAT_HALVES == 2 && part == 1);
    UNROLLED for (uint t = 0; t < TOKENS; ++t) {
      const float8 value = activations_of(x + (size_t)t * columns + 8 * part, part, &held[t]);
      sum[t] = (fresh ? 0.0f : sum[t]) + sum8(value);
      UNROLLED for (uint r = 0; r < ROWS; ++r) {
        products[r][t] = dot8(codes8(row[r].step, part), value, fresh ? 0.0f : products[r][t]);
        const Affine affine = row[r].affine[FORMAT_HALVES == 2 ? part / 2 : 0];
#ifdef FORMAT_SHIFTS
        if (last) acc[r][t] = fma(affine.y, sum[t], acc[r][t]);
#endif
        if (last) acc[r][t] = fma(affine.x, products[r][t], acc[r][t]);
      }
    }
  }
}

// The codes of all rows are asked for before any scale is waited for.
#define ROW_OF(r) min(first + (r), rows - 1)
#define STEP_OF(r, column) ((size_t)ROW_OF(r) * steps + (column) / 32)
#define FOR_EACH_ROW(count)                   \
  UNROLLED for (uint u = 0; u < count; ++u)   \
  UNROLLED for (uint r = 0; r < ROWS; ++r)

GPU_KERNEL void FRAME_ENTRY(gemv_, gpu)(FORMAT_PARTS, ACTIVATION_PARTS, __global half* y, uint rows, uint columns) {
  __local float partial[RESULTS][PARTIALS];
  FIND_PLACE
  float acc[ROWS][TOKENS];
  UNROLLED for (uint r = 0; r < ROWS; ++r) {
    UNROLLED for (uint t = 0; t < TOKENS; ++t) acc[r][t] = 0.0f;
  }
  const uint steps = steps_of(columns), wide_end = columns % 32 == 0 ? columns : 0;
#define STEPS(count, stride)                                                                                   \
  Loaded row[count][ROWS];                                                                                     \
  FOR_EACH_ROW(count) row[u][r].step = load_step(FORMAT_ARGUMENTS, STEP_OF(r, k + u * stride));                \
  FOR_EACH_ROW(count) {                                                                                        \
    UNROLLED for (uint h = 0; h < FORMAT_HALVES; ++h) {                                                        \
      row[u][r].affine[h] = affine_of(FORMAT_ARGUMENTS, ROW_OF(r), STEP_OF(r, k + u * stride), h);             \
    }                                                                                                          \
  }                                                                                                            \
  UNROLLED for (uint u = 0; u < count; ++u) add_step(row[u], x + (k + u * stride), columns, acc);
  FOR_ALL_STEPS(32, STEPS)
#undef STEPS
  for (k = wide_end + lane * 32; k < columns; k += SPLIT_K * 32) {
    for (uint i = 0; i < min(32u, columns - k); ++i) {
      UNROLLED for (uint r = 0; r < ROWS; ++r) {
        const Affine affine = affine_of(FORMAT_ARGUMENTS, ROW_OF(r), STEP_OF(r, k), i / 16);
        const float weight = WEIGHT(float, code_of(FORMAT_ARGUMENTS, STEP_OF(r, k), i), affine);
        UNROLLED for (uint t = 0; t < TOKENS; ++t) {
          acc[r][t] = fma(weight, activation_at(x, (size_t)t * columns + k + i), acc[r][t]);
        }
      }
    }
  }
  ADD_UP(acc, partial, float)
  STORE_SUMS(vstore_half_rte(partial[lane][TEAM_SUM] * token_factor(t), (size_t)t * rows + row, y))
}
