// out[t][i] = table[ids[t]][i]: rows of an embedding, all families. Bits are copied, not values: f16 as ushort.
// Work-item (i, t): 2 bytes in and out. Preconditions: the global size covers width x tokens; ids lie within the table.
__kernel void embed_f16_reference(__global const ushort* table, __global const uint* ids, __global ushort* out, uint width) {
  const size_t i = get_global_id(0), t = get_global_id(1);
  if (i < width) out[t * width + i] = table[(size_t)ids[t] * width + i];
}
