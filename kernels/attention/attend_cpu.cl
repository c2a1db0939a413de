// attend (attend_reference.cl) on the CPU family: work-item (token, split) takes all heads, so that it reads its positions
// in the order in which they lie, and keeps its part, [head][HEAD_DIM + 2] floats, in the first or second cache. It takes 16
// positions of one kv head at a time: their scores for the REPEAT heads that share it, then exp, then the values. Keys and
// values are read once, 2 HEAD_DIM bytes of each a position and kv head; REPEAT fma and a conversion per element. Sums of
// lanes are made for VECTOR_WIDTH positions at once: one shuffled addition a position instead of a tree for each.
// Precondition: the global size is tokens x splits.
#include "common/common.clh"
#if !defined(HEAD_DIM) || !defined(REPEAT)
#error "HEAD_DIM and REPEAT are not defined: they come from the extent of a launch"
#endif

#define POSITIONS 16
#define WHOLE (HEAD_DIM / VECTOR_WIDTH * VECTOR_WIDTH)
#define PART (HEAD_DIM + 2)
#define UNROLLED _Pragma("unroll")

// At any multiple of four bytes.
typedef floatv loose_floatv __attribute__((aligned(4), may_alias));
#define PART_AT(pointer) (*(__global loose_floatv*)(pointer))

/// Elements of a head that is no whole vectors start at any multiple of four bytes, and PoCL 3.1 makes of vload_half16 there a
/// load that faults off 16 bytes: the bits are brought first.
static inline floatv load_elements(__global const half* from) {
  const JOIN(short, VECTOR_WIDTH) bits = *(__global const JOIN(loose_short, VECTOR_WIDTH)*)from;
  return JOIN(vload_half, VECTOR_WIDTH)(0, (const half*)&bits);
}

// [sum a, sum b, …] of VECTOR_WIDTH vectors, in their order.
#define HALVE(a, b) (floatv)((a).even + (a).odd, (b).even + (b).odd)
static inline floatv sum_each(const floatv v[VECTOR_WIDTH]) {
  floatv sums[VECTOR_WIDTH];
  UNROLLED for (uint i = 0; i < VECTOR_WIDTH; ++i) sums[i] = v[i];
  UNROLLED for (uint left = VECTOR_WIDTH / 2; left > 0; left /= 2) {
    UNROLLED for (uint i = 0; i < left; ++i) sums[i] = HALVE(sums[2 * i], sums[2 * i + 1]);
  }
  return sums[0];
}

/// Scores of POSITIONS positions, of which `count` are there, for the heads of one kv head. q: their queries over
/// sqrt(head_dim). Of positions beyond the last the last one is read again.
static inline void score_positions(float scores[REPEAT][POSITIONS], const float* q, __global const half* key, size_t row,
                                   uint count) {
  for (uint first = 0; first < POSITIONS; first += VECTOR_WIDTH) {
    floatv sums[REPEAT][VECTOR_WIDTH];
    UNROLLED for (uint i = 0; i < VECTOR_WIDTH; ++i) {
      __global const half* own = key + min(first + i, count - 1) * row;
      UNROLLED for (uint r = 0; r < REPEAT; ++r) sums[r][i] = 0.0f;
      UNROLLED for (uint d = 0; d < WHOLE; d += VECTOR_WIDTH) {
        const floatv element = load_elements(own + d);
        UNROLLED for (uint r = 0; r < REPEAT; ++r) sums[r][i] = fma(element, *(const floatv*)(q + r * WHOLE + d), sums[r][i]);
      }
    }
    UNROLLED for (uint r = 0; r < REPEAT; ++r) *(floatv*)(scores[r] + first) = sum_each(sums[r]);
  }
}

/// The elements that make no whole vector, added to the scores.
static inline void score_rest(float scores[REPEAT][POSITIONS], __global const half* query, __global const half* key, size_t row,
                              uint count) {
  const float scale = 1.0f / sqrt((float)HEAD_DIM);
  for (uint r = 0; r < REPEAT; ++r) {
    for (uint p = 0; p < count; ++p) {
      for (uint d = WHOLE; d < HEAD_DIM; ++d)
        scores[r][p] = fma(vload_half(r * HEAD_DIM + d, query) * scale, vload_half(d, key + p * row), scores[r][p]);
    }
  }
}

