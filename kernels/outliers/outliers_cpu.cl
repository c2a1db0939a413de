// Outliers on the CPU family: full-width vectors. Formulas and layouts as in outliers_reference.cl, bit for bit.
//   find_outliers_f16  work-item b: columns [b OUTLIER_COLUMNS, (b + 1) OUTLIER_COLUMNS) of all tokens.
//   list_outliers_f16  one work-item; vectors without an outlier are passed over.
//   gather_i8_f16      work-item r: row r, eight places at a time, up to the first eight that are unused.
// gather_f16 is the reference's.
#include "common/common.clh"
#include "common/outliers.clh"

#define VECTORS (OUTLIER_COLUMNS / 16)

CPU_KERNEL void find_outliers_f16_cpu(__global const half* restrict x, __global ushort* restrict mask, uint columns,
                                      uint tokens, uint threshold) {
  const uint first = (uint)get_global_id(0) * OUTLIER_COLUMNS;
  if (first >= columns) return;
  __global const ushort* from = (__global const ushort*)x + first;
  if (first + OUTLIER_COLUMNS <= columns) {
    ushort16 top[VECTORS];
    for (uint i = 0; i < VECTORS; ++i) top[i] = 0;
    for (uint t = 0; t < tokens; ++t, from += columns) {
      _Pragma("unroll") for (uint i = 0; i < VECTORS; ++i) {
        top[i] = max(top[i], LOAD_LOOSE(loose_ushort16, from + 16 * i) & (ushort16)(0x7FFF));
      }
    }
    for (uint i = 0; i < VECTORS; ++i) {
      STORE_LOOSE(loose_ushort16, as_ushort16(top[i] <= (ushort16)((ushort)threshold)), mask + first + 16 * i);
    }
    return;
  }
  for (uint k = first; k < columns; ++k) mask[k] = 0;
  for (uint t = 0; t < tokens; ++t, from += columns) {
    for (uint k = first; k < columns; ++k) mask[k] = max(mask[k], (ushort)(from[k - first] & 0x7FFF));
  }
  for (uint k = first; k < columns; ++k) mask[k] = mask[k] > threshold ? 0 : 0xFFFF;
}

CPU_KERNEL void list_outliers_f16_cpu(__global ushort* restrict mask, __global uint* restrict list,
                                      __global uint* restrict counts, uint columns, uint places) {
  uint found = 0;
  for (uint first = 0; first < columns; first += 16) {
    if (first + 16 <= columns && !any(LOAD_LOOSE(loose_ushort16, mask + first) == (ushort16)(0))) continue;
    for (uint k = first; k < min(first + 16, columns); ++k) {
      if (mask[k] != 0) continue;
      if (found < places) {
        list[found] = k;
      } else {
        mask[k] = 0xFFFF;
      }
      ++found;
    }
  }
  for (uint j = found; j < places; ++j) list[j] = columns;
  counts[0] = min(found, places);
  counts[1] = found - min(found, places);
}

CPU_KERNEL void gather_i8_f16_cpu(__global const char* restrict codes, __global const half* restrict scales,
                                  __global const uint* restrict list, __global half* restrict out, uint rows,
                                  uint columns, uint places) {
  const size_t r = get_global_id(0);
  if (r >= rows) return;
  __global const char* row = codes + r * columns;
  __global ushort* to = (__global ushort*)out + r * places;
  const float scale = vload_half(r, scales);
  for (uint j = 0; j < places; j += 8) {
    const uint end = min(8u, places - j);
    float value[8] = {0.0f};
    for (uint i = 0; i < end && list[j] < columns; ++i) value[i] = list[j + i] < columns ? (float)row[list[j + i]] : 0.0f;
    ushort8 packed;
    vstore_half8_rte(vload8(0, value) * scale, 0, (half*)&packed);
    if (end == 8) {
      vstore8(packed, 0, to + j);
    } else {
      ushort part[8];
      vstore8(packed, 0, part);
      for (uint i = 0; i < end; ++i) to[j + i] = part[i];
    }
  }
}
