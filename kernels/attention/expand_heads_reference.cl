// Grouped-query expansion: out[t][h][d] = v[t][h / repeat][d], repeat = heads / kv_heads.
// Work-item (h, t) copies one head of one token: 2 head_dim bytes in and out. v [tokens][heads / repeat][head_dim],
// from v_first on in rows that are v_row elements apart.
// Bits are copied, not values: f16 as ushort. Precondition: the global size is heads x tokens, repeat divides heads.
__kernel void expand_heads_f16_reference(__global const ushort* v, __global ushort* out, uint heads, uint repeat,
                                         uint head_dim, uint v_first, uint v_row) {
  const size_t h = get_global_id(0), t = get_global_id(1);
  __global const ushort* from = v + v_first + t * v_row + (h / repeat) * head_dim;
  __global ushort* to = out + (t * heads + h) * head_dim;
  for (uint d = 0; d < head_dim; ++d) to[d] = from[d];
}
