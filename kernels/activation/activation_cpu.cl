// SwiGLU as in activation_reference.cl: out[t][i] = silu(gate[t][i]) up[t][i]; f16 in and out, f32 inside.
// Work-item (n, t) has CHUNK elements of a row (a multiple of VECTOR_WIDTH) in full vectors: 6 bytes per element.
#include "common/common.clh"

CPU_KERNEL void swiglu_f16_cpu(__global const half* restrict gate, __global const half* restrict up,
                               __global half* restrict out, uint width, uint gate_first, uint up_first, uint row) {
  const size_t t = get_global_id(1);
  __global const half* gates = gate + gate_first + t * row;
  __global const half* ups = up + up_first + t * row;
  __global half* to = out + t * width;
  size_t i = get_global_id(0) * CHUNK;
  const size_t end = min(i + CHUNK, (size_t)width);
  for (; i + VECTOR_WIDTH <= end; i += VECTOR_WIDTH) {
    const floatv value = LOAD_HALFV(gates + i);
    STORE_HALFV(value / (1.0f + exp(-value)) * LOAD_HALFV(ups + i), to + i);
  }
  for (; i < end; ++i) {
    const float value = vload_half(i, gates);
    vstore_half_rte(value / (1.0f + exp(-value)) * vload_half(i, ups), i, to);
  }
}
