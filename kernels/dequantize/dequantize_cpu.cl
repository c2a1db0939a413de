// Codes back to f16 on the CPU family: one row per work-item, full-width vectors and stores. Formulas as in
// dequantize_reference.cl, bit for bit. Per weight: 3 bytes (int8) or 2.5 + 4/GROUP bytes (int4), 1 multiplication.
//   dequantize_i8_f16, dequantize_i4_f16   work-item r: row r.
//   dequantize_i32_f16                     work-item (c, t): rows [c CHUNK, (c + 1) CHUNK) of token t; 8 bytes a result.
//   dequantize_i32_add_f16                 likewise; 10 bytes a result.
// Weights of STREAM_BYTES or more (the last-level cache) are stored past the caches: a plain store reads its line first.
#include "common/common.clh"
#include "common/streaming.clh"

CPU_KERNEL void dequantize_i8_f16_cpu(__global const char* restrict codes, __global const half* restrict scales,
                                      __global half* restrict out, uint rows, uint columns) {
  const size_t r = get_global_id(0);
  if (r >= rows) return;
  const float scale = vload_half(r, scales);
  __global const char* row = codes + r * columns;
  __global half* to = out + r * columns;
  uint k = 0;
#define SCALE_CODES(STORE)                                                             \
  for (; k + 16 <= columns; k += 16) {                                                 \
    const float16 value = convert_float16(LOAD_LOOSE(loose_char16, row + k)) * scale;  \
    STORE(half16_bits(value), to + k);                                                 \
  }
  if (streams(out, rows, columns)) {
    SCALE_CODES(STORE_STREAM)
  } else {
    SCALE_CODES(STORE_CACHED)
  }
#undef SCALE_CODES
  for (; k < columns; ++k) vstore_half_rte((float)row[k] * scale, k, to);
}

// s (q - z) = fma(q, s, -s z): both products and the result are exact in f32, so the one rounding is that to f16.
CPU_KERNEL void dequantize_i4_f16_cpu(__global const uchar* restrict codes, __global const half* restrict scales,
                                      __global const half* restrict zeros, __global half* restrict out, uint rows,
                                      uint columns) {
  const size_t r = get_global_id(0);
  if (r >= rows) return;
  const uint groups = (columns + GROUP - 1) / GROUP;
  __global const uchar* row = codes + r * ((columns + 1) / 2);
  __global ushort* to = (__global ushort*)out + r * columns;
  const bool stream = streams(out, rows, columns);
  for (uint g0 = 0; g0 < groups; g0 += SCALE_BLOCK) {
    float scale[SCALE_BLOCK], shift[SCALE_BLOCK];
    const float8 s = load_scales(scales + r * groups + g0, groups - g0);
    vstore8(s, 0, scale);
    vstore8(s * load_scales(zeros + r * groups + g0, groups - g0), 0, shift);
    for (uint g = g0; g < min(g0 + SCALE_BLOCK, groups); ++g) {
      const float8 factor = scale[g - g0], minus = -shift[g - g0];
      const uint end = min((g + 1) * GROUP, columns);
      uint k = g * GROUP;
#define SCALE_CODES(STORE)                                                                            \
  for (; k + 16 <= end; k += 16) {                                                                    \
    const uint8 pair = convert_uint8(vload8(0, row + k / 2));                                         \
    const ushort8 low = half_bits(fma(convert_float8(as_int8(pair & 15u)), factor, minus));           \
    const ushort8 high = half_bits(fma(convert_float8(as_int8(pair >> 4)), factor, minus));           \
    STORE((ushort16)(low.s0, high.s0, low.s1, high.s1, low.s2, high.s2, low.s3, high.s3,              \
                     low.s4, high.s4, low.s5, high.s5, low.s6, high.s6, low.s7, high.s7), to + k);    \
  }
      if (stream) {
        SCALE_CODES(STORE_STREAM)
      } else {
        SCALE_CODES(STORE_CACHED)
      }
#undef SCALE_CODES
      for (; k < end; ++k) {
        const uint code = (row[k / 2] >> (k % 2 * 4)) & 15u;
        vstore_half_rte(fma((float)code, factor.s0, minus.s0), r * columns + k, out);
      }
    }
  }
}

CPU_KERNEL void dequantize_i32_f16_cpu(__global const int* restrict acc, __global const half* restrict row_scales,
                                       __global const float* restrict token_scales, __global half* restrict y, uint rows,
                                       uint tokens) {
  const size_t t = get_global_id(1);
  if (t >= tokens) return;
  const float token_scale = token_scales[t];
  __global const int* from = acc + t * rows;
  __global half* to = y + t * rows;
  size_t r = get_global_id(0) * CHUNK;
  const size_t end = min(r + CHUNK, (size_t)rows);
  for (; r + 8 <= end; r += 8) {
    store_halves8(convert_float8(vload8(0, from + r)) * load_halves8(row_scales + r) * token_scale, to + r);
  }
  for (; r < end; ++r) vstore_half_rte((float)from[r] * vload_half(r, row_scales) * token_scale, r, to);
}

CPU_KERNEL void dequantize_i32_add_f16_cpu(__global const int* restrict acc, __global const half* restrict row_scales,
                                           __global const float* restrict token_scales,
                                           __global const half* restrict products, __global half* restrict y, uint rows,
                                           uint tokens) {
  const size_t t = get_global_id(1);
  if (t >= tokens) return;
  const float token_scale = token_scales[t];
  __global const int* from = acc + t * rows;
  __global const half* more = products + t * rows;
  __global half* to = y + t * rows;
  size_t r = get_global_id(0) * CHUNK;
  const size_t end = min(r + CHUNK, (size_t)rows);
  for (; r + 8 <= end; r += 8) {
    const float8 sum = convert_float8(vload8(0, from + r)) * load_halves8(row_scales + r);
    store_halves8(fma(sum, (float8)(token_scale), load_halves8(more + r)), to + r);
  }
  for (; r < end; ++r) {
    vstore_half_rte(fma((float)from[r] * vload_half(r, row_scales), token_scale, vload_half(r, more)), r, to);
  }
}
