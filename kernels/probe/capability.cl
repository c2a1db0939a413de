// Capability probes: each program is built, run and compared by host/device/probe.cpp. A driver's extension string is only a
// declaration; NVIDIA computes in half without declaring it, some drivers declare what does not build.
// One entry per program, chosen by -D, so that a build failure speaks of one capability only.
// PROBE_DOT4, PROBE_LANES and PROBE_HALF2 take an INSTRUCTIONS_… set besides (kernels/common/instructions.clh).
// Input: in[0..63]; output: out[0..63]; global and local size 64.

#include "common/instructions.clh"

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
