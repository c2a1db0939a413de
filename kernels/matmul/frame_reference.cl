// y[t][r] = sum_k w[r][k] x[t][k] with weights of a format (format/format.clh) and f16 or e4m3 activations
// (common/frame_activations.clh), in the plainest form: one result per work-item (r, t), one product after the other, sums in
// f32. Bytes: the bound buffers once; rows x columns x tokens multiply-adds. Precondition: the global size covers rows x tokens.
#include "common/common.clh"
#include "format/format.clh"
#include "common/frame_activations.clh"

__kernel void FRAME_ENTRY(matmul_, reference)(FORMAT_PARTS, ACTIVATION_PARTS, __global half* y, uint rows,
                                              uint columns, uint tokens) {
  const size_t r = get_global_id(0), t = get_global_id(1);
  if (r >= rows || t >= tokens) return;
  float sum = 0.0f;
  for (uint k = 0; k < columns; ++k) {
    const size_t at = r * steps_of(columns) + k / 32;
    const Affine affine = affine_of(FORMAT_ARGUMENTS, (uint)r, at, k % 32 / 16);
    sum = fma(WEIGHT(float, code_of(FORMAT_ARGUMENTS, at, k % 32), affine), activation_at(x, t * columns + k), sum);
  }
  vstore_half_rte(sum * token_factor(t), t * rows + r, y);
}
