// x[t][i] = f16(x[t][i] + bias[i]), the sum rounded to f32 and then to f16; all families.
// Work-item (i, t): 4 bytes read, 2 written. Precondition: the global size covers width x tokens.
__kernel void add_bias_f16_reference(__global half* x, __global const half* bias, uint width) {
  const size_t i = get_global_id(0), t = get_global_id(1);
  if (i < width) vstore_half_rte(vload_half(t * width + i, x) + vload_half(i, bias), t * width + i, x);
}
