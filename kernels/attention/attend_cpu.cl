// attend (attend_reference.cl) on the CPU family: work-item (token, split) takes all heads, so that it reads its positions
// in the order in which they lie, and keeps its part, [head][HEAD_DIM + 2] floats, in the first or second cache. POSITIONS
// of one kv head at a time: their scores for the REPEAT heads that share it, then exp, then the values. Keys and values are
// read once; 2 HEAD_DIM bytes of each, REPEAT fma per element, a position and kv head.
// Precondition: the global size is tokens x splits.
#include "common/common.clh"
#if !defined(HEAD_DIM) || !defined(REPEAT)
#error "HEAD_DIM and REPEAT are not defined: they come from the extent of a launch"
#endif

#define POSITIONS 16
#define WHOLE (HEAD_DIM / VECTOR_WIDTH * VECTOR_WIDTH)
#define UNROLLED _Pragma("unroll")

/// Scores of `count` positions for the heads of one kv head; those beyond it are -MAXFLOAT.
static inline void score_positions(float scores[REPEAT][POSITIONS], __global const half* q, __global const half* key,
                                   size_t row, uint count) {
  const float scale = 1.0f / sqrt((float)HEAD_DIM);
  for (uint p = 0; p < POSITIONS; ++p, key += row) {
    floatv sums[REPEAT];
    UNROLLED for (uint r = 0; r < REPEAT; ++r) sums[r] = 0.0f;
    if (p < count) {
      UNROLLED for (uint d = 0; d < WHOLE; d += VECTOR_WIDTH) {
        const floatv element = LOAD_HALFV(key + d);
        UNROLLED for (uint r = 0; r < REPEAT; ++r) sums[r] = fma(element, LOAD_HALFV(q + r * HEAD_DIM + d), sums[r]);
      }
    }
    UNROLLED for (uint r = 0; r < REPEAT; ++r) {
      float sum = SUM_FLOATV(sums[r]);
      if (p < count) {
        for (uint d = WHOLE; d < HEAD_DIM; ++d) sum = fma(vload_half(d, key), vload_half(r * HEAD_DIM + d, q), sum);
      }
      scores[r][p] = p < count ? sum * scale : -MAXFLOAT;
    }
  }
}

/// Turns scores into weights exp(s - top) and takes them into the part of each head; what it held is scaled to the new top.
static inline void weigh(float scores[REPEAT][POSITIONS], float scales[REPEAT], __global float* part, uint count) {
  UNROLLED for (uint r = 0; r < REPEAT; ++r) {
    __global float* ends = part + r * (HEAD_DIM + 2) + HEAD_DIM;
    float top = ends[1];
    for (uint p = 0; p < count; ++p) top = fmax(top, scores[r][p]);
    scales[r] = exp(ends[1] - top);
    const float16 weights = exp(vload16(0, scores[r]) - top);
    vstore16(weights, 0, scores[r]);
    ends[0] = ends[0] * scales[r] + sum16(weights);
    ends[1] = top;
  }
}

static inline void mix(float scores[REPEAT][POSITIONS], float scales[REPEAT], __global float* part,
                       __global const half* value, size_t row, uint count) {
  for (uint d = 0; d < WHOLE; d += VECTOR_WIDTH) {
    floatv mixed[REPEAT];
    UNROLLED for (uint r = 0; r < REPEAT; ++r) mixed[r] = LOAD_FLOATV(part + r * (HEAD_DIM + 2) + d) * scales[r];
    for (uint p = 0; p < count; ++p) {
      const floatv element = LOAD_HALFV(value + p * row + d);
      UNROLLED for (uint r = 0; r < REPEAT; ++r) mixed[r] = fma(scores[r][p], element, mixed[r]);
    }
    UNROLLED for (uint r = 0; r < REPEAT; ++r) STORE_FLOATV(mixed[r], part + r * (HEAD_DIM + 2) + d);
  }
  for (uint r = 0; r < REPEAT; ++r) {
    for (uint d = WHOLE; d < HEAD_DIM; ++d) {
      float mixed = part[r * (HEAD_DIM + 2) + d] * scales[r];
      for (uint p = 0; p < count; ++p) mixed = fma(scores[r][p], vload_half(d, value + p * row), mixed);
      part[r * (HEAD_DIM + 2) + d] = mixed;
    }
  }
}

CPU_KERNEL void attend_f16_cpu(__global const half* q, __global const half* keys, __global const half* values,
                               __global const uint* position, __global float* parts, uint heads, uint run, uint tokens,
                               uint splits) {
  const uint t = (uint)get_global_id(0), split = (uint)get_global_id(1), kv_heads = heads / REPEAT;
  const uint seen = position[0] + t % run + 1;
  const uint length = (seen + splits - 1) / splits;
  const uint begin = min(split * length, seen), end = min(begin + length, seen);
  const size_t row = (size_t)(tokens / run) * kv_heads * HEAD_DIM;
  const size_t own = (size_t)(t / run) * kv_heads * HEAD_DIM;
  __global const half* query = q + (size_t)t * heads * HEAD_DIM;
  __global float* part = parts + ((size_t)t * splits + split) * heads * (HEAD_DIM + 2);
  for (uint h = 0; h < heads; ++h) {
    for (uint d = 0; d < HEAD_DIM + 1; ++d) part[h * (HEAD_DIM + 2) + d] = 0.0f;
    part[h * (HEAD_DIM + 2) + HEAD_DIM + 1] = -MAXFLOAT;
  }
  for (uint p = begin; p < end; p += POSITIONS) {
    const uint count = min((uint)POSITIONS, end - p);
    for (uint g = 0; g < kv_heads; ++g) {
      const size_t at = p * row + own + g * HEAD_DIM;
      __global float* heads_part = part + (size_t)g * REPEAT * (HEAD_DIM + 2);
      float scores[REPEAT][POSITIONS], scales[REPEAT];
      score_positions(scores, query + (size_t)g * REPEAT * HEAD_DIM, keys + at, row, count);
      weigh(scores, scales, heads_part, count);
      mix(scores, scales, heads_part, values + at, row, count);
    }
  }
}
