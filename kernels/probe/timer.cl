// A kernel whose duration the host sets: `rounds` dependent integer steps per work-item, about 1 ns each or less. It checks that
// event stamps move (power.md, protocol 9). The result is stored so that the loop cannot be removed; the recurrence is a linear
// congruential generator, which has no shortcut a compiler applies.
__kernel void probe_timer(__global uint* out, const uint rounds) {
  uint value = (uint)get_global_id(0);
  for (uint i = 0; i < rounds; ++i) value = value * 1664525u + 1013904223u;
  out[get_global_id(0)] = value;
}
