// SwiGLU: out[t][i] = silu(gate[t][i]) up[t][i], silu(g) = g / (1 + exp(-g)), i in [0, width); f16 in and out, f32 inside.
// gate and up begin at gate_first and up_first of rows that are `row` elements apart: tensors of their own, or parts of one.
// One element per work-item (i, t): 6 bytes. Precondition: the global size covers width x tokens.
__kernel void swiglu_f16_reference(__global const half* gate, __global const half* up, __global half* out, uint width,
                                   uint gate_first, uint up_first, uint row) {
  const size_t i = get_global_id(0), t = get_global_id(1);
  if (i >= width) return;
  const float value = vload_half(gate_first + t * row + i, gate);
  vstore_half_rte(value / (1.0f + exp(-value)) * vload_half(up_first + t * row + i, up), t * width + i, out);
}
