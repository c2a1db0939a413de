// x[i] = f16(x[i] + y[i]), i in [0, count), the sum rounded to f32 and then to f16.
// CHUNK elements per work-item (a multiple of VECTOR_WIDTH) in full vectors: 4 bytes read, 2 written per element.
#include "common/common.clh"

CPU_KERNEL void residual_add_f16_cpu(__global half* restrict x, __global const half* restrict y, uint count) {
  size_t i = get_global_id(0) * CHUNK;
  const size_t end = min(i + CHUNK, (size_t)count);
  for (; i + VECTOR_WIDTH <= end; i += VECTOR_WIDTH) STORE_HALFV(LOAD_HALFV(x + i) + LOAD_HALFV(y + i), x + i);
  for (; i < end; ++i) vstore_half_rte(vload_half(i, x) + vload_half(i, y), i, x);
}
