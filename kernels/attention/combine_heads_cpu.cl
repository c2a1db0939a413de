// combine_heads (combine_heads_reference.cl) on the CPU family: work-item (head, token) takes each part's weight once.
// 4 splits (HEAD_DIM + 2) bytes read, 2 HEAD_DIM written; splits exponentials, splits HEAD_DIM fma, HEAD_DIM divisions.
#include "common/common.clh"
#if !defined(HEAD_DIM)
#error "HEAD_DIM is not defined: it comes from the extent of a launch"
#endif
#define WHOLE (HEAD_DIM / VECTOR_WIDTH * VECTOR_WIDTH)

CPU_KERNEL void combine_heads_f16_cpu(__global const float* restrict parts, __global half* restrict out, uint heads, uint splits) {
  const uint h = (uint)get_global_id(0), t = (uint)get_global_id(1);
  const size_t next = (size_t)heads * (HEAD_DIM + 2);
  __global const float* part = parts + t * splits * next + (size_t)h * (HEAD_DIM + 2);
  __global half* to = out + ((size_t)t * heads + h) * HEAD_DIM;
  float top = -MAXFLOAT, sum = 0.0f;
  for (uint split = 0; split < splits; ++split) top = fmax(top, part[split * next + HEAD_DIM + 1]);
  floatv mixed[WHOLE / VECTOR_WIDTH + 1];
  float rest[VECTOR_WIDTH];
  for (uint d = 0; d < WHOLE; d += VECTOR_WIDTH) mixed[d / VECTOR_WIDTH] = 0.0f;
  for (uint d = WHOLE; d < HEAD_DIM; ++d) rest[d - WHOLE] = 0.0f;
  for (uint split = 0; split < splits; ++split) {
    __global const float* one = part + split * next;
    const float weight = exp(one[HEAD_DIM + 1] - top);
    sum = fma(weight, one[HEAD_DIM], sum);
    for (uint d = 0; d < WHOLE; d += VECTOR_WIDTH) {
      mixed[d / VECTOR_WIDTH] = fma((floatv)(weight), LOAD_LOOSE(loose_floatv, one + d), mixed[d / VECTOR_WIDTH]);
    }
    for (uint d = WHOLE; d < HEAD_DIM; ++d) rest[d - WHOLE] = fma(weight, one[d], rest[d - WHOLE]);
  }
  for (uint d = 0; d < WHOLE; d += VECTOR_WIDTH) STORE_HALFV(mixed[d / VECTOR_WIDTH] / sum, to + d);
  for (uint d = WHOLE; d < HEAD_DIM; ++d) vstore_half_rte(rest[d - WHOLE] / sum, d, to);
}
