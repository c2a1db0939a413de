// Quantizers of the GPU family: one work-group of WORK_GROUP (a power of two from 64 on) items per row or token, which stays
// in registers between the search for its largest magnitude and the rounding (common/group_rows.clh): 16-byte loads once,
// 8-byte stores. Formulas and preconditions as in quantize_reference.cl, bit for bit. Work-group r: row or token r.
// The largest magnitude is an integer maximum of the f16 bit patterns without their sign (monotonic for finite values).
// Group sums: an item's vector is 8 of a group's GROUP columns; the GROUP / 8 neighbours that share it add up by
// exchange between lanes, else one item adds what they left in local memory. Per column about 2 operations for the maximum,
// 3 to round and store.
// quantize_f16_i8_inliers masks the outliers' columns once all of the row is on its way.
// quantize_weights_f16_i4 needs no exchange and is the reference's.
#include "common/common.clh"
#include "common/instructions.clh"
#include "common/group_rows.clh"

DEFINE_OF_GROUP(uint, max_of_group, max)

/// load_block(), and the columns whose mask is 0 become 0; a null mask: none.
static inline void load_inliers(uint4 kept[KEPT], __global const half* row, __global const ushort* mask, uint block,
                                uint vectors) {
  load_block(kept, row, block, vectors);
  if (!mask) return;
  EACH_KEPT(block, vectors) kept[i] &= load16(mask + 8 * (size_t)min(v, vectors - 1));
}
static inline ushort load_inlier(__global const half* row, __global const ushort* mask, uint k) {
  const ushort bits = ((__global const ushort*)row)[k];
  return mask ? bits & mask[k] : bits;
}

/// Largest magnitude of a row; where its width is a multiple of 8 the first block is kept.
static inline float largest_magnitude(uint4 kept[KEPT], __global const half* row, __global const ushort* mask, uint columns,
                                      __local uint* exchange) {
  uint top = 0;
  if (columns % 8 == 0) {
    const uint vectors = columns / 8;
    uint4 low = (uint4)(0), high = (uint4)(0);
    for (uint block = last_block(vectors);; block -= BLOCK) {
      load_inliers(kept, row, mask, block, vectors);
      EACH_KEPT(block, vectors) {
        low = max(low, kept[i] & 0x7FFFu);
        high = max(high, kept[i] & 0x7FFF0000u);
      }
      if (block == 0) break;
    }
    const uint4 both = max(low, high >> 16);
    const uint2 pair = max(both.lo, both.hi);
    top = max(pair.x, pair.y);
  } else {
    for (uint k = (uint)get_local_id(0); k < columns; k += WORK_GROUP) {
      top = max(top, load_inlier(row, mask, k) & 0x7FFFu);
    }
  }
  const ushort bits = (ushort)max_of_group(top, exchange);
  return vload_half(0, (const half*)&bits);
}

/// Eight codes: the low bytes of round_product's integers before its subtraction, which leaves them as they are. `limited`:
/// magnitudes end at 127.
static inline uint2 quantize8(uint4 bits, float inverse, bool limited) {
  int8 code = as_int8(fma(half8_of(bits), (float8)(inverse), (float8)(ROUNDING_BIAS)));
  if (limited) code = clamp(code, (int8)(as_int(ROUNDING_BIAS) - 127), (int8)(as_int(ROUNDING_BIAS) + 127));
  return even_bytes((as_uint4(code.even) & 0xFFFFu) | as_uint4(code.odd) << 16);
}

static inline void store_codes(uint4 kept[KEPT], __global const half* row, __global const ushort* mask, __global char* to,
                               uint columns, float inverse, bool limited) {
  if (columns % 8 == 0) {
    const uint vectors = columns / 8;
    for (uint block = 0; block < vectors; block += BLOCK) {
      if (block > 0) load_inliers(kept, row, mask, block, vectors);
      EACH_KEPT(block, vectors) {
        const uint2 bytes = quantize8(kept[i], inverse, limited);
        if (v < vectors) *(__global uint2*)(to + 8 * (size_t)v) = bytes;
      }
    }
    return;
  }
  for (uint k = (uint)get_local_id(0); k < columns; k += WORK_GROUP) {
    const ushort bits = load_inlier(row, mask, k);
    const int code = round_product(vload_half(0, (const half*)&bits), inverse);
    to[k] = (char)(limited ? clamp(code, -127, 127) : code);
  }
}

// Inlined, else each item keeps its way back in memory.
__attribute__((always_inline)) static inline void quantize_token(__global const half* x, __global const ushort* mask,
                                                                 __global char* codes, __global float* scales, uint columns,
                                                                 uint tokens, __local uint* exchange) {
  const size_t t = get_group_id(0);
  if (t >= tokens) return;
  __global const half* row = x + t * columns;
  uint4 kept[KEPT];
  const float top = largest_magnitude(kept, row, mask, columns, exchange);
  store_codes(kept, row, mask, codes + t * columns, columns, activation_inverse(top), false);
  if (get_local_id(0) == 0) scales[t] = activation_scale(top);
}

