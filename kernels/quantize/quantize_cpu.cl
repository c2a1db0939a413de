// Quantizers of the CPU family: full-width vectors, one row, token or panel per work-item. Formulas and preconditions as
// in quantize_reference.cl, bit for bit. The largest magnitude is an integer maximum of the f16 bit patterns without
// their sign (monotonic for finite values): exact, and fmax() with its NaN handling is slow in PoCL.
// While a row, by then in the cache, is turned into codes, the next one is prefetched.
//   quantize_f16_i8          codes [tokens][columns].
//   quantize_f16_i8_inliers, quantize_f16_i8_inliers_panels   the same two of the columns whose mask is not 0.
//   quantize_f16_i8_panels   codes in panels (common/panels.clh), missing tokens 0 (scale 1).
//                            Work-item p: panel p.
//   quantize_f16_i8_nibbles  codes in the order in which gemv_i4_i8_cpu meets the nibbles: per block of 4 LANES16
//                            columns, [block][j][lane] = code of column 4 lane + j, columns padded with zeros to whole
//                            groups; sums[token][group].
//   quantize_f16_e4m3, quantize_f16_e4m3_panels   e4m3 codes in the order of quantize_f16_i8 and of its panels.
//   quantize_weights_f16_i8, quantize_weights_f16_i4   work-item r: row r.
// GROUP: columns per int4 group; LANES16: 16-bit lanes per vector of gemv_i4_i8_cpu.
#include "common/common.clh"
#include "common/panels.clh"

/// The bits of 16 columns, or of one; `mask`: that of the outliers' columns, or null.
static inline ushort16 load_bits16(__global const half* row, __global const ushort* mask, uint k) {
  const ushort16 bits = LOAD_LOOSE(loose_ushort16, (__global const ushort*)row + k);
  return mask ? bits & LOAD_LOOSE(loose_ushort16, mask + k) : bits;
}
static inline ushort load_bits(__global const half* row, __global const ushort* mask, uint k) {
  const ushort bits = ((__global const ushort*)row)[k];
  return mask ? bits & mask[k] : bits;
}

static inline float largest_magnitude(__global const half* row, __global const ushort* mask, uint columns) {
  ushort16 best = 0;
  uint k = 0;
  for (; k + 16 <= columns; k += 16) best = max(best, load_bits16(row, mask, k) & (ushort16)(0x7FFF));
  const ushort8 best8 = max(best.lo, best.hi);
  const ushort4 best4 = max(best8.lo, best8.hi);
  const ushort2 best2 = max(best4.lo, best4.hi);
  ushort top = max(best2.x, best2.y);
  for (; k < columns; ++k) top = max(top, (ushort)(load_bits(row, mask, k) & 0x7FFF));
  return vload_half(0, (const half*)&top);
}

/// Codes of 16 columns, or of one.
static inline char16 codes16(__global const half* row, __global const ushort* mask, uint k, float inverse) {
  const ushort16 bits = load_bits16(row, mask, k);
  return convert_char16(round_product16(vload_half16(0, (const half*)&bits), inverse));
}
static inline char code(__global const half* row, __global const ushort* mask, uint k, float inverse) {
  const ushort bits = load_bits(row, mask, k);
  return (char)round_product(vload_half(0, (const half*)&bits), inverse);
}

static inline void quantize_token(__global const half* x, __global const ushort* mask, __global char* codes,
                                  __global float* scales, uint columns, uint tokens) {
  const size_t t = get_global_id(0);
  if (t >= tokens) return;
  __global const half* row = x + t * columns;
  __global char* to = codes + t * columns;
  const float top = largest_magnitude(row, mask, columns);
  const float inverse = activation_inverse(top);
  uint k = 0;
  for (; k + 16 <= columns; k += 16) {
    PREFETCH((size_t)(row + columns + k));
    STORE_LOOSE(loose_char16, codes16(row, mask, k, inverse), to + k);
  }
  for (; k < columns; ++k) to[k] = code(row, mask, k, inverse);
  scales[t] = activation_scale(top);
}

CPU_KERNEL void quantize_f16_i8_cpu(__global const half* restrict x, __global char* restrict codes,
                                    __global float* restrict scales, uint columns, uint tokens) {
  quantize_token(x, 0, codes, scales, columns, tokens);
}
CPU_KERNEL void quantize_f16_i8_inliers_cpu(__global const half* restrict x, __global const ushort* restrict mask,
                                            __global char* restrict codes, __global float* restrict scales, uint columns,
                                            uint tokens) {
  quantize_token(x, mask, codes, scales, columns, tokens);
}

