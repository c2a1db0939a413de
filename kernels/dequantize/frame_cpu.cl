// Codes of a format (format/format.clh) back to f16 on the CPU family: work-item r makes row r in full-width vectors and
// stores. Formula and bits as in frame_reference.cl. Per weight: its bytes of the format and 2, 1 multiplication or fma.
// Weights of STREAM_BYTES or more are stored past the caches (common/streaming.clh).
#define CPU_FAMILY
#include "common/common.clh"
#include "common/streaming.clh"
#include "format/format.clh"

CPU_KERNEL void FRAME_ENTRY(dequantize_, cpu)(FORMAT_PARTS, __global half* restrict out, uint rows, uint columns) {
  const uint r = (uint)get_global_id(0);
  if (r >= rows) return;
  size_t at = (size_t)r * steps_of(columns);
  __global half* to = out + (size_t)r * columns;
  uint k = 0;
#define STORE_STEPS(STORE)                                                                      \
  for (; k + 32 <= columns; k += 32, ++at) {                                                    \
    const Codes codes_of_step = unpack(FORMAT_ARGUMENTS, at);                                   \
    const Affine low = affine_of(FORMAT_ARGUMENTS, r, at, 0);                                   \
    const Affine high = FORMAT_HALVES == 2 ? affine_of(FORMAT_ARGUMENTS, r, at, 1) : low;       \
    STORE(half16_bits(WEIGHT(float16, codes_of_step.low, low)), to + k);                                 \
    STORE(half16_bits(WEIGHT(float16, codes_of_step.high, high)), to + k + 16);                          \
  }
  if (streams(out, rows, columns)) {
    STORE_STEPS(STORE_STREAM)
  } else {
    STORE_STEPS(STORE_CACHED)
  }
#undef STORE_STEPS
  for (; k < columns; ++k) {
    const Affine affine = affine_of(FORMAT_ARGUMENTS, r, at, k % 32 / 16);
    vstore_half_rte(WEIGHT(float, code_of(FORMAT_ARGUMENTS, at, k % 32), affine), k, to);
  }
}
