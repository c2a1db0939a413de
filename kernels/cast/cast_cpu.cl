// Casts of the CPU family. CHUNK (elements per work-item) is a multiple of VECTOR_WIDTH, GROUP is the int4 group.
//   cast_f16_f32, cast_f32_f16   out[i] = in[i]; CHUNK elements per work-item, 6 bytes and 1 conversion per element.
//   cast_f16_f32_panels          x [tokens][columns] f16 -> f32 panels (common/panels.clh), missing tokens 0: the GEMM then
//                                reads a panel's tokens of a column as one cache line.
//                                Work-item (a, p): columns [a CHUNK, (a + 1) CHUNK) of panel p.
//   cast_f16_f32_nibbles         x [tokens][columns] f16 -> f32 in the order in which gemv_i4_f16_cpu meets the nibbles:
//                                for blocks of 8 LANES columns, out[block][j][lane] = x[8 lane + j] 16^-j (16^0 for
//                                j = 7), columns padded with zeros to whole groups; sums[token][group] = sum of x.
//                                Work-item (g, t): group g of token t.
//   cast_f16_i24_nibbles         x [tokens][columns] f16 -> block fixed point: per group of columns a power of two, in
//                                scales[token][group], of which x is an integer multiple |n| < 2^22, rounded to nearest,
//                                ties to even. n = d0 + 2^8 d1 + 2^16 d2, signed bytes, out[token][group][digit][place]
//                                for blocks of 4 LANES16 columns: the even columns, then the odd ones, columns padded
//                                with zeros to whole groups. sums[token][group] = sum of x. Exact for x of at least
//                                2^-11 of the group's largest, else off by at most 2^-22 of that. A group that is not
//                                finite gets the scale NaN. Work-item (g, t): group g of token t.
// LANES: 32-bit lanes per vector of gemv_i4_f16_cpu; LANES16: 16-bit lanes of gemv_i4_i24_cpu.
#include "common/common.clh"
#include "common/digits.clh"
#include "common/panels.clh"

CPU_KERNEL void cast_f16_f32_cpu(__global const half* restrict in, __global float* restrict out, uint count) {
  size_t i = get_global_id(0) * CHUNK;
  const size_t end = min(i + CHUNK, (size_t)count);
  for (; i + VECTOR_WIDTH <= end; i += VECTOR_WIDTH) STORE_FLOATV(LOAD_HALFV(in + i), out + i);
  for (; i < end; ++i) out[i] = vload_half(i, in);
}

CPU_KERNEL void cast_f32_f16_cpu(__global const float* restrict in, __global half* restrict out, uint count) {
  size_t i = get_global_id(0) * CHUNK;
  const size_t end = min(i + CHUNK, (size_t)count);
  for (; i + VECTOR_WIDTH <= end; i += VECTOR_WIDTH) STORE_HALFV(LOAD_FLOATV(in + i), out + i);
  for (; i < end; ++i) vstore_half_rte(in[i], i, out);
}

CPU_KERNEL void cast_f16_f32_panels_cpu(__global const half* restrict x, __global float* restrict out, uint columns,
                                        uint tokens) {
  const uint first_token = (uint)get_global_id(1) * PANEL_TOKENS;
  const uint first = (uint)get_global_id(0) * CHUNK;
  const uint end = min(first + CHUNK, columns);
  __global float* panel = out + (size_t)first_token * columns;
  for (uint t = 0; t < PANEL_TOKENS; ++t) {
    if (first_token + t >= tokens) {
      for (uint k = first; k < end; ++k) panel[(size_t)k * PANEL_TOKENS + t] = 0.0f;
      continue;
    }
    __global const half* row = x + (size_t)(first_token + t) * columns;
    uint k = first;
    for (; k + 8 <= end; k += 8) {
      const float8 value = load_halves8(row + k);
      __global float* to = panel + (size_t)k * PANEL_TOKENS + t;
      to[0] = value.s0;
      to[PANEL_TOKENS] = value.s1;
      to[2 * PANEL_TOKENS] = value.s2;
      to[3 * PANEL_TOKENS] = value.s3;
      to[4 * PANEL_TOKENS] = value.s4;
      to[5 * PANEL_TOKENS] = value.s5;
      to[6 * PANEL_TOKENS] = value.s6;
      to[7 * PANEL_TOKENS] = value.s7;
    }
    for (; k < end; ++k) panel[(size_t)k * PANEL_TOKENS + t] = vload_half(k, row);
  }
}

