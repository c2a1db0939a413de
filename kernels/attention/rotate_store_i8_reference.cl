// rotate_store (rotate_store_reference.cl) into caches of int8 (attention/cache.clh), CPU family too: q is rotated into
// `turned`, k rotated into codes of keys, v brought into codes of values. A head of a token, turned in f32 and not rounded
// before, has
//   scale = top / 127, top = max |x| (a head of zeros: 1);  code = x (127 / top) to the nearest, ties to even; |code| <= 127
// Work-item (head of q, k and v in a row; token): 4 head_dim bytes of q in and out, or 2 in and head_dim + 4 out; k is turned
// twice, for its top and for its codes. Preconditions: head_dim even; the global size is at least heads + 2 kv_heads x tokens.
#include "common/common.clh"
#include "attention/rotate.clh"

__kernel void rotate_store_i8_reference(__global const half* q, __global half* turned, __global const half* k,
                                        __global const half* v, __global const float2* angles,
                                        __global const uint* position, __global char* keys,
                                        __global float* key_scales, __global char* values, __global float* value_scales,
                                        uint heads, uint kv_heads, uint head_dim, uint run, uint tokens, uint interleaved,
                                        uint q_first, uint q_row, uint k_first, uint v_first, uint kv_row) {
  const uint pairs = head_dim / 2, head = (uint)get_global_id(0), t = (uint)get_global_id(1);
  if (head >= heads + 2 * kv_heads) return;
  const size_t at = position[0] + t % run;
  const Pairs places = pairs_of(head_dim, interleaved);
  __global const float2* turns = angles + at * pairs;
  if (head < heads) {
    __global const half* own = q + q_first + (size_t)t * q_row + head * head_dim;
    __global half* out = turned + ((size_t)t * heads + head) * head_dim;
    for (uint i = 0; i < pairs; ++i) store_pair(turned_pair(own, places, i, turns[i]), places, i, out);
    return;
  }
  const bool of_k = head < heads + kv_heads;
  const uint kv_head = of_k ? head - heads : head - heads - kv_heads;
  __global const half* in = (of_k ? k + k_first : v + v_first) + (size_t)t * kv_row + kv_head * head_dim;
  const size_t to = (at * (tokens / run) + t / run) * kv_heads + kv_head;
  float top = 0.0f;
  for (uint i = 0; i < pairs; ++i) {
    const float2 pair = fabs(turned_pair(in, places, i, of_k ? turns[i] : (float2)(1.0f, 0.0f)));
    top = fmax(top, fmax(pair.x, pair.y));
  }
  const float inverse = activation_inverse(top);
  __global char* codes = (of_k ? keys : values) + to * head_dim;
  for (uint i = 0; i < pairs; ++i) {
    store_codes(turned_pair(in, places, i, of_k ? turns[i] : (float2)(1.0f, 0.0f)), inverse, places, i, codes);
  }
  (of_k ? key_scales : value_scales)[to] = activation_scale(top);
}