GPU_KERNEL void quantize_f16_i8_gpu(__global const half* x, __global char* codes, __global float* scales, uint columns,
                                    uint tokens) {
  __local uint exchange[EXCHANGED];
  quantize_token(x, 0, codes, scales, columns, tokens, exchange);
}
GPU_KERNEL void quantize_f16_i8_inliers_gpu(__global const half* x, __global const ushort* mask, __global char* codes,
                                            __global float* scales, uint columns, uint tokens) {
  __local uint exchange[EXCHANGED];
  quantize_token(x, mask, codes, scales, columns, tokens, exchange);
}

GPU_KERNEL void quantize_weights_f16_i8_gpu(__global const half* in, __global char* codes, __global half* scales, uint rows,
                                            uint columns) {
  __local uint exchange[EXCHANGED];
  const size_t r = get_group_id(0);
  if (r >= rows) return;
  __global const half* row = in + r * columns;
  uint4 kept[KEPT];
  const float scale = int8_weight_scale(largest_magnitude(kept, row, 0, columns, exchange));
  store_codes(kept, row, 0, codes + r * columns, columns, exact_reciprocal(scale), true);
  if (get_local_id(0) == 0) vstore_half_rte(scale, r, scales);
}

#define SHARED (GROUP / 8)  // vectors of a group
static inline int sum_of_bytes(uint2 bytes) { return dot4(bytes.x, 0x01010101u, dot4(bytes.y, 0x01010101u, 0)); }

GPU_KERNEL void quantize_f16_i8_sums_gpu(__global const half* x, __global char* codes, __global float* scales,
                                         __global int* sums, uint columns, uint tokens) {
  __local uint exchange[EXCHANGED];
#ifndef HAS_LANES
  __local int partial[BLOCK];
#endif
  const size_t t = get_group_id(0);
  if (t >= tokens) return;
  const uint item = (uint)get_local_id(0), groups = (columns + GROUP - 1) / GROUP;
  __global const half* row = x + t * columns;
  __global char* to = codes + t * columns;
  __global int* sums_to = sums + t * groups;
  uint4 kept[KEPT];
  const float top = largest_magnitude(kept, row, 0, columns, exchange);
  const float inverse = activation_inverse(top);
  if (item == 0) scales[t] = activation_scale(top);
  if (columns % 8 != 0) {
    store_codes(kept, row, 0, to, columns, inverse, false);
    for (uint g = item; g < groups; g += WORK_GROUP) {
      int sum = 0;
      for (uint k = g * GROUP; k < min((g + 1) * GROUP, columns); ++k) sum += round_product(vload_half(k, row), inverse);
      sums_to[g] = sum;
    }
    return;
  }
  const uint vectors = columns / 8;
  for (uint block = 0; block < vectors; block += BLOCK) {
    if (block > 0) load_block(kept, row, block, vectors);
    EACH_KEPT(block, vectors) {
      const uint2 bytes = quantize8(kept[i], inverse, false);
      if (v < vectors) *(__global uint2*)(to + 8 * (size_t)v) = bytes;
      int sum = v < vectors ? sum_of_bytes(bytes) : 0;
#ifdef HAS_LANES
      _Pragma("unroll") for (uint mask = 1; mask < SHARED; mask *= 2) sum += (int)from_lane_xor((uint)sum, mask);
      if (v < vectors && item % SHARED == 0) sums_to[v / SHARED] = sum;
    }
#else
      partial[v - block] = sum;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint g = item; g < BLOCK / SHARED && block / SHARED + g < groups; g += WORK_GROUP) {
      int sum = 0;
      for (uint i = 0; i < SHARED; ++i) sum += partial[g * SHARED + i];
      sums_to[block / SHARED + g] = sum;
    }
    if (block + BLOCK < vectors) barrier(CLK_LOCAL_MEM_FENCE);
#endif
  }
}

DEFINE_E4M3_CODES(e4m3_code, )
DEFINE_E4M3_CODES(e4m3_codes8, 8)

GPU_KERNEL void quantize_f16_e4m3_gpu(__global const half* x, __global uchar* codes, __global float* scales, uint columns,
                                      uint tokens) {
  __local uint exchange[EXCHANGED];
  const size_t t = get_group_id(0);
  if (t >= tokens) return;
  __global const half* row = x + t * columns;
  __global uchar* to = codes + t * columns;
  uint4 kept[KEPT];
  const float top = largest_magnitude(kept, row, 0, columns, exchange);
  const float inverse = e4m3_inverse(top);
  if (get_local_id(0) == 0) scales[t] = e4m3_scale(top);
  if (columns % 8 != 0) {
    for (uint k = (uint)get_local_id(0); k < columns; k += WORK_GROUP) to[k] = (uchar)e4m3_code(vload_half(k, row) * inverse);
    return;
  }
  const uint vectors = columns / 8;
  for (uint block = 0; block < vectors; block += BLOCK) {
    if (block > 0) load_block(kept, row, block, vectors);
    EACH_KEPT(block, vectors) {
      const uint8 code = e4m3_codes8(half8_of(kept[i]) * inverse);
      if (v < vectors) *(__global uint2*)(to + 8 * (size_t)v) = even_bytes(code.even | code.odd << 16);
    }
  }
}
