// rotate_store_i8 (rotate_store_i8_reference.cl) on the GPU family: a work-group of HEAD_ITEMS items has a head of a token, an
// item pairs HEAD_ITEMS apart, which it turns twice where the head has codes. Local memory: HEAD_ITEMS floats.
// Precondition: the groups are heads + 2 kv_heads x tokens.
#include "common/common.clh"
#include "attention/rotate.clh"
#if !defined(HEAD_ITEMS)
#error "HEAD_ITEMS is not defined: the host gives the number that it sizes launches by"
#endif

__attribute__((reqd_work_group_size(HEAD_ITEMS, 1, 1))) __kernel void rotate_store_i8_gpu(
    __global const half* q, __global half* turned, __global const half* k, __global const half* v,
    __global const float2* angles, __global const uint* position, __global char* keys, __global float* key_scales,
    __global char* values, __global float* value_scales, uint heads, uint kv_heads, uint head_dim, uint run, uint tokens,
    uint interleaved, uint q_first, uint q_row, uint k_first, uint v_first, uint kv_row) {
  __local float tops[HEAD_ITEMS];
  const uint pairs = head_dim / 2, item = (uint)get_local_id(0), head = (uint)get_group_id(0), t = (uint)get_group_id(1);
  const size_t at = position[0] + t % run;
  const Pairs places = pairs_of(head_dim, interleaved);
  __global const float2* turns = angles + at * pairs;
  const bool of_q = head < heads, of_k = !of_q && head < heads + kv_heads;
  const uint own = of_q ? head : of_k ? head - heads : head - heads - kv_heads;
  const size_t to = (at * (tokens / run) + t / run) * kv_heads + own;
  __global const half* in = (of_q ? q + q_first : of_k ? k + k_first : v + v_first) + (size_t)t * (of_q ? q_row : kv_row) +
                            own * head_dim;
  float top = 0.0f;
  for (uint i = item; i < pairs && !of_q; i += HEAD_ITEMS) {
    const float2 pair = fabs(turned_pair(in, places, i, of_k ? turns[i] : (float2)(1.0f, 0.0f)));
    top = fmax(top, fmax(pair.x, pair.y));
  }
  tops[item] = top;
  barrier(CLK_LOCAL_MEM_FENCE);
  __global half* out = turned + ((size_t)t * heads + head) * head_dim;
  for (uint i = item; i < pairs && of_q; i += HEAD_ITEMS)
    store_pair(turned_pair(in, places, i, turns[i]), places, i, out);
  if (of_q) return;
  for (uint i = 0; i < HEAD_ITEMS; ++i) top = fmax(top, tops[i]);
  const float inverse = activation_inverse(top);
  __global char* codes = (of_k ? keys : values) + to * head_dim;
  for (uint i = item; i < pairs; i += HEAD_ITEMS)
    store_codes(turned_pair(in, places, i, of_k ? turns[i] : (float2)(1.0f, 0.0f)), inverse, places, i, codes);
  if (item == 0) (of_k ? key_scales : value_scales)[to] = activation_scale(top);
}