/// Turns scores into weights exp(s - top), takes them into the part of each head, and says by what that shrinks.
static inline void weigh(float scores[REPEAT][POSITIONS], float shrink[REPEAT], __global float* part, uint count) {
  UNROLLED for (uint r = 0; r < REPEAT; ++r) {
    __global float* ends = part + r * PART + HEAD_DIM;
    for (uint p = count; p < POSITIONS; ++p) scores[r][p] = -MAXFLOAT;
    const float16 all = *(const float16*)scores[r];
    const float8 tops8 = fmax(all.lo, all.hi);
    const float4 tops4 = fmax(tops8.lo, tops8.hi);
    const float top = fmax(fmax(fmax(tops4.x, tops4.y), fmax(tops4.z, tops4.w)), ends[1]);
    shrink[r] = exp(ends[1] - top);
    const float16 weights = exp(all - top);
    *(float16*)scores[r] = weights;
    ends[0] = fma(ends[0], shrink[r], sum16(weights));
    ends[1] = top;
  }
}

static inline void mix_some(float scores[REPEAT][POSITIONS], float shrink[REPEAT], __global float* part,
                            __global const half* value, size_t row, uint count) {
  UNROLLED for (uint d = 0; d < WHOLE; d += VECTOR_WIDTH) {
    floatv mixed[REPEAT];
    UNROLLED for (uint r = 0; r < REPEAT; ++r) mixed[r] = PART_AT(part + r * PART + d) * shrink[r];
    UNROLLED for (uint p = 0; p < count; ++p) {
      const floatv element = load_elements(value + p * row + d);
      UNROLLED for (uint r = 0; r < REPEAT; ++r) mixed[r] = fma((floatv)(scores[r][p]), element, mixed[r]);
    }
    UNROLLED for (uint r = 0; r < REPEAT; ++r) PART_AT(part + r * PART + d) = mixed[r];
  }
  for (uint r = 0; r < REPEAT; ++r) {
    for (uint d = WHOLE; d < HEAD_DIM; ++d) {
      float mixed = part[r * PART + d] * shrink[r];
      for (uint p = 0; p < count; ++p) mixed = fma(scores[r][p], vload_half(d, value + p * row), mixed);
      part[r * PART + d] = mixed;
    }
  }
}

/// Adds weighted values to what the part holds, shrunk.
static inline void mix(float scores[REPEAT][POSITIONS], float shrink[REPEAT], __global float* part, __global const half* value,
                       size_t row, uint count) {
  if (count == POSITIONS) {
    mix_some(scores, shrink, part, value, row, POSITIONS);
  } else {
    mix_some(scores, shrink, part, value, row, count);
  }
}

CPU_KERNEL void attend_f16_cpu(__global const half* restrict q, __global const half* restrict keys,
                               __global const half* restrict values, __global const uint* restrict position,
                               __global float* restrict parts, uint heads, uint run, uint tokens, uint splits) {
  const uint t = (uint)get_global_id(0), split = (uint)get_global_id(1), kv_heads = heads / REPEAT;
  const uint seen = position[0] + t % run + 1;
  const uint length = (seen + splits - 1) / splits;
  const uint begin = min(split * length, seen), end = min(begin + length, seen);
  const size_t row = (size_t)(tokens / run) * kv_heads * HEAD_DIM;
  const size_t own = (size_t)(t / run) * kv_heads * HEAD_DIM;
  __global const half* query = q + (size_t)t * heads * HEAD_DIM;
  __global float* part = parts + ((size_t)t * splits + split) * heads * PART;
  const float scale = 1.0f / sqrt((float)HEAD_DIM);
  for (uint h = 0; h < heads; ++h) {
    for (uint d = 0; d < HEAD_DIM + 1; ++d) part[h * PART + d] = 0.0f;
    part[h * PART + HEAD_DIM + 1] = -MAXFLOAT;
  }
  for (uint p = begin; p < end; p += POSITIONS) {
    const uint count = min((uint)POSITIONS, end - p);
    for (uint g = 0; g < kv_heads; ++g) {
      const size_t at = p * row + own + g * HEAD_DIM;
      __global const half* group_query = query + (size_t)g * REPEAT * HEAD_DIM;
      __global float* group_part = part + (size_t)g * REPEAT * PART;
      float scaled[REPEAT * WHOLE + VECTOR_WIDTH] __attribute__((aligned(64)));
      UNROLLED for (uint r = 0; r < REPEAT; ++r) {
        UNROLLED for (uint d = 0; d < WHOLE; d += VECTOR_WIDTH) {
          *(floatv*)(scaled + r * WHOLE + d) = load_elements(group_query + r * HEAD_DIM + d) * scale;
        }
      }
      float scores[REPEAT][POSITIONS] __attribute__((aligned(64))), shrink[REPEAT];
      score_positions(scores, scaled, keys + at, row, count);
      if (WHOLE < HEAD_DIM) score_rest(scores, group_query, keys + at, row, count);
      weigh(scores, shrink, group_part, count);
      mix(scores, shrink, group_part, values + at, row, count);
    }
  }
}
