// Codes of a format (format/format.clh) back to f16 on the GPU family: work-item (c, b) makes columns [8 c, 8 c + 8) of rows
// [b ROWS, b ROWS + ROWS), neighbours on neighbouring 16 bytes of the result; a part of a step, so that four items read its
// scales and, of nibbles, two the same codes. Wide where columns is a multiple of 8, else element by element. ROWS and
// WORK_GROUP as in dequantize_gpu.cl. Formula and bits as in frame_reference.cl. Precondition: buffers start on 16 bytes.
// Tables (FORMAT_TABLE) stand in local memory: 16 neighbouring words never meet in a bank, whereas reads of __constant at 32
// different places take turns.
#define GPU_FAMILY
#include "common/common.clh"
#include "common/instructions.clh"
#include "common/dequantized.clh"
#include "format/format.clh"

#define FOR_EACH_ROW _Pragma("unroll") for (uint i = 0; i < ROWS; ++i)
#define ROW_OF(i) min(row + (i), rows - 1)

#ifdef FORMAT_TABLE
static inline float8 look_up8(uint2 bytes, __local const float* table) {
  const uchar8 index = as_uchar8(bytes);
  return (float8)(table[index.s0], table[index.s1], table[index.s2], table[index.s3], table[index.s4], table[index.s5],
                  table[index.s6], table[index.s7]);
}
#define NUMBERS8(bytes) look_up8(bytes, table)
#else
#define NUMBERS8(bytes) numbers8(bytes)
#endif

__attribute__((reqd_work_group_size(WORK_GROUP, 1, 1))) __kernel void FRAME_ENTRY(dequantize_, gpu)(
    FORMAT_PARTS, __global half* out, uint rows, uint columns) {
#ifdef FORMAT_TABLE
  __local float table[16];
  if (get_local_id(0) < 16) table[get_local_id(0)] = number_of((uint)get_local_id(0));
  barrier(CLK_LOCAL_MEM_FENCE);
#endif
  const uint first = (uint)get_global_id(0) * DEQUANTIZED_COLUMNS, row = (uint)get_global_id(1) * ROWS;
  if (first >= columns || row >= rows) return;
  const size_t steps = steps_of(columns);
  const uint step = first / 32, part = first / 8 % 4;
  if (columns % DEQUANTIZED_COLUMNS == 0) {
    uint2 bytes[ROWS];
    Affine affine[ROWS];
    FOR_EACH_ROW bytes[i] = load_bytes8(FORMAT_ARGUMENTS, ROW_OF(i) * steps + step, part);
    FOR_EACH_ROW affine[i] = affine_of(FORMAT_ARGUMENTS, ROW_OF(i), ROW_OF(i) * steps + step, part / 2);
    FOR_EACH_ROW store_packed(WEIGHT(float8, NUMBERS8(bytes[i]), affine[i]), out + (size_t)ROW_OF(i) * columns + first);
    return;
  }
  for (uint r = row; r < min(row + ROWS, rows); ++r) {
    const size_t at = r * steps + step;
    const Affine affine = affine_of(FORMAT_ARGUMENTS, r, at, part / 2);
    for (uint k = 0; k < min((uint)DEQUANTIZED_COLUMNS, columns - first); ++k) {
      vstore_half_rte(WEIGHT(float, code_of(FORMAT_ARGUMENTS, at, 8 * part + k), affine), (size_t)r * columns + first + k, out);
    }
  }
}
