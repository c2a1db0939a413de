// Capability probes: each program is built, run and compared by host/device/probe.cpp. A driver's extension string is only a
// declaration; NVIDIA computes in half without declaring it, some drivers declare what does not build.
// One entry per program, chosen by -D, so that a build failure speaks of one capability only.
// Input: in[0..63]; output: out[0..63]; global and local size 64.

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

#ifdef PROBE_DOT8
// out[i] = sum of four products of signed bytes of in[i] with themselves, by the Khronos built-in.
#pragma OPENCL EXTENSION cl_khr_integer_dot_product : enable
__kernel void probe_dot8(__global const int* in, __global int* out) {
  const size_t i = get_global_id(0);
  const uint packed = as_uint(in[i]);
  out[i] = dot_4x8packed_ss_int(packed, packed);
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
