// y[t][r] = sum_k w[r][k] x[t][k] in the plainest form: one result per work-item (r, t), one product after the other.
//   formats  weights                         activations                     result
//   f16_f16  f16 [rows][columns]             f16 [tokens][columns]           f16
//   i8_f16   int8 codes, f16 scale per row   f16                             f16, scale at the end
//   i8_i8    int8 codes                      int8 codes                      int32, exact; scaled by dequantize_i32_f16
//   i4_f16   int4 codes, f16 scale and zero  f16                             f16, w = s (q - z) is exact in f32
//            point per row and group
//   i4_i8    int4 codes likewise             int8 codes, f32 scale a token,  f16, sum_g s (dot_g - z sums_g), dot in int32,
//                                            int32 sums per token and group  token scale at the end
// All sums in f32 but for the integer ones. GROUP: columns per int4 group. Bytes: the bound buffers once; rows x columns x
// tokens multiply-adds. Precondition: the global size covers rows x tokens.

static inline int int4_code(__global const uchar* row, uint k) { return (row[k / 2] >> (k % 2 * 4)) & 15; }

__kernel void matmul_f16_f16_reference(__global const half* weights, __global const half* x, __global half* y, uint rows,
                                       uint columns, uint tokens) {
  const size_t r = get_global_id(0), t = get_global_id(1);
  if (r >= rows || t >= tokens) return;
  float sum = 0.0f;
  for (uint k = 0; k < columns; ++k) sum = fma(vload_half(r * columns + k, weights), vload_half(t * columns + k, x), sum);
  vstore_half_rte(sum, t * rows + r, y);
}

__kernel void matmul_i8_f16_reference(__global const char* codes, __global const half* scales, __global const half* x,
                                      __global half* y, uint rows, uint columns, uint tokens) {
  const size_t r = get_global_id(0), t = get_global_id(1);
  if (r >= rows || t >= tokens) return;
  float sum = 0.0f;
  for (uint k = 0; k < columns; ++k) sum = fma((float)codes[r * columns + k], vload_half(t * columns + k, x), sum);
  vstore_half_rte(sum * vload_half(r, scales), t * rows + r, y);
}

__kernel void matmul_i8_i8_reference(__global const char* codes, __global const char* x, __global int* acc, uint rows,
                                     uint columns, uint tokens) {
  const size_t r = get_global_id(0), t = get_global_id(1);
  if (r >= rows || t >= tokens) return;
  int sum = 0;
  for (uint k = 0; k < columns; ++k) sum += (int)codes[r * columns + k] * (int)x[t * columns + k];
  acc[t * rows + r] = sum;
}

__kernel void matmul_i4_f16_reference(__global const uchar* codes, __global const half* scales, __global const half* zeros,
                                      __global const half* x, __global half* y, uint rows, uint columns, uint tokens) {
  const size_t r = get_global_id(0), t = get_global_id(1);
  if (r >= rows || t >= tokens) return;
  const uint groups = (columns + GROUP - 1) / GROUP;
  __global const uchar* row = codes + r * ((columns + 1) / 2);
  float sum = 0.0f;
  for (uint k = 0; k < columns; ++k) {
    const size_t group = r * groups + k / GROUP;
    const float weight = ((float)int4_code(row, k) - vload_half(group, zeros)) * vload_half(group, scales);
    sum = fma(weight, vload_half(t * columns + k, x), sum);
  }
  vstore_half_rte(sum, t * rows + r, y);
}

__kernel void matmul_i4_i8_reference(__global const uchar* codes, __global const half* scales, __global const half* zeros,
                                     __global const char* x, __global const float* token_scales, __global const int* sums,
                                     __global half* y, uint rows, uint columns, uint tokens) {
  const size_t r = get_global_id(0), t = get_global_id(1);
  if (r >= rows || t >= tokens) return;
  const uint groups = (columns + GROUP - 1) / GROUP;
  __global const uchar* row = codes + r * ((columns + 1) / 2);
  float sum = 0.0f;
  for (uint g = 0; g < groups; ++g) {
    int dot_g = 0;
    for (uint k = g * GROUP; k < min((g + 1) * GROUP, columns); ++k) dot_g += int4_code(row, k) * (int)x[t * columns + k];
    dot_g -= (int)vload_half(r * groups + g, zeros) * sums[t * groups + g];
    sum = fma((float)dot_g, vload_half(r * groups + g, scales), sum);
  }
  vstore_half_rte(sum * token_scales[t], t * rows + r, y);
}
