// Codes back to f16 on the GPU family: neighbouring items store neighbouring 16 bytes, so that each store of 32 items fills
// whole lines (items that store 32 or 64 bytes each reached 1.5 TB/s of an H200's 4). Formulas as in
// dequantize_reference.cl, bit for bit.
//   work-item (c, b): columns [8 c, 8 c + 8) of rows [b ROWS, b ROWS + ROWS): 8 bytes (int8) or 4 (int4) of codes and one
//   store a row; wide when columns is a multiple of 8, element by element otherwise.
//   dequantize_i32_f16: work-item (c, t): rows [4 c, 4 c + 4) of token t, 16 bytes of sums; wide when rows is a multiple of 4.
//   dequantize_i32_add_f16: likewise.
// ROWS: the loads of all of them are issued before any is used. Groups of WORK_GROUP items.
// With pairs of f16 (common/instructions.clh) q - z is exact and its product with s is rounded once, as in f32.
// Preconditions: buffers start on 16 bytes, GROUP is a multiple of 32.
#include "common/common.clh"
#include "common/instructions.clh"
#include "common/dequantized.clh"

#ifndef RESCALED_ROWS
#error "RESCALED_ROWS is not defined: it comes from KernelNumbers"
#elif RESCALED_ROWS != 4
#error "an item reads 16 bytes of sums"
#endif

#define FOR_EACH_ROW _Pragma("unroll") for (uint i = 0; i < ROWS; ++i)
// Beyond the last row an item makes that one again, the same bytes: a condition would let the compiler put the loads behind it.
#define ROW_OF(i) ((size_t)min(row + (i), rows - 1))
#define GPU_KERNEL __attribute__((reqd_work_group_size(WORK_GROUP, 1, 1))) __kernel

GPU_KERNEL void dequantize_i8_f16_gpu(__global const char* codes, __global const half* scales, __global half* out, uint rows,
                                      uint columns) {
  const uint first = (uint)get_global_id(0) * DEQUANTIZED_COLUMNS, row = (uint)get_global_id(1) * ROWS;
  if (first >= columns || row >= rows) return;
  if (columns % DEQUANTIZED_COLUMNS == 0) {
    uint2 code[ROWS];
    float scale[ROWS];
    FOR_EACH_ROW code[i] = *(__global const uint2*)(codes + ROW_OF(i) * columns + first);
    FOR_EACH_ROW scale[i] = vload_half(ROW_OF(i), scales);
    FOR_EACH_ROW {
      store_packed((float8)(bytes_to_float(code[i].x), bytes_to_float(code[i].y)) * scale[i],
                   out + ROW_OF(i) * columns + first);
    }
    return;
  }
  for (uint r = row; r < min(row + ROWS, rows); ++r) {
    const size_t at = (size_t)r * columns + first;
    const float scale = vload_half(r, scales);
    for (uint k = 0; k < min((uint)DEQUANTIZED_COLUMNS, columns - first); ++k) vstore_half_rte((float)codes[at + k] * scale, at + k, out);
  }
}

// Eight weights from one word of codes.
#ifdef HAS_HALF2
// Pairs of the nibbles 0 4, 1 5, 2 6, 3 7 become pairs of neighbours.
static inline void store_eight(uint word, ushort scale, ushort zero, __global half* to) {
  const uint scale2 = scale * 0x10001u, zero2 = zero * 0x10001u;
  const uint low_minus = half2_fma(zero2, HALF2_MINUS_ONE, HALF2_MINUS_1024);
  const uint high_minus = half2_fma(zero2, HALF2_MINUS_ONE, HALF2_MINUS_64);
  const uint4 pair = nibbles_to_half2(word, low_minus, high_minus);
  const uint a = half2_mul(pair.x, scale2), b = half2_mul(pair.y, scale2);
  const uint c = half2_mul(pair.z, scale2), d = half2_mul(pair.w, scale2);
  *(__global uint4*)to =
      (uint4)((a & 0xFFFFu) | b << 16, (c & 0xFFFFu) | d << 16, a >> 16 | (b & 0xFFFF0000u), c >> 16 | (d & 0xFFFF0000u));
}
#else
static inline void store_eight(uint word, ushort scale, ushort zero, __global half* to) {
  const float8 code = convert_float8(((uint8)(word) >> (uint8)(0, 4, 8, 12, 16, 20, 24, 28)) & (uint8)(15));
  store_packed((code - vload_half(0, (const half*)&zero)) * vload_half(0, (const half*)&scale), to);
}
#endif