static inline void quantize_panel(__global const half* x, __global const ushort* mask, __global char* codes,
                                  __global float* scales, uint columns, uint tokens) {
  const uint first_token = (uint)get_global_id(0) * PANEL_TOKENS;
  __global char* panel = codes + (size_t)first_token * columns;
  for (uint t = 0; t < PANEL_TOKENS; ++t) {
    if (first_token + t >= tokens) {
      for (uint k = 0; k < columns; ++k) panel[(size_t)k * PANEL_TOKENS + t] = 0;
      continue;
    }
    __global const half* row = x + (size_t)(first_token + t) * columns;
    const float top = largest_magnitude(row, mask, columns);
    const float inverse = activation_inverse(top);
    uint k = 0;
    for (; k + 16 <= columns; k += 16) {
      char part[16];
      vstore16(codes16(row, mask, k, inverse), 0, part);
      for (uint i = 0; i < 16; ++i) panel[(size_t)(k + i) * PANEL_TOKENS + t] = part[i];
    }
    for (; k < columns; ++k) panel[(size_t)k * PANEL_TOKENS + t] = code(row, mask, k, inverse);
    scales[first_token + t] = activation_scale(top);
  }
}

CPU_KERNEL void quantize_f16_i8_panels_cpu(__global const half* restrict x, __global char* restrict codes,
                                           __global float* restrict scales, uint columns, uint tokens) {
  quantize_panel(x, 0, codes, scales, columns, tokens);
}
CPU_KERNEL void quantize_f16_i8_inliers_panels_cpu(__global const half* restrict x, __global const ushort* restrict mask,
                                                   __global char* restrict codes, __global float* restrict scales,
                                                   uint columns, uint tokens) {
  quantize_panel(x, mask, codes, scales, columns, tokens);
}

CPU_KERNEL void quantize_f16_i8_nibbles_cpu(__global const half* restrict x, __global char* restrict codes,
                                         __global float* restrict scales, __global int* restrict sums, uint columns,
                                         uint tokens) {
  const size_t t = get_global_id(0);
  if (t >= tokens) return;
  __global const half* row = x + t * columns;
  const uint groups = (columns + GROUP - 1) / GROUP;
  const float top = largest_magnitude(row, 0, columns);
  const float inverse = activation_inverse(top);
  for (uint g = 0; g < groups; ++g) {
    __global char* to = codes + (t * groups + g) * GROUP;
    int16 sum = 0;
    for (uint i = 0; i < GROUP; i += 16) {
      const uint column = g * GROUP + i;
      float16 value = 0.0f;
      if (column + 16 <= columns) {
        value = load_halves16(row + column);
      } else {
        float tail[16] = {0.0f};
        for (uint j = 0; column + j < columns; ++j) tail[j] = vload_half(column + j, row);
        value = vload16(0, tail);
      }
      const int16 code = round_product16(value, inverse);
      sum += code;
      const char16 byte = convert_char16(code);
      __global char* block = to + i / (4 * LANES16) * (4 * LANES16) + i / 4 % LANES16;
      vstore4(byte.s048C, 0, block);
      vstore4(byte.s159D, 0, block + LANES16);
      vstore4(byte.s26AE, 0, block + 2 * LANES16);
      vstore4(byte.s37BF, 0, block + 3 * LANES16);
    }
    const int8 sum8i = sum.lo + sum.hi;
    const int4 sum4i = sum8i.lo + sum8i.hi;
    sums[t * groups + g] = sum4i.x + sum4i.y + sum4i.z + sum4i.w;
  }
  scales[t] = activation_scale(top);
}

CPU_KERNEL void quantize_weights_f16_i8_cpu(__global const half* restrict in, __global char* restrict codes,
                                            __global half* restrict scales, uint rows, uint columns) {
  const size_t r = get_global_id(0);
  if (r >= rows) return;
  __global const half* row = in + r * columns;
  __global char* to = codes + r * columns;
  const float scale = int8_weight_scale(largest_magnitude(row, 0, columns));
  const float inverse = exact_reciprocal(scale);
  uint k = 0;
  for (; k + 16 <= columns; k += 16) {
    PREFETCH((size_t)(row + columns + k));
    const int16 code = round_product16(load_halves16(row + k), inverse);
    STORE_LOOSE(loose_char16, convert_char16(clamp(code, (int16)(-127), (int16)(127))), to + k);
  }
  for (; k < columns; ++k) to[k] = (char)clamp(round_product(vload_half(k, row), inverse), -127, 127);
  vstore_half_rte(scale, r, scales);
}

