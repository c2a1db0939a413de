// Codes back to f16 on the GPU family: 16-byte loads and packed 16-byte stores where rows keep the alignment, element by
// element otherwise. Formulas as in dequantize_reference.cl, bit for bit.
//   dequantize_i8_f16   work-item (c, r): columns [16 c, 16 c + 16) of row r; wide when columns is a multiple of 16.
//   dequantize_i4_f16   work-item (c, r): columns [32 c, 32 c + 32), inside one group; wide when a multiple of 32.
//   dequantize_i32_f16 is the reference's.
// Preconditions: buffers start on 16 bytes, GROUP is a multiple of 32.
#include "common/common.clh"

static inline void store_packed(float8 value, __global half* to) {
  ushort8 packed;
  vstore_half8_rte(value, 0, (half*)&packed);
  *(__global uint4*)to = as_uint4(packed);
}

__kernel void dequantize_i8_f16_gpu(__global const char* codes, __global const half* scales, __global half* out, uint rows,
                                    uint columns) {
  const size_t first = get_global_id(0) * 16, r = get_global_id(1);
  if (first >= columns || r >= rows) return;
  const float scale = vload_half(r, scales);
  const size_t at = r * columns + first;
  if (columns % 16 == 0) {
    const char16 code = as_char16(*(__global const uint4*)(codes + at));
    store_packed(convert_float8(code.lo) * scale, out + at);
    store_packed(convert_float8(code.hi) * scale, out + at + 8);
    return;
  }
  const uint count = min(16u, columns - (uint)first);
  for (uint i = 0; i < count; ++i) vstore_half_rte((float)codes[at + i] * scale, at + i, out);
}

__kernel void dequantize_i4_f16_gpu(__global const uchar* codes, __global const half* scales, __global const half* zeros,
                                    __global half* out, uint rows, uint columns) {
  const size_t first = get_global_id(0) * 32, r = get_global_id(1);
  if (first >= columns || r >= rows) return;
  const size_t group = r * ((columns + GROUP - 1) / GROUP) + first / GROUP;
  const float scale = vload_half(group, scales);
  const float zero = vload_half(group, zeros);
  __global const uchar* from = codes + r * ((columns + 1) / 2) + first / 2;
  const size_t at = r * columns + first;
  if (columns % 32 == 0) {
    const uchar16 pair = as_uchar16(*(__global const uint4*)from);
    const float16 low = (convert_float16(pair & (uchar16)(15)) - zero) * scale;
    const float16 high = (convert_float16(pair >> (uchar16)(4)) - zero) * scale;
    store_packed((float8)(low.s0, high.s0, low.s1, high.s1, low.s2, high.s2, low.s3, high.s3), out + at);
    store_packed((float8)(low.s4, high.s4, low.s5, high.s5, low.s6, high.s6, low.s7, high.s7), out + at + 8);
    store_packed((float8)(low.s8, high.s8, low.s9, high.s9, low.sA, high.sA, low.sB, high.sB), out + at + 16);
    store_packed((float8)(low.sC, high.sC, low.sD, high.sD, low.sE, high.sE, low.sF, high.sF), out + at + 24);
    return;
  }
  const uint count = min(32u, columns - (uint)first);
  for (uint i = 0; i < count; ++i) {
    const uint code = (from[i / 2] >> (i % 2 * 4)) & 15u;
    vstore_half_rte(((float)code - zero) * scale, at + i, out);
  }
}
