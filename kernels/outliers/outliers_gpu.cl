// Outliers on the GPU family. Formulas and layouts as in outliers_reference.cl, bit for bit; WORK_GROUP: items of a group.
//   find_outliers_f16  group b: columns [b OUTLIER_COLUMNS, (b + 1) OUTLIER_COLUMNS). An item has 8 of them, 16 bytes, and
//                      every (WORK_GROUP / LANES)th token; what the items of a column found meets in local memory.
//   list_outliers_f16  one group: an item counts the outliers of a run of vectors of 8 columns; a scan of the counts says
//                      where each item's part of the list begins.
// The gathers are the reference's: neighbours take neighbouring places.
// Preconditions: buffers start on 16 bytes; WORK_GROUP is a multiple of LANES.
#include "common/common.clh"
#include "common/outliers.clh"

#define GPU_KERNEL __attribute__((reqd_work_group_size(WORK_GROUP, 1, 1))) __kernel
#define LANES (OUTLIER_COLUMNS / 8)

/// Eight elements, of which `count` are in bounds, the others `beyond`, two in a word.
static inline uint4 load_eight(__global const ushort* from, uint count, bool whole, ushort beyond) {
  if (whole) return *(__global const uint4*)from;
  ushort part[8];
  _Pragma("unroll") for (uint i = 0; i < 8; ++i) part[i] = i < count ? from[i] : beyond;
  return (uint4)(part[0] | (uint)part[1] << 16, part[2] | (uint)part[3] << 16, part[4] | (uint)part[5] << 16,
                 part[6] | (uint)part[7] << 16);
}

GPU_KERNEL void find_outliers_f16_gpu(__global const half* x, __global ushort* mask, uint columns, uint tokens,
                                      uint threshold) {
  __local uint4 low_of[WORK_GROUP], high_of[WORK_GROUP];
  const uint item = (uint)get_local_id(0), lane = item % LANES;
  const uint first = (uint)get_group_id(0) * OUTLIER_COLUMNS + 8 * lane;
  const bool whole = columns % 8 == 0;
  const uint count = first < columns ? min(8u, columns - first) : 0;
  uint4 low = (uint4)(0), high = (uint4)(0);
  for (uint t = item / LANES; t < tokens && count > 0; t += WORK_GROUP / LANES) {
    const uint4 bits = load_eight((__global const ushort*)x + (size_t)t * columns + first, count, whole, 0);
    low = max(low, bits & 0x7FFFu);
    high = max(high, bits & 0x7FFF0000u);
  }
  low_of[item] = low;
  high_of[item] = high;
  barrier(CLK_LOCAL_MEM_FENCE);
  if (item >= LANES || count == 0) return;
  for (uint i = item + LANES; i < WORK_GROUP; i += LANES) {
    low = max(low, low_of[i]);
    high = max(high, high_of[i]);
  }
  const uint4 low_kept = as_uint4(low <= (uint4)(threshold)), high_kept = as_uint4(high >> 16 <= (uint4)(threshold));
  const uint4 kept = (low_kept & 0xFFFFu) | (high_kept & 0xFFFF0000u);
  if (whole) {
    *(__global uint4*)(mask + first) = kept;
    return;
  }
  const uint words[4] = {kept.x, kept.y, kept.z, kept.w};
  _Pragma("unroll") for (uint i = 0; i < 8; ++i) {
    if (i < count) mask[first + i] = (ushort)(words[i / 2] >> (i % 2 * 16));
  }
}

GPU_KERNEL void list_outliers_f16_gpu(__global ushort* mask, __global uint* list, __global uint* counts, uint columns,
                                      uint places) {
  __local uint sums[WORK_GROUP];
  const uint item = (uint)get_local_id(0);
  const uint vectors = (columns + 7) / 8, run = (vectors + WORK_GROUP - 1) / WORK_GROUP;
  const uint begin = min(item * run, vectors), end = min(begin + run, vectors);
  uint own = 0;
  for (uint v = begin; v < end; ++v) {
    const uint4 bits = load_eight(mask + 8 * v, columns - 8 * v, columns % 8 == 0, 0xFFFF);
    const uint4 ones = popcount(bits);
    own += 8 - (ones.x + ones.y + ones.z + ones.w) / 16;
  }
  sums[item] = own;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint distance = 1; distance < WORK_GROUP; distance *= 2) {
    const uint before = item >= distance ? sums[item - distance] : 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    sums[item] += before;
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  const uint found = sums[WORK_GROUP - 1];
  uint place = sums[item] - own;
  for (uint k = 8 * begin; own > 0 && k < min(8 * end, columns); ++k) {
    if (mask[k] != 0) continue;
    if (place < places) {
      list[place] = k;
    } else {
      mask[k] = 0xFFFF;
    }
    ++place;
  }
  for (uint j = found + item; j < places; j += WORK_GROUP) list[j] = columns;
  if (item == 0) {
    counts[0] = min(found, places);
    counts[1] = found - min(found, places);
  }
}
