// SwiGLU: out[i] = silu(gate[i]) up[i], silu(g) = g / (1 + exp(-g)), i in [0, count); f16 in and out, f32 inside.
// CHUNK elements per work-item (a multiple of VECTOR_WIDTH) in full vectors: 6 bytes per element.
#include "common/common.clh"

CPU_KERNEL void swiglu_f16_cpu(__global const half* restrict gate, __global const half* restrict up,
                               __global half* restrict out, uint count) {
  size_t i = get_global_id(0) * CHUNK;
  const size_t end = min(i + CHUNK, (size_t)count);
  for (; i + VECTOR_WIDTH <= end; i += VECTOR_WIDTH) {
    const floatv value = LOAD_HALFV(gate + i);
    STORE_HALFV(value / (1.0f + exp(-value)) * LOAD_HALFV(up + i), out + i);
  }
  for (; i < end; ++i) {
    const float value = vload_half(i, gate);
    vstore_half_rte(value / (1.0f + exp(-value)) * vload_half(i, up), i, out);
  }
}
