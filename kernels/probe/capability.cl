// Capability probes: each program is built, run and compared by host/device/probe.cpp. A driver's extension string is only a
// declaration; NVIDIA computes in half without declaring it, some drivers declare what does not build.
// One entry per program, chosen by -D, so that a build failure speaks of one capability only.
// PROBE_DOT4, PROBE_LANES and PROBE_HALF2 take an INSTRUCTIONS_… set besides (kernels/common/instructions.clh),
// PROBE_MATRIX_UNIT a MATRIX_UNIT_… (kernels/common/matrix_unit.clh).
// Input: in[0..63]; output: out[0..63]; global and local size 64.

#include "common/instructions.clh"
#ifdef PROBE_MATRIX_UNIT
#include "common/common.clh"
#include "common/matrix_unit.clh"
#endif
#if defined(INSTRUCTIONS_AVX2) || defined(INSTRUCTIONS_AVX512)
#include "common/x86.clh"
#endif

#ifdef PROBE_FP16
// out[i] = half(in[i]) * half(3) + half(0.5), exact for |in[i]| <= 256: needs half arithmetic, no half math builtin.
#ifdef cl_khr_fp16
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#endif
__kernel void probe_fp16(__global const int* in, __global int* out) {
  const size_t i = get_global_id(0);
  const half value = (half)(float)in[i];
  const half result = value * (half)3.0f + (half)0.5f;
  out[i] = (int)((float)result * 2.0f);
}
#endif

#ifdef PROBE_SUBGROUPS
// out[i] = sum of in over the work-item's subgroup, times the count of subgroups: compared through the group's total.
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
__kernel void probe_subgroups(__global const int* in, __global int* out) {
  const size_t i = get_global_id(0);
  const int sum = sub_group_reduce_add(in[i]);
  out[i] = get_sub_group_local_id() == 0 ? sum : 0;
}
#endif

#ifdef PROBE_DOT4
// out[i] = sum of the four products of the signed bytes of in[i] with themselves: those of four words, taken apart into
// even and odd bytes, without those of the other three.
__kernel void probe_dot4(__global const int* in, __global int* out) {
  const size_t i = get_global_id(0);
  const uint4 words = load16(in + i / 4 * 4);
  const uint2 even = even_bytes(words), odd = odd_bytes(words);
  int sum = dot4(odd.y, odd.y, dot4(odd.x, odd.x, dot4(even.y, even.y, dot4(even.x, even.x, 0))));
  for (uint j = 1; j < 4; ++j) {
    const uint other = (uint)in[i / 4 * 4 + (i + j) % 4];
    sum -= dot4(other, other, 0);
  }
  out[i] = sum;
}
#endif

#if defined(PROBE_AVX2) || defined(PROBE_AVX512)
/// Whether look-ups of indices made of the inputs from i on give what plain ones do.
static inline bool looks_up(__global const int* in, size_t i) {
  float table[16], found[16];
  uint index[16];
  for (uint j = 0; j < 16; ++j) {
    table[j] = (float)in[(i + 3 * j) % 64];
    index[j] = (uint)in[(i + 7 * j) % 64] * 5u;
  }
  vstore16(lookup16(vload16(0, table), vload16(0, index)), 0, found);
  bool right = true;
  for (uint j = 0; j < 16; ++j) right = right && found[j] == table[index[j] & 15u];
  return right;
}
#endif

#if defined(PROBE_AVX512) || defined(PROBE_AVX512_VNNI)
/// Whether products of nibbles and bytes made of the inputs from i on are those of plain loops, their sums too.
static inline bool dots_nibbles(__global const int* in, size_t i) {
  int words[4][16], sums[16];
  for (uint j = 0; j < 16; ++j) {
    words[0][j] = in[(i + j) % 64] * 0x01020408 & 0x0F0F0F0F;
    words[1][j] = in[(i + 3 * j) % 64] * 0x08040201;
    words[2][j] = in[(i + 5 * j) % 64] * 0x04080102 & 0x0F0F0F0F;
    words[3][j] = in[(i + 7 * j) % 64] * 0x02010804;
  }
  vstore16(dot_nibbles16(vload16(0, words[0]), vload16(0, words[1]), vload16(0, words[2]), vload16(0, words[3])), 0, sums);
  bool right = true;
  for (uint j = 0; j < 16; ++j) {
    int sum = 0;
    for (uint pair = 0; pair < 4; pair += 2) {
      const int4 product = convert_int4(as_char4(words[pair][j])) * convert_int4(as_char4(words[pair + 1][j]));
      sum += product.x + product.y + product.z + product.w;
    }
    right = right && sums[j] == sum;
  }
  return right;
}
#endif

