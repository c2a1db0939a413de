// x[i] = f16(x[i] + y[i]), i in [0, count), the sum rounded to f32 and then to f16.
// One element per work-item: 4 bytes read, 2 written. Precondition: the global size covers count.
__kernel void residual_add_f16_reference(__global half* x, __global const half* y, uint count) {
  const size_t i = get_global_id(0);
  if (i < count) vstore_half_rte(vload_half(i, x) + vload_half(i, y), i, x);
}
