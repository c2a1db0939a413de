// Codes back to f16, one element per work-item (k, r): out[r][k].
//   dequantize_i8_f16    f16(s_r q)                 the product is exact in f32: one rounding, the host's bits
//   dequantize_i4_f16    f16(s_rg (q - z_rg))       likewise exact; g = k / GROUP
//   dequantize_i32_f16   y[t][r] = f16(acc[t][r] s_r u_t), (acc s_r) u_t rounded to f32 twice; work-item (r, t)
//   dequantize_i32_add_f16   y[t][r] = f16(fma(acc[t][r] s_r, u_t, p[t][r])), p the f16 products of the outliers' columns
// Bytes: the bound buffers once. Precondition: the global size covers the matrix.
__kernel void dequantize_i8_f16_reference(__global const char* codes, __global const half* scales, __global half* out,
                                          uint rows, uint columns) {
  const size_t k = get_global_id(0), r = get_global_id(1);
  if (k >= columns || r >= rows) return;
  vstore_half_rte((float)codes[r * columns + k] * vload_half(r, scales), r * columns + k, out);
}

__kernel void dequantize_i4_f16_reference(__global const uchar* codes, __global const half* scales,
                                          __global const half* zeros, __global half* out, uint rows, uint columns) {
  const size_t k = get_global_id(0), r = get_global_id(1);
  if (k >= columns || r >= rows) return;
  const size_t group = r * ((columns + GROUP - 1) / GROUP) + k / GROUP;
  const uint code = (codes[r * ((columns + 1) / 2) + k / 2] >> (k % 2 * 4)) & 15u;
  vstore_half_rte(((float)code - vload_half(group, zeros)) * vload_half(group, scales), r * columns + k, out);
}

__kernel void dequantize_i32_f16_reference(__global const int* acc, __global const half* row_scales,
                                           __global const float* token_scales, __global half* y, uint rows, uint tokens) {
  const size_t r = get_global_id(0), t = get_global_id(1);
  if (r >= rows || t >= tokens) return;
  vstore_half_rte((float)acc[t * rows + r] * vload_half(r, row_scales) * token_scales[t], t * rows + r, y);
}

__kernel void dequantize_i32_add_f16_reference(__global const int* acc, __global const half* row_scales,
                                               __global const float* token_scales, __global const half* products,
                                               __global half* y, uint rows, uint tokens) {
  const size_t r = get_global_id(0), t = get_global_id(1);
  if (r >= rows || t >= tokens) return;
  const size_t at = t * rows + r;
  const float sum = fma((float)acc[at] * vload_half(r, row_scales), token_scales[t], vload_half(at, products));
  vstore_half_rte(sum, at, y);
}
