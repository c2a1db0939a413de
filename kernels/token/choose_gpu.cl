// Greedy choice (choose_reference.cl) on the GPU family: work-group t of WORK_GROUP (a power of two) items, which take elements
// WORK_GROUP apart, neighbours neighbouring ones, and join what they found in local memory. 2 vocab bytes a token.
#ifndef WORK_GROUP
#error "WORK_GROUP is not defined: it comes from the tuning"
#endif

__attribute__((reqd_work_group_size(WORK_GROUP, 1, 1))) __kernel void choose_f16_gpu(
    __global const half* logits, __global uint* ids, __global uint* position, uint vocab, uint tokens, uint run) {
  __local float tops[WORK_GROUP];
  __local uint places[WORK_GROUP];
  const uint item = (uint)get_local_id(0), t = (uint)get_group_id(0);
  if (t == 0 && item == 0) position[0] += run;
  if (t >= tokens) return;
  __global const half* own = logits + (size_t)t * vocab;
  float top = -INFINITY;
  uint chosen = vocab;  // none yet
  for (uint i = item; i < vocab; i += WORK_GROUP) {
    const float value = vload_half(i, own);
    if (value > top || (chosen == vocab && value == top)) {
      top = value;
      chosen = i;
    }
  }
  tops[item] = top;
  places[item] = chosen;
  for (uint half_way = WORK_GROUP / 2; half_way > 0; half_way /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (item < half_way) {
      const float other = tops[item + half_way];
      const uint place = places[item + half_way];
      if (other > tops[item] || (other == tops[item] && place < places[item])) {
        tops[item] = other;
        places[item] = place;
      }
    }
  }
  if (item == 0) ids[t] = places[0] < vocab ? places[0] : 0;
}