CPU_KERNEL void quantize_weights_f16_i4_cpu(__global const half* restrict in, __global uchar* restrict codes,
                                            __global half* restrict scales, __global half* restrict zeros, uint rows,
                                            uint columns) {
  const size_t r = get_global_id(0);
  if (r >= rows) return;
  const uint groups = (columns + GROUP - 1) / GROUP;
  __global const half* row = in + r * columns;
  __global uchar* to = codes + r * ((columns + 1) / 2);
  for (uint g = 0; g < groups; ++g) {
    const uint end = min((g + 1) * GROUP, columns);
    float16 low16 = 0.0f, high16 = 0.0f;
    uint k = g * GROUP;
    for (; k + 16 <= end; k += 16) {
      const float16 value = load_halves16(row + k);
      low16 = value < low16 ? value : low16;
      high16 = value > high16 ? value : high16;
    }
    float low = 0.0f, high = 0.0f;
    float part[32];
    vstore16(low16, 0, part);
    vstore16(high16, 1, part);
    for (uint i = 0; i < 16; ++i) {
      low = part[i] < low ? part[i] : low;
      high = part[16 + i] > high ? part[16 + i] : high;
    }
    for (; k < end; ++k) {
      const float value = vload_half(k, row);
      low = value < low ? value : low;
      high = value > high ? value : high;
    }
    const float scale = int4_weight_scale(low, high);
    const float inverse = exact_reciprocal(scale);
    const int zero = int4_zero_point(low, inverse);
    k = g * GROUP;
    for (; k + 16 <= end; k += 16) {
      const int16 code = round_product16(load_halves16(row + k), inverse) + zero;
      const uchar16 nibble = convert_uchar16(clamp(code, (int16)(0), (int16)(15)));
      vstore8(nibble.even | (nibble.odd << (uchar8)(4)), 0, to + k / 2);
    }
    for (; k < end; k += 2) {
      int code = clamp(round_product(vload_half(k, row), inverse) + zero, 0, 15);
      if (k + 1 < end) code |= clamp(round_product(vload_half(k + 1, row), inverse) + zero, 0, 15) << 4;
      to[k / 2] = (uchar)code;
    }
    vstore_half_rte(scale, r * groups + g, scales);
    vstore_half_rte((float)zero, r * groups + g, zeros);
  }
}

DEFINE_E4M3_CODES(e4m3_code, )
DEFINE_E4M3_CODES(e4m3_codes16, 16)

static inline uchar16 e4m3_16(__global const half* from, float inverse) {
  return convert_uchar16(e4m3_codes16(load_halves16(from) * inverse));
}

CPU_KERNEL void quantize_f16_e4m3_cpu(__global const half* restrict x, __global uchar* restrict codes,
                                      __global float* restrict scales, uint columns, uint tokens) {
  const size_t t = get_global_id(0);
  if (t >= tokens) return;
  __global const half* row = x + t * columns;
  __global uchar* to = codes + t * columns;
  const float top = largest_magnitude(row, 0, columns);
  const float inverse = e4m3_inverse(top);
  uint k = 0;
  for (; k + 16 <= columns; k += 16) {
    PREFETCH((size_t)(row + columns + k));
    STORE_LOOSE(loose_uchar16, e4m3_16(row + k, inverse), to + k);
  }
  for (; k < columns; ++k) to[k] = (uchar)e4m3_code(vload_half(k, row) * inverse);
  scales[t] = e4m3_scale(top);
}

CPU_KERNEL void quantize_f16_e4m3_panels_cpu(__global const half* restrict x, __global uchar* restrict codes,
                                             __global float* restrict scales, uint columns, uint tokens) {
  const uint first_token = (uint)get_global_id(0) * PANEL_TOKENS;
  __global uchar* panel = codes + (size_t)first_token * columns;
  for (uint t = 0; t < PANEL_TOKENS; ++t) {
    if (first_token + t >= tokens) {
      for (uint k = 0; k < columns; ++k) panel[(size_t)k * PANEL_TOKENS + t] = 0;
      continue;
    }
    __global const half* row = x + (size_t)(first_token + t) * columns;
    const float top = largest_magnitude(row, 0, columns);
    const float inverse = e4m3_inverse(top);
    uint k = 0;
    for (; k + 16 <= columns; k += 16) {
      uchar part[16];
      vstore16(e4m3_16(row + k, inverse), 0, part);
      for (uint i = 0; i < 16; ++i) panel[(size_t)(k + i) * PANEL_TOKENS + t] = part[i];
    }
    for (; k < columns; ++k) panel[(size_t)k * PANEL_TOKENS + t] = (uchar)e4m3_code(vload_half(k, row) * inverse);
    scales[first_token + t] = e4m3_scale(top);
  }
}
