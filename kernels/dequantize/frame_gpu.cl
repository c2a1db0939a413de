// Codes of a format (format/format.clh) back to f16 on the GPU family: work-item (c, r) makes columns [32 c, 32 c + 32) of
// row r by 16-byte loads, and packed 16-byte stores where columns is a multiple of 8, else element by element. Formula and
// bits as in frame_reference.cl. Precondition: buffers start on 16 bytes.
#define GPU_FAMILY
#include "common/common.clh"
#include "common/instructions.clh"
#include "format/format.clh"

__kernel void FRAME_ENTRY(dequantize_, gpu)(FORMAT_PARTS, __global half* out, uint rows, uint columns) {
  const uint first = (uint)get_global_id(0) * 32, r = (uint)get_global_id(1);
  if (first >= columns || r >= rows) return;
  const size_t at = (size_t)r * steps_of(columns) + first / 32;
  const Step step = load_step(FORMAT_ARGUMENTS, at);
  _Pragma("unroll") for (uint part = 0; part < 4; ++part) {
    const Affine affine = affine_of(FORMAT_ARGUMENTS, r, at, part / 2);
    const float8 weights = WEIGHT(float8, codes8(step, part), affine);
    const uint k = first + 8 * part;
    __global half* to = out + (size_t)r * columns + k;
    if (columns % 8 == 0) {
      if (k < columns) store_packed(weights, to);
    } else {
      float single[8];
      vstore8(weights, 0, single);
      for (uint i = 0; i < 8 && k + i < columns; ++i) vstore_half_rte(single[i], i, to);
    }
  }
}
