// Joins the parts of attend (attend_reference.cl), all families: with top = max over the parts of a head,
//   out[t][h][d] = sum_parts exp(top_part - top) mixed[d] / sum_parts exp(top_part - top) sum;  f32 inside, f16 out
// Work-item (h HEAD_DIM + d, token): 4 splits bytes of its own and 8 splits that its head shares, 2 bytes out.
#if !defined(HEAD_DIM)
#error "HEAD_DIM is not defined: it comes from the extent of a launch"
#endif

__kernel void combine_heads_f16_reference(__global const float* parts, __global half* out, uint heads, uint splits) {
  const uint element = (uint)get_global_id(0), t = (uint)get_global_id(1);
  if (element >= heads * HEAD_DIM) return;
  const uint h = element / HEAD_DIM, d = element % HEAD_DIM;
  __global const float* part = parts + ((size_t)t * splits * heads + h) * (HEAD_DIM + 2);
  const size_t next = (size_t)heads * (HEAD_DIM + 2);
  float top = -MAXFLOAT;
  for (uint split = 0; split < splits; ++split) top = fmax(top, part[split * next + HEAD_DIM + 1]);
  float mixed = 0.0f, sum = 0.0f;
  for (uint split = 0; split < splits; ++split) {
    __global const float* one = part + split * next;
    const float weight = exp(one[HEAD_DIM + 1] - top);
    mixed = fma(weight, one[d], mixed);
    sum = fma(weight, one[HEAD_DIM], sum);
  }
  vstore_half_rte(mixed / sum, (size_t)t * heads * HEAD_DIM + element, out);
}