#ifdef PROBE_AVX512
// out[i] = in[i], unless a look-up, a product, a pairing of bytes or a conversion fails.
__kernel void probe_avx512(__global const int* in, __global int* out) {
  const size_t i = get_global_id(0);
  long words[2][8];
  for (uint j = 0; j < 8; ++j) {
    words[0][j] = in[(i + j) % 64] * 0x0102040810204080L;
    words[1][j] = in[(i + 3 * j) % 64] * 0x0804020180402010L;
  }
  int pairs[16];
  vstore16(byte_pairs16(vload8(0, words[0]), vload8(0, words[1])), 0, pairs);
  bool right = looks_up(in, i) && dots_nibbles(in, i);
  for (uint j = 0; j < 64; ++j) {
    const long from = words[j % 2][j / 16 * 2] >> (j % 16 / 2 * 8);
    right = right && ((pairs[j / 4] >> (j % 4 * 8)) & 0xFF) == (int)(from & 0xFF);
  }
  short halves[16];
  float floats[16];
  for (uint j = 0; j < 16; ++j) halves[j] = (short)(in[(i + j) % 64] * 1019 & 0xBFFF);
  vstore16(halves_to_float16(vload16(0, halves)), 0, floats);
  for (uint j = 0; j < 16; ++j) right = right && floats[j] == vload_half(j, (const half*)halves);
  out[i] = right ? in[i] : 1000;
}
#endif

#ifdef PROBE_AVX512_VNNI
/// By the processor's word: an instruction that it does not have would end the process. Leaf 7, ECX bit 11.
static inline bool has_vnni(void) {
  uint eax = 7, ebx, ecx = 0, edx;
  __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  return (ecx >> 11 & 1u) != 0;
}
// out[i] = in[i], unless the processor lacks the products or one fails.
__kernel void probe_avx512_vnni(__global const int* in, __global int* out) {
  const size_t i = get_global_id(0);
  out[i] = has_vnni() && dots_nibbles(in, i) ? in[i] : 1000;
}
#endif

#ifdef PROBE_AVX2
// out[i] = in[i], unless a look-up fails or the sums of products of bytes and of halves made of the inputs from i on are
// not those of plain loops.
__kernel void probe_avx2(__global const int* in, __global int* out) {
  const size_t i = get_global_id(0);
  short a[16], b[16];
  for (uint j = 0; j < 16; ++j) {
    a[j] = (short)(in[(i + j) % 64] * 3855 & 0x0F0F);
    b[j] = (short)(in[(i + 5 * j) % 64] * 1019);
  }
  short bytes[16], half_as_many[8];
  int shorts[8];
  vstore16(multiply_add_bytes16(vload16(0, a), vload16(0, b)), 0, bytes);
  vstore8(multiply_add_bytes8(vload8(0, a), vload8(0, b)), 0, half_as_many);
  vstore8(multiply_add_shorts(vload16(0, a), vload16(0, b)), 0, shorts);
  bool right = looks_up(in, i);
  for (uint j = 0; j < 16; ++j) {
    const char2 codes = as_char2(b[j]);
    right = right && bytes[j] == (a[j] & 15) * codes.x + (a[j] >> 8) * codes.y;
  }
  for (uint j = 0; j < 8; ++j) right = right && half_as_many[j] == bytes[j];
  for (uint j = 0; j < 8; ++j) right = right && shorts[j] == a[2 * j] * b[2 * j] + a[2 * j + 1] * b[2 * j + 1];
  out[i] = right ? in[i] : 1000;
}
#endif

#ifdef PROBE_LANES
// out[i] = in[i ^ 21] for items 0..63.
__kernel void probe_lanes(__global const int* in, __global int* out) {
  const size_t i = get_global_id(0);
  out[i] = (int)from_lane_xor((uint)in[i], 21);
}
#endif

