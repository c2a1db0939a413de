// attend (attend_reference.cl) on the GPU family. Work-group (kv head, token, split) of WORK_GROUP items takes WORK_GROUP
// positions at a time: an item scores one position for the REPEAT heads that share the kv head, 8 elements at a time; the
// group finds their tops; then an item mixes elements WORK_GROUP apart of the values, neighbours neighbouring elements.
// Keys and values are read once, REPEAT fma per element. Local memory: REPEAT (HEAD_DIM + WORK_GROUP) floats, WORK_GROUP more
// of int8 for the scales of the values.
// Heads that are no whole vectors of 8 do not start on 8 elements: their keys are read element by element.
// Precondition: buffers start on 16 bytes.
#include "common/common.clh"
#include "attention/cache.clh"
#if !defined(HEAD_DIM) || !defined(REPEAT) || !defined(WORK_GROUP)
#error "HEAD_DIM, REPEAT and WORK_GROUP are not defined: they come from the extent of a launch and its tuning"
#endif

#define MIXED ((HEAD_DIM + WORK_GROUP - 1) / WORK_GROUP)
#define UNROLLED _Pragma("unroll")

#if HEAD_DIM % 8 == 0 && defined(CACHE_I8)
#define KEY_ELEMENTS(key) convert_float8(as_char8(*(__global const uint2*)(key)))
#elif HEAD_DIM % 8 == 0
#define KEY_ELEMENTS(key) half8_of(*(__global const uint4*)(key))
#elif defined(CACHE_I8)
#define KEY_ELEMENTS(key) convert_float8(vload8(0, key))
#else
#define KEY_ELEMENTS(key) vload_half8(0, key)
#endif
#define WHOLE (HEAD_DIM / 8 * 8)
#ifdef CACHE_I8
#define VALUE_SCALE(i) value_scales[i]
#else
#define VALUE_SCALE(i) 1.0f
#endif

/// Scores of one position for all heads of the group; q is the queries as floats, `scale` that of the key.
static inline void score_position(float scores[REPEAT], __local const float* q, __global const CACHED* key, float scale) {
  UNROLLED for (uint r = 0; r < REPEAT; ++r) scores[r] = 0.0f;
  for (uint d = 0; d < WHOLE; d += 8) {
    const float8 element = KEY_ELEMENTS(key + d);
    UNROLLED for (uint r = 0; r < REPEAT; ++r) {
      const float8 product = element * vload8(0, q + r * HEAD_DIM + d);
      scores[r] += sum8(product);
    }
  }
  for (uint d = WHOLE; d < HEAD_DIM; ++d) {
    const float element = ELEMENT_AT(key, d);
    UNROLLED for (uint r = 0; r < REPEAT; ++r) scores[r] = fma(element, q[r * HEAD_DIM + d], scores[r]);
  }
  UNROLLED for (uint r = 0; r < REPEAT; ++r) scores[r] *= scale;
}

__attribute__((reqd_work_group_size(WORK_GROUP, 1, 1))) __kernel void ATTEND(_gpu)(
    __global const half* q, CACHE_PARTS(keys), CACHE_PARTS(values), __global const uint* position, __global float* parts,
    uint heads, uint run, uint tokens, uint splits) {
  __local float queries[REPEAT * HEAD_DIM], weights[REPEAT * WORK_GROUP];
#ifdef CACHE_I8
  __local float value_scales[WORK_GROUP];
#endif
  const uint item = (uint)get_local_id(0), g = (uint)get_group_id(0), t = (uint)get_group_id(1), split = (uint)get_group_id(2);
  const uint kv_heads = heads / REPEAT, seen = position[0] + t % run + 1;
  const uint length = (seen + splits - 1) / splits;
  const uint begin = min(split * length, seen), end = min(begin + length, seen);
  const size_t row = (size_t)(tokens / run) * kv_heads;  // heads of a cache from position to position
  const size_t own = (size_t)(t / run) * kv_heads + g;
  __global const half* query = q + ((size_t)t * heads + g * REPEAT) * HEAD_DIM;
  const float scale = 1.0f / sqrt((float)HEAD_DIM);
  for (uint i = item; i < REPEAT * HEAD_DIM; i += WORK_GROUP) queries[i] = vload_half(i, query) * scale;
  float top[REPEAT], sum[REPEAT], mixed[REPEAT][MIXED];
  UNROLLED for (uint r = 0; r < REPEAT; ++r) {
    top[r] = -MAXFLOAT;
    sum[r] = 0.0f;
    UNROLLED for (uint m = 0; m < MIXED; ++m) mixed[r][m] = 0.0f;
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint block = begin; block < end; block += WORK_GROUP) {
    const uint count = min((uint)WORK_GROUP, end - block);
    float scores[REPEAT];
    if (item < count) {
      const size_t head = (block + item) * row + own;
      score_position(scores, queries, keys + head * HEAD_DIM, SCALE_AT(keys, head));
#ifdef CACHE_I8
      value_scales[item] = SCALE_AT(values, head);
#endif
      UNROLLED for (uint r = 0; r < REPEAT; ++r) weights[r * WORK_GROUP + item] = scores[r];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    UNROLLED for (uint r = 0; r < REPEAT; ++r) {
      float block_top = top[r];
      for (uint i = 0; i < count; ++i) block_top = fmax(block_top, weights[r * WORK_GROUP + i]);
      const float shrink = exp(top[r] - block_top);
      top[r] = block_top;
      sum[r] *= shrink;
      UNROLLED for (uint m = 0; m < MIXED; ++m) mixed[r][m] *= shrink;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    UNROLLED for (uint r = 0; r < REPEAT; ++r) {
      if (item < count) weights[r * WORK_GROUP + item] = exp(scores[r] - top[r]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint i = 0; i < count; ++i) {
      __global const CACHED* value = values + ((block + i) * row + own) * HEAD_DIM;
      UNROLLED for (uint r = 0; r < REPEAT; ++r) sum[r] += weights[r * WORK_GROUP + i];
      UNROLLED for (uint m = 0; m < MIXED; ++m) {
        const uint d = item + m * WORK_GROUP;
        const float element = d < HEAD_DIM ? ELEMENT_AT(value, d) * VALUE_SCALE(i) : 0.0f;
        UNROLLED for (uint r = 0; r < REPEAT; ++r) mixed[r][m] = fma(weights[r * WORK_GROUP + i], element, mixed[r][m]);
      }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  __global float* part = parts + (((size_t)t * splits + split) * heads + g * REPEAT) * (HEAD_DIM + 2);
  UNROLLED for (uint r = 0; r < REPEAT; ++r) {
    UNROLLED for (uint m = 0; m < MIXED; ++m) {
      const uint d = item + m * WORK_GROUP;
      if (d < HEAD_DIM) part[r * (HEAD_DIM + 2) + d] = mixed[r][m];
    }
    if (item == 0) {
      part[r * (HEAD_DIM + 2) + HEAD_DIM] = sum[r];
      part[r * (HEAD_DIM + 2) + HEAD_DIM + 1] = top[r];
    }
  }
}