/// Columns column .. column + 7 of a row, 0 beyond the last.
static inline float8 load_padded(__global const half* row, uint column, uint columns) {
  if (column + 8 <= columns) return load_halves8(row + column);
  float tail[8] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
  for (uint j = 0; column + j < columns; ++j) tail[j] = vload_half(column + j, row);
  return vload8(0, tail);
}

CPU_KERNEL void cast_f16_f32_nibbles_cpu(__global const half* restrict x, __global float* restrict out,
                                         __global float* restrict sums, uint columns, uint tokens) {
  const uint group = (uint)get_global_id(0);
  const uint token = (uint)get_global_id(1);
  const uint groups = (columns + GROUP - 1) / GROUP;
  if (group >= groups || token >= tokens) return;
  __global const half* row = x + (size_t)token * columns;
  __global float* to = out + ((size_t)token * groups + group) * GROUP;
  const float8 weight = (float8)(1.0f, 0x1p-4f, 0x1p-8f, 0x1p-12f, 0x1p-16f, 0x1p-20f, 0x1p-24f, 1.0f);
  float8 sum = 0.0f;
  for (uint i = 0; i < GROUP; i += 8) {
    float8 value = load_padded(row, group * GROUP + i, columns);
    sum += value;
    value *= weight;
    __global float* lane = to + i / (8 * LANES) * (8 * LANES) + i / 8 % LANES;
    lane[0] = value.s0;
    lane[LANES] = value.s1;
    lane[2 * LANES] = value.s2;
    lane[3 * LANES] = value.s3;
    lane[4 * LANES] = value.s4;
    lane[5 * LANES] = value.s5;
    lane[6 * LANES] = value.s6;
    lane[7 * LANES] = value.s7;
  }
  sums[(size_t)token * groups + group] = sum8(sum);
}

CPU_KERNEL void cast_f16_i24_nibbles_cpu(__global const half* restrict x, __global char* restrict out,
                                         __global float* restrict scales, __global float* restrict sums, uint columns,
                                         uint tokens) {
  const uint group = (uint)get_global_id(0);
  const uint token = (uint)get_global_id(1);
  const uint groups = (columns + GROUP - 1) / GROUP;
  if (group >= groups || token >= tokens) return;
  __global const half* row = x + (size_t)token * columns;
  const size_t at = (size_t)token * groups + group;
  __global char* to = out + at * GROUP * DIGITS;
  float value[GROUP];
  uint8 most = 0u;  // magnitudes compare like their bits, and NaN is above all
  for (uint i = 0; i < GROUP; i += 8) {
    const float8 part = load_padded(row, group * GROUP + i, columns);
    most = max(most, as_uint8(part) & 0x7FFFFFFFu);
    vstore8(part, 0, value + i);
  }
  const uint4 half_most = max(most.lo, most.hi);
  const uint top = max(max(half_most.x, half_most.y), max(half_most.z, half_most.w));
  const uint exponent = top > 0u ? top >> 23 : 127u;  // 103 to 142, 255 for what is not finite
  const bool finite = exponent < 255u;
  const float scale = finite ? as_float((exponent - 21u) << 23) : NAN;
  const float inverse = finite ? as_float((254u + 21u - exponent) << 23) : 0.0f;
  int16 sum = 0;
  for (uint i = 0; i < GROUP; i += 16) {
    int16 n = round_product16(vload16(0, value + i), inverse);
    sum += n;
    _Pragma("unroll") for (uint digit = 0; digit < DIGITS; ++digit) {
      const int16 low = (n << 24) >> 24;
      const char16 bytes = convert_char16(low);
      __global char* place = to + digit * GROUP + i / (4 * LANES16) * (4 * LANES16) + i % (4 * LANES16) / 2;
      STORE_LOOSE(loose_char8, bytes.even, place);
      STORE_LOOSE(loose_char8, bytes.odd, place + 2 * LANES16);
      n = (n - low) >> 8;
    }
  }
  const int8 part = sum.lo + sum.hi;
  const int4 quarter = part.lo + part.hi;
  scales[at] = scale;
  sums[at] = (float)(quarter.x + quarter.y + quarter.z + quarter.w) * scale;
}
