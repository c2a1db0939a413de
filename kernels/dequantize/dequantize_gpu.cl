// Codes back to f16 on the GPU family: 16-byte loads and packed 16-byte stores where rows keep the alignment, element by
// element otherwise. Formulas as in dequantize_reference.cl, bit for bit.
//   dequantize_i8_f16   work-item (c, r): columns [16 c, 16 c + 16) of row r; wide when columns is a multiple of 16.
//   dequantize_i4_f16   work-item (c, r): columns [32 c, 32 c + 32), inside one group; wide when a multiple of 32.
//   dequantize_i32_f16 is the reference's.
// With pairs of f16 (common/instructions.clh) q - z is exact and its product with s is rounded once, as in f32.
// Preconditions: buffers start on 16 bytes, GROUP is a multiple of 32.
#include "common/common.clh"
#include "common/instructions.clh"

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

// Eight weights from one word of codes, one 16-byte store.
#ifdef HAS_HALF2
#define PREPARE_GROUP(group)                                                       \
  const uint scale2 = ((__global const ushort*)scales)[group] * 0x10001u;          \
  const uint zero2 = ((__global const ushort*)zeros)[group] * 0x10001u;            \
  const uint low_minus = half2_fma(zero2, HALF2_MINUS_ONE, HALF2_MINUS_1024);      \
  const uint high_minus = half2_fma(zero2, HALF2_MINUS_ONE, HALF2_MINUS_64);
// Pairs of the nibbles 0 4, 1 5, 2 6, 3 7 become pairs of neighbours.
static inline uint4 eight_weights(uint word, uint scale2, uint low_minus, uint high_minus) {
  const uint4 pair = nibbles_to_half2(word, low_minus, high_minus);
  const uint a = half2_mul(pair.x, scale2), b = half2_mul(pair.y, scale2);
  const uint c = half2_mul(pair.z, scale2), d = half2_mul(pair.w, scale2);
  return (uint4)((a & 0xFFFFu) | b << 16, (c & 0xFFFFu) | d << 16, a >> 16 | (b & 0xFFFF0000u), c >> 16 | (d & 0xFFFF0000u));
}
#define STORE_EIGHT(word, offset) *(__global uint4*)(out + at + offset) = eight_weights(word, scale2, low_minus, high_minus);
#else
#define PREPARE_GROUP(group)
#define STORE_EIGHT(word, offset)                                                                                  \
  store_packed((convert_float8(((uint8)(word) >> (uint8)(0, 4, 8, 12, 16, 20, 24, 28)) & (uint8)(15)) - zero) * scale, \
               out + at + offset);
#endif

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
    PREPARE_GROUP(group)
    const uint4 word = load16(from);
    STORE_EIGHT(word.x, 0)
    STORE_EIGHT(word.y, 8)
    STORE_EIGHT(word.z, 16)
    STORE_EIGHT(word.w, 24)
    return;
  }
  const uint count = min(32u, columns - (uint)first);
  for (uint i = 0; i < count; ++i) {
    const uint code = (from[i / 2] >> (i % 2 * 4)) & 15u;
    vstore_half_rte(((float)code - zero) * scale, at + i, out);
  }
}
