// Grouped-query expansion on the GPU family: out[t][h][d] = v[t][h / repeat][d], as in expand_heads_reference.cl.
// Work-group (h, t) of HEAD_ITEMS items copies one head of one token, neighbours neighbouring 16 bytes where heads begin
// and end with whole vectors of 8, else neighbouring elements. Preconditions: buffers start on 16 bytes, repeat divides heads.
#ifndef HEAD_ITEMS
#error "HEAD_ITEMS is not defined: it comes from KernelNumbers"
#endif

__attribute__((reqd_work_group_size(HEAD_ITEMS, 1, 1))) __kernel void expand_heads_f16_gpu(
    __global const ushort* v, __global ushort* out, uint heads, uint repeat, uint head_dim,
    uint v_first, uint v_row) {
  const size_t h = get_group_id(0), t = get_group_id(1);
  __global const ushort* from = v + v_first + t * v_row + (h / repeat) * head_dim;
  __global ushort* to = out + (t * heads + h) * head_dim;
  const uint item = (uint)get_local_id(0);
  if ((head_dim | v_first | v_row) % 8 == 0) {
    for (uint d = item; d < head_dim / 8; d += HEAD_ITEMS) ((__global uint4*)to)[d] = ((__global const uint4*)from)[d];
    return;
  }
  for (uint d = item; d < head_dim; d += HEAD_ITEMS) to[d] = from[d];
}
