// Codes of a format (format/format.clh) back to f16, one element per work-item (k, r): out[r][k] = f16(scale code + shift),
// the sum rounded to f32 once. Bytes: the bound buffers once. Precondition: the global size covers the matrix.
#include "common/common.clh"
#include "format/format.clh"

__kernel void FRAME_ENTRY(dequantize_, reference)(FORMAT_PARTS, __global half* out, uint rows, uint columns) {
  const size_t k = get_global_id(0), r = get_global_id(1);
  if (k >= columns || r >= rows) return;
  const size_t at = r * steps_of(columns) + k / 32;
  const Affine affine = affine_of(FORMAT_ARGUMENTS, (uint)r, at, (uint)k % 32 / 16);
  vstore_half_rte(WEIGHT(float, code_of(FORMAT_ARGUMENTS, at, (uint)k % 32), affine), r * columns + k, out);
}
