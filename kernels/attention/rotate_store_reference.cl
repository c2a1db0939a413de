// Rotary embedding and cache write of new tokens, all families: q is rotated into `turned`, k rotated into the cache of keys, v
// copied into the cache of values. Caches are f16 [position][sequence][kv head][head_dim]; token t is of sequence t / run
// and stands at position[0] + t % run: one new token of each sequence in decode (run 1), a run of them in prefill.
//   pair (a, b) of a head with angle p f_i:  a cos - b sin,  a sin + b cos;  f32 inside
// angles [position][head_dim / 2] are (cos, sin) pairs in f32, made by the host; a pair is elements i and i + head_dim / 2
// (as Hugging Face orders them), or 2 i and 2 i + 1 where `interleaved` (as Llama's own files and GGUF's).
// turned is [token][head][head_dim]; q, k and v have their heads from q_first, k_first and v_first on in rows that are q_row
// and kv_row elements apart: tensors of their own, of which q may be `turned`, or parts of one.
// Work-item (n, t): pair n of the heads of q, k and v in a row. 8 bytes of f16 in and out, 8 of angles, 4 products.
// Preconditions: head_dim even; the global size is at least (heads + 2 kv_heads) head_dim / 2 x tokens.
__kernel void rotate_store_f16_reference(__global const half* q, __global half* turned, __global const half* k,
                                         __global const half* v, __global const float2* angles,
                                         __global const uint* position, __global half* keys,
                                         __global half* values, uint heads, uint kv_heads, uint head_dim, uint run,
                                         uint tokens, uint interleaved, uint q_first, uint q_row, uint k_first,
                                         uint v_first, uint kv_row) {
  const uint pairs = head_dim / 2;
  const uint head = (uint)get_global_id(0) / pairs, i = (uint)get_global_id(0) % pairs;
  const uint t = (uint)get_global_id(1);
  if (head >= heads + 2 * kv_heads) return;
  const size_t at = position[0] + t % run;
  const uint first = interleaved ? 2 * i : i, second = interleaved ? 2 * i + 1 : i + pairs;
  const bool of_q = head < heads, of_k = !of_q && head < heads + kv_heads;
  const uint own = of_q ? head : of_k ? head - heads : head - heads - kv_heads;
  const size_t from = (of_q ? q_first : of_k ? k_first : v_first) + (size_t)t * (of_q ? q_row : kv_row) + own * head_dim;
  const size_t to = ((at * (tokens / run) + t / run) * kv_heads + own) * head_dim;
  if (!of_q && !of_k) {
    vstore_half_rte(vload_half(from + first, v), to + first, values);
    vstore_half_rte(vload_half(from + second, v), to + second, values);
    return;
  }
  const float2 turn = angles[at * pairs + i];
  __global const half* in = of_q ? q : k;
  __global half* out = of_q ? turned + ((size_t)t * heads + own) * head_dim : keys + to;
  const float a = vload_half(from + first, in), b = vload_half(from + second, in);
  vstore_half_rte(a * turn.x - b * turn.y, first, out);
  vstore_half_rte(a * turn.y + b * turn.x, second, out);
}