GPU_KERNEL void dequantize_i4_f16_gpu(__global const uchar* codes, __global const half* scales, __global const half* zeros,
                                      __global half* out, uint rows, uint columns) {
  const uint first = (uint)get_global_id(0) * DEQUANTIZED_COLUMNS, row = (uint)get_global_id(1) * ROWS;
  if (first >= columns || row >= rows) return;
  const uint groups = (columns + GROUP - 1) / GROUP, group = first / GROUP;
  if (columns % DEQUANTIZED_COLUMNS == 0) {
    uint word[ROWS];
    ushort scale[ROWS], zero[ROWS];
    FOR_EACH_ROW word[i] = *(__global const uint*)(codes + ROW_OF(i) * (columns / 2) + first / 2);
    FOR_EACH_ROW scale[i] = ((__global const ushort*)scales)[ROW_OF(i) * groups + group];
    FOR_EACH_ROW zero[i] = ((__global const ushort*)zeros)[ROW_OF(i) * groups + group];
    FOR_EACH_ROW store_eight(word[i], scale[i], zero[i], out + ROW_OF(i) * columns + first);
    return;
  }
  for (uint r = row; r < min(row + ROWS, rows); ++r) {
    const float scale = vload_half((size_t)r * groups + group, scales);
    const float zero = vload_half((size_t)r * groups + group, zeros);
    __global const uchar* from = codes + (size_t)r * ((columns + 1) / 2) + first / 2;
    for (uint k = 0; k < min((uint)DEQUANTIZED_COLUMNS, columns - first); ++k) {
      const uint code = (from[k / 2] >> (k % 2 * 4)) & 15u;
      vstore_half_rte(((float)code - zero) * scale, (size_t)r * columns + first + k, out);
    }
  }
}

GPU_KERNEL void dequantize_i32_f16_gpu(__global const int* acc, __global const half* row_scales,
                                       __global const float* token_scales, __global half* y, uint rows, uint tokens) {
  const uint first = (uint)get_global_id(0) * RESCALED_ROWS;
  const size_t t = get_global_id(1);
  if (first >= rows || t >= tokens) return;
  const float token_scale = token_scales[t];
  const size_t at = t * rows + first;
  if (rows % RESCALED_ROWS == 0) {
    const ushort4 scale = *(__global const ushort4*)(row_scales + first);
    const float4 sum = convert_float4(*(__global const int4*)(acc + at));
    ushort4 packed;
    vstore_half4_rte(sum * vload_half4(0, (const half*)&scale) * token_scale, 0, (half*)&packed);
    *(__global ushort4*)(y + at) = packed;
    return;
  }
  for (uint i = 0; i < min((uint)RESCALED_ROWS, rows - first); ++i) {
    vstore_half_rte((float)acc[at + i] * vload_half(first + i, row_scales) * token_scale, at + i, y);
  }
}

GPU_KERNEL void dequantize_i32_add_f16_gpu(__global const int* acc, __global const half* row_scales,
                                           __global const float* token_scales, __global const half* products,
                                           __global half* y, uint rows, uint tokens) {
  const uint first = (uint)get_global_id(0) * RESCALED_ROWS;
  const size_t t = get_global_id(1);
  if (first >= rows || t >= tokens) return;
  const float token_scale = token_scales[t];
  const size_t at = t * rows + first;
  if (rows % RESCALED_ROWS == 0) {
    const ushort4 scale = *(__global const ushort4*)(row_scales + first), more = *(__global const ushort4*)(products + at);
    const float4 sum = convert_float4(*(__global const int4*)(acc + at)) * vload_half4(0, (const half*)&scale);
    ushort4 packed;
    vstore_half4_rte(fma(sum, (float4)(token_scale), vload_half4(0, (const half*)&more)), 0, (half*)&packed);
    *(__global ushort4*)(y + at) = packed;
    return;
  }
  for (uint i = 0; i < min((uint)RESCALED_ROWS, rows - first); ++i) {
    const float sum = (float)acc[at + i] * vload_half(first + i, row_scales);
    vstore_half_rte(fma(sum, token_scale, vload_half(at + i, products)), at + i, y);
  }
}
