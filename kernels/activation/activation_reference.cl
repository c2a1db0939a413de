// SwiGLU: out[i] = silu(gate[i]) up[i], silu(g) = g / (1 + exp(-g)), i in [0, count); f16 in and out, f32 inside.
// One element per work-item: 6 bytes. Precondition: the global size covers count.
__kernel void swiglu_f16_reference(__global const half* gate, __global const half* up, __global half* out, uint count) {
  const size_t i = get_global_id(0);
  if (i >= count) return;
  const float value = vload_half(i, gate);
  vstore_half_rte(value / (1.0f + exp(-value)) * vload_half(i, up), i, out);
}
