// Greedy choice: ids[t] = the first i with the largest logits[t][i], i in [0, vocab); NaN is never chosen, and of nothing but
// NaN comes 0. position[0] grows by `run`, the tokens of a sequence, as the last pass of a step.
// Work-item t: 2 vocab bytes. Precondition: the global size covers tokens.
__kernel void choose_f16_reference(__global const half* logits, __global uint* ids, __global uint* position, uint vocab,
                                   uint tokens, uint run) {
  const uint t = (uint)get_global_id(0);
  if (t == 0) position[0] += run;
  if (t >= tokens) return;
  __global const half* own = logits + (size_t)t * vocab;
  float top = -INFINITY;
  uint chosen = 0;
  bool found = false;
  for (uint i = 0; i < vocab; ++i) {
    const float value = vload_half(i, own);
    if (value > top || (!found && value == top)) {
      top = value;
      chosen = i;
      found = true;
    }
  }
  ids[t] = chosen;
}
