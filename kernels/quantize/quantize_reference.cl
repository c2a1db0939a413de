// Quantizers, one row, token or group per work-item in the plainest form. All scales and codes have the same bits in
// every family and on the host (see common.clh): q = clamp(rint(w r)), r = the float nearest to 1 / s.
//   quantize_f16_i8          activations: token t, s = max |x| / 127 (f32), codes [tokens][columns].
//   quantize_f16_i8_inliers  the same of the columns whose mask is 0xFFFF; the others (mask 0) do not count and get code 0.
//   quantize_f16_e4m3        activations: token t, s = min(max |x|, 1200) / 448 (f32), codes of e4m3(x r) [tokens][columns].
//   quantize_f16_i8_sums     the same and sums[token][group] = sum of the codes of each group of GROUP columns.
//   quantize_weights_f16_i8  row r, s = f16(max |w| / 127), |q| <= 127.
//   quantize_weights_f16_i4  work-item (g, r): group g of row r: s = f16((high - low) / 15), z = clamp(rint(-low / s)),
//                            q = clamp(rint(w / s) + z, 0, 15), low = min(0, min w), high = max(0, max w); column 2b in
//                            the low and 2b + 1 in the high nibble of byte b.
// Bytes: the bound buffers once. Preconditions: finite input, GROUP even.
#include "common/common.clh"

static inline float largest_magnitude(__global const half* row, uint columns) {
  float top = 0.0f;
  for (uint k = 0; k < columns; ++k) {
    const float magnitude = fabs(vload_half(k, row));
    if (magnitude > top) top = magnitude;
  }
  return top;
}

__kernel void quantize_f16_i8_reference(__global const half* x, __global char* codes, __global float* scales, uint columns,
                                        uint tokens) {
  const size_t t = get_global_id(0);
  if (t >= tokens) return;
  __global const half* row = x + t * columns;
  const float top = largest_magnitude(row, columns);
  const float inverse = activation_inverse(top);
  for (uint k = 0; k < columns; ++k) codes[t * columns + k] = (char)round_product(vload_half(k, row), inverse);
  scales[t] = activation_scale(top);
}

/// Column k of a row, 0 for an outlier.
static inline float inlier(__global const half* row, __global const ushort* mask, uint k) {
  const ushort bits = ((__global const ushort*)row)[k] & mask[k];
  return vload_half(0, (const half*)&bits);
}

__kernel void quantize_f16_i8_inliers_reference(__global const half* x, __global const ushort* mask, __global char* codes,
                                                __global float* scales, uint columns, uint tokens) {
  const size_t t = get_global_id(0);
  if (t >= tokens) return;
  __global const half* row = x + t * columns;
  float top = 0.0f;
  for (uint k = 0; k < columns; ++k) top = max(top, fabs(inlier(row, mask, k)));
  const float inverse = activation_inverse(top);
  for (uint k = 0; k < columns; ++k) codes[t * columns + k] = (char)round_product(inlier(row, mask, k), inverse);
  scales[t] = activation_scale(top);
}

DEFINE_E4M3_CODES(e4m3_code, )

__kernel void quantize_f16_e4m3_reference(__global const half* x, __global uchar* codes, __global float* scales,
                                          uint columns, uint tokens) {
  const size_t t = get_global_id(0);
  if (t >= tokens) return;
  __global const half* row = x + t * columns;
  const float top = largest_magnitude(row, columns);
  const float inverse = e4m3_inverse(top);
  for (uint k = 0; k < columns; ++k) codes[t * columns + k] = (uchar)e4m3_code(vload_half(k, row) * inverse);
  scales[t] = e4m3_scale(top);
}

__kernel void quantize_f16_i8_sums_reference(__global const half* x, __global char* codes, __global float* scales,
                                             __global int* sums, uint columns, uint tokens) {
  const size_t t = get_global_id(0);
  if (t >= tokens) return;
  __global const half* row = x + t * columns;
  const float top = largest_magnitude(row, columns);
  const float inverse = activation_inverse(top);
  const uint groups = (columns + GROUP - 1) / GROUP;
  for (uint g = 0; g < groups; ++g) {
    int sum = 0;
    for (uint k = g * GROUP; k < min((g + 1) * GROUP, columns); ++k) {
      const int code = round_product(vload_half(k, row), inverse);
      codes[t * columns + k] = (char)code;
      sum += code;
    }
    sums[t * groups + g] = sum;
  }
  scales[t] = activation_scale(top);
}

__kernel void quantize_weights_f16_i8_reference(__global const half* in, __global char* codes, __global half* scales,
                                                uint rows, uint columns) {
  const size_t r = get_global_id(0);
  if (r >= rows) return;
  __global const half* row = in + r * columns;
  const float scale = int8_weight_scale(largest_magnitude(row, columns));
  const float inverse = exact_reciprocal(scale);
  for (uint k = 0; k < columns; ++k) {
    codes[r * columns + k] = (char)clamp(round_product(vload_half(k, row), inverse), -127, 127);
  }
  vstore_half_rte(scale, r, scales);
}

__kernel void quantize_weights_f16_i4_reference(__global const half* in, __global uchar* codes, __global half* scales,
                                                __global half* zeros, uint rows, uint columns) {
  const uint g = (uint)get_global_id(0);
  const size_t r = get_global_id(1);
  const uint groups = (columns + GROUP - 1) / GROUP;
  if (g >= groups || r >= rows) return;
  __global const half* row = in + r * columns;
  const uint end = min((g + 1) * GROUP, columns);
  float low = 0.0f, high = 0.0f;
  for (uint k = g * GROUP; k < end; ++k) {
    const float value = vload_half(k, row);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const float scale = int4_weight_scale(low, high);
  const float inverse = exact_reciprocal(scale);
  const int zero = int4_zero_point(low, inverse);
  __global uchar* to = codes + r * ((columns + 1) / 2);
  for (uint k = g * GROUP; k < end; k += 2) {
    int code = clamp(round_product(vload_half(k, row), inverse) + zero, 0, 15);
    if (k + 1 < end) code |= clamp(round_product(vload_half(k + 1, row), inverse) + zero, 0, 15) << 4;
    to[k / 2] = (uchar)code;
  }
  vstore_half_rte(scale, r * groups + g, scales);
  vstore_half_rte((float)zero, r * groups + g, zeros);
}
