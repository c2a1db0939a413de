// Capability probes: each program is built, run and compared by host/device/probe.cpp. A driver's extension string is only a
// declaration; NVIDIA computes in half without declaring it, some drivers declare what does not build.
// One entry per program, chosen by -D, so that a build failure speaks of one capability only.
// PROBE_DOT4, PROBE_LANES and PROBE_HALF2 take an INSTRUCTIONS_… set besides (kernels/common/instructions.clh).
// Input: in[0..63]; output: out[0..63]; global and local size 64.

#include "common/instructions.clh"
#ifdef PROBE_MMA
#include "common/matrix_unit.clh"
#endif
#ifdef INSTRUCTIONS_AVX2
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

#ifdef PROBE_AVX2
// out[i] = in[i], unless the sums of products of bytes and of halves made of the inputs from i on are not those of plain loops.
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
  bool right = true;
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

#ifdef PROBE_MMA
// out[i] = in[i], unless a matrix product of this item's warp, through local memory, is not that of plain loops. Rows of A and
// columns of B are 16 bytes of in each: as bytes and, their low halves, as f16.
__kernel void probe_mma(__global const int* in, __global int* out) {
  __local uint tile[32 * 8] __attribute__((aligned(16)));  // rows of 32 bytes: 16 of A, then 16 of which B takes 8
  MATRIX_UNIT_SCRATCH
  const uint item = (uint)get_local_id(0), lane = item % 32;
  copy_async(tile + item * 4, in + item % 16 * 4, 16);
  close_copies();
  wait_copies(0);
  barrier(CLK_LOCAL_MEM_FENCE);
  const uint4 a = load_matrices(tile + lane % 16 * 8 + lane / 16 * 4);
  const uint4 b = load_matrices(tile + 128 + (lane / 16 * 8 + lane % 8) * 8 + lane / 8 % 2 * 4);
  const int4 bytes = mma_i8(a, b.lo, (int4)(0));
  // Small numbers as f16: 5 bits each of the same words under the exponent of 1.
  const uint4 half_a = (a & 0x001F001Fu) << 5 | 0x3C003C00u, half_b = (b & 0x001F001Fu) << 5 | 0x3C003C00u;
  const float4 halves = mma_f16(half_a, half_b.lo, (float4)(0.0f));
  bool right = true;
  for (uint c = 0; c < 4; ++c) {
    const uint row = lane / 4 + c / 2 * 8, column = lane % 4 * 2 + c % 2;
    int byte_sum = 0;
    float half_sum = 0.0f;
    for (uint w = 0; w < 8; ++w) {
      const uint u = tile[row * 8 + w], v = tile[128 + column * 8 + w];
      byte_sum = dot4(u, v, byte_sum);
      half_sum += (1.0f + (u & 31u) / 32.0f) * (1.0f + (v & 31u) / 32.0f);
      half_sum += (1.0f + (u >> 16 & 31u) / 32.0f) * (1.0f + (v >> 16 & 31u) / 32.0f);
    }
    const int byte_found = c == 0 ? bytes.x : c == 1 ? bytes.y : c == 2 ? bytes.z : bytes.w;
    const float half_found = c == 0 ? halves.x : c == 1 ? halves.y : c == 2 ? halves.z : halves.w;
    right = right && byte_found == byte_sum && half_found == half_sum;
  }
  out[item] = right ? in[item] : 1000;
}
#endif