#ifdef PROBE_HALF2
// out[i] = 6 in[i] + 1 as in probe_fp16, in both halves of a pair, else 0. 3 is 0x4200, 0.5 is 0x3800 and 2 is 0x4000.
__kernel void probe_half2(__global const int* in, __global int* out) {
  const size_t i = get_global_id(0);
  ushort bits;
  vstore_half((float)in[i], 0, (half*)&bits);
  const ushort2 result = as_ushort2(half2_mul(half2_fma((uint)bits * 0x10001u, 0x42004200u, 0x38003800u), 0x40004000u));
  const ushort first = result.x;
  out[i] = result.x == result.y ? (int)vload_half(0, (const half*)&first) : 0;
}
#endif

#ifdef PROBE_MATRIX_UNIT
// A small number out of 16 bits, exact as f16 (its bits) and as float: 1 + n / 32, of either sign.
#define SMALL_HALVES(words) ((((words) & 0x001F001Fu) << 5) | ((words) & 0x80008000u) | 0x3C003C00u)
static inline float small_float(uint bits) {
  const float magnitude = 1.0f + (float)(bits & 31u) / 32.0f;
  return (bits & 0x8000u) != 0 ? -magnitude : magnitude;
}

// out[i] = in[i], unless a product of 16 x 16 by this item's wave, through local memory, is not that of plain loops. Rows of A
// and columns of B are made of the words of in, all different: as bytes and, in part, as f16. Sums of f16 are exact too.
__kernel void probe_matrix_unit(__global const int* in, __global int* out) {
  __local uint a_words[4 * PART_BYTES] __attribute__((aligned(16)));  // 16 rows, 16 columns
  __local uint b_words[4 * PART_BYTES] __attribute__((aligned(16)));
  MATRIX_UNIT_SCRATCH
  const uint item = (uint)get_local_id(0), lane = item % UNIT_LANES;
  if (item < PART_BYTES) {  // chunks of 16 bytes
#ifdef HAS_COPY_ASYNC
    copy_async(a_words + item * 4, in + item % 16 * 4, 16);
    copy_async(b_words + item * 4, in + item % 16 * 4, 16);
#else
    const uint4 chunk = *(__global const uint4*)(in + item % 16 * 4);
    *(__local uint4*)(a_words + item * 4) = chunk;
    *(__local uint4*)(b_words + item * 4) = chunk;
#endif
  }
#ifdef HAS_COPY_ASYNC
  close_copies();
  wait_copies(0);
#endif
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint w = item; w < 4 * PART_BYTES; w += 64) {
    const uint a_word = (a_words[w] + 4 * w) * 0x9E3779B1u, b_word = (b_words[w] + 10 * w) * 0x85EBCA6Bu;
    a_words[w] = a_word ^ a_word >> 15;
    b_words[w] = b_word ^ b_word >> 13;
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  const Fragment a = load_a((__local const uchar*)a_words, PART_BYTES, lane);
  const Fragment b = load_b((__local const uchar*)b_words, PART_BYTES, lane);
  int byte_sums[UNIT_SUMS];
  JOIN(vstore, UNIT_SUMS)(add_i8(a, b, (IntSums)(-3)), 0, byte_sums);
  float half_sums[UNIT_SUMS];
  const Fragment half_a = SMALL_HALVES(a), half_b = SMALL_HALVES(b);
  JOIN(vstore, UNIT_SUMS)(add_f16(half_a, half_b, (FloatSums)(0.5f)), 0, half_sums);
  bool right = true;
  _Pragma("unroll") for (uint i = 0; i < UNIT_SUMS; ++i) {
    __local const uint* row = a_words + sum_row(lane, i) * (PART_BYTES / 4);
    __local const uint* column = b_words + sum_column(lane, i) * (PART_BYTES / 4);
    int bytes = -3;
    float halves = 0.5f;
    for (uint w = 0; w < PART_BYTES / 4; ++w) {
      bytes = dot4(row[w], column[w], bytes);
      halves += small_float(row[w] & 0xFFFFu) * small_float(column[w] & 0xFFFFu);
      halves += small_float(row[w] >> 16) * small_float(column[w] >> 16);
    }
    right = right && byte_sums[i] == bytes && half_sums[i] == halves;
  }
  out[item] = right ? in[item] : 1000;
}
#endif
