// The numbers of random_reference.cl on the CPU family, bit for bit: eight Philox blocks (32 values) at a time, each word in
// a 64-bit lane, where a 32 x 32 -> 64 bit product is one instruction and its upper half garbage elsewhere is harmless.
// Work-item c: values [c CHUNK, (c + 1) CHUNK), CHUNK a multiple of 32. About 5 integer operations per value.
// Preconditions: count < 2^32, out starts on 4 bytes.
#include "common/common.clh"

#define LOW_WORD 0xFFFFFFFFul

/// Sums of the four bytes of each word, less 510, as floats.
static inline float16 centred_byte_sums(uint16 words) {
  const uint16 pairs = (words & 0x00FF00FFu) + ((words >> 8) & 0x00FF00FFu);
  return convert_float16(as_int16((pairs + (pairs >> 16)) & 0xFFFFu) - 510);
}

/// Values 4 (block + i) + {0, 1} in `first` and + {2, 3} in `second`, i = 0..7, both scaled by unit.
static inline void near_normals(uint block, uint2 tensor, uint2 seed, float unit, float16* first, float16* second) {
  ulong8 x = (ulong8)(0, 1, 2, 3, 4, 5, 6, 7) + block, y = 0, z = tensor.x, w = tensor.y;
  for (int round = 0; round < 10; ++round) {
    const ulong8 product0 = (x & LOW_WORD) * 0xD2511F53ul;
    const ulong8 product1 = (z & LOW_WORD) * 0xCD9E8D57ul;
    x = (product1 >> 32) ^ y ^ (ulong)seed.x;
    y = product1;
    z = (product0 >> 32) ^ w ^ (ulong)seed.y;
    w = product0;
    seed += (uint2)(0x9E3779B9u, 0xBB67AE85u);
  }
  *first = centred_byte_sums(as_uint16((x & LOW_WORD) | (y << 32))) * unit;
  *second = centred_byte_sums(as_uint16((z & LOW_WORD) | (w << 32))) * unit;
}

CPU_KERNEL void random_f16_cpu(__global half* restrict out, uint count, float unit, uint seed_low, uint seed_high,
                               uint tensor_low, uint tensor_high) {
  const uint2 tensor = (uint2)(tensor_low, tensor_high), seed = (uint2)(seed_low, seed_high);
  size_t i = get_global_id(0) * CHUNK;
  const size_t end = min(i + CHUNK, (size_t)count);
  for (; i < end; i += 32) {
    float16 first, second;
    near_normals((uint)(i / 4), tensor, seed, unit, &first, &second);
    ushort16 low, high;
    vstore_half16_rte(first, 0, (half*)&low);
    vstore_half16_rte(second, 0, (half*)&high);
    uint16 both;
    both.even = as_uint8(low);
    both.odd = as_uint8(high);
    if (i + 32 <= end) {
      vstore16(both, 0, (__global uint*)(out + i));
    } else {
      ushort part[32];
      vstore16(as_ushort16(both.lo), 0, part);
      vstore16(as_ushort16(both.hi), 1, part);
      for (uint j = 0; i + j < end; ++j) ((__global ushort*)out)[i + j] = part[j];
    }
  }
}

CPU_KERNEL void random_f32_cpu(__global float* restrict out, uint count, float unit, uint seed_low, uint seed_high,
                               uint tensor_low, uint tensor_high) {
  const uint2 tensor = (uint2)(tensor_low, tensor_high), seed = (uint2)(seed_low, seed_high);
  size_t i = get_global_id(0) * CHUNK;
  const size_t end = min(i + CHUNK, (size_t)count);
  for (; i < end; i += 32) {
    float16 first, second;
    near_normals((uint)(i / 4), tensor, seed, unit, &first, &second);
    float part[32];
    vstore16((float16)(first.s01, second.s01, first.s23, second.s23, first.s45, second.s45, first.s67, second.s67), 0, part);
    vstore16((float16)(first.s89, second.s89, first.sAB, second.sAB, first.sCD, second.sCD, first.sEF, second.sEF), 1, part);
    for (uint j = 0; j < 32 && i + j < end; ++j) out[i + j] = part[j];
  }
}
