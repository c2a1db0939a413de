// Columns of activations that are multiplied apart, in f16 (LLM.int8(): Dettmers et al. 2022, arXiv 2208.07339), in the
// plainest form. A column is an outlier where |x| > threshold in any token; the comparison is one of f16 bit patterns
// without their sign (monotonic; infinities and NaN are outliers).
//   find_outliers_f16  mask[k] = 0 for an outlier, else 0xFFFF, for column k; `threshold`: the bits of an f16.
//   list_outliers_f16  one work-item: columns[] = the first `places` outliers in ascending order, unused places the number
//                      of columns; those without a place become 0xFFFF in the mask. counts[0] = listed, counts[1] = without.
//   gather_f16         out[t][j] = x[t][columns[j]], 0 for unused places; work-item (j, t).
//   gather_i8_f16      out[r][j] = f16(s_r q[r][columns[j]]), likewise; work-item (j, r). Bits as dequantize_i8_f16's.
// Bytes: the bound buffers once; of those that are gathered from the places alone. Precondition: the global size covers
// columns, or places and rows or tokens.
__kernel void find_outliers_f16_reference(__global const half* x, __global ushort* mask, uint columns, uint tokens,
                                          uint threshold) {
  const size_t k = get_global_id(0);
  if (k >= columns) return;
  uint top = 0;
  for (size_t t = 0; t < tokens; ++t) top = max(top, ((__global const ushort*)x)[t * columns + k] & 0x7FFFu);
  mask[k] = top > threshold ? 0 : 0xFFFF;
}

__kernel void list_outliers_f16_reference(__global ushort* mask, __global uint* list, __global uint* counts, uint columns,
                                          uint places) {
  if (get_global_id(0) > 0) return;
  uint found = 0;
  for (uint k = 0; k < columns; ++k) {
    if (mask[k] != 0) continue;
    if (found < places) {
      list[found] = k;
    } else {
      mask[k] = 0xFFFF;
    }
    ++found;
  }
  for (uint j = found; j < places; ++j) list[j] = columns;
  counts[0] = min(found, places);
  counts[1] = found - min(found, places);
}

__kernel void gather_f16_reference(__global const half* x, __global const uint* list, __global half* out, uint columns,
                                   uint tokens, uint places) {
  const size_t j = get_global_id(0), t = get_global_id(1);
  if (j >= places || t >= tokens) return;
  const uint k = list[j];
  ((__global ushort*)out)[t * places + j] = k < columns ? ((__global const ushort*)x)[t * columns + k] : 0;
}

__kernel void gather_i8_f16_reference(__global const char* codes, __global const half* scales, __global const uint* list,
                                      __global half* out, uint rows, uint columns, uint places) {
  const size_t j = get_global_id(0), r = get_global_id(1);
  if (j >= places || r >= rows) return;
  const uint k = list[j];
  vstore_half_rte(k < columns ? (float)codes[r * columns + k] * vload_half(r, scales) : 0.0f, r * places + j, out);
}
