// Codes of a format (format/format.clh) back to f16 on the GPU family: work-item (c, r) makes columns [32 c, 32 c + 32) of
// row r by 16-byte loads and packed 16-byte stores where rows are whole steps, else element by element. Formula and
// bits as in frame_reference.cl. Precondition: buffers start on 16 bytes.
#define GPU_FAMILY
#include "common/common.clh"
#include "common/instructions.clh"
#include "format/format.clh"

__kernel void FRAME_ENTRY(dequantize_, gpu)(FORMAT_PARTS, __global half* out, uint rows, uint columns) {
  const uint first = (uint)get_global_id(0) * 32, r = (uint)get_global_id(1);
  if (first >= columns || r >= rows) return;
  const size_t at = (size_t)r * steps_of(columns) + first / 32;
  __global half* to = out + (size_t)r * columns + first;
  if (columns % 32 == 0) {
    const Step step = load_step(FORMAT_ARGUMENTS, at);
    _Pragma("unroll") for (uint part = 0; part < 4; ++part) {
      store_packed(WEIGHT(float8, codes8(step, part), affine_of(FORMAT_ARGUMENTS, r, at, part / 2)), to + 8 * part);
    }
    return;
  }
  for (uint i = 0; i < min(32u, columns - first); ++i) {
    vstore_half_rte(WEIGHT(float, code_of(FORMAT_ARGUMENTS, at, i), affine_of(FORMAT_ARGUMENTS, r, at, i / 16)), i, to);
  }
}
