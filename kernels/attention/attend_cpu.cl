// attend (attend_reference.cl) on the CPU family: work-item (token, split) takes all heads, and keeps its part,
// [head][HEAD_DIM + 2] floats, in the first or second cache. Of POSITIONS positions it takes a kv head at a time: the scores
// of the REPEAT heads that share it, in units of ln 2, then powers of two, then the values. Meanwhile the values of the same
// positions, then the next keys are prefetched; whole blocks of positions lie in STREAMS runs side by side, which gives the
// hardware's prefetchers as many streams. Keys and values are read once: of each 2 HEAD_DIM bytes a position and kv head, or
// HEAD_DIM + 4 of int8. Per vector of them one conversion (two of int8) and REPEAT fma; per VECTOR_WIDTH scores
// 3 (VECTOR_WIDTH - 1) shuffles and additions (add_lanes) and 16 instructions of power_of_2. The scales of int8 meet scores
// and weights, not elements. Accumulators stay in registers: those of STEP positions and all heads with
// keys, of CHUNK vectors and all heads with values.
// Precondition: the global size is tokens x splits.
#include "common/common.clh"
#include "attention/cache.clh"
#if !defined(HEAD_DIM) || !defined(REPEAT)
#error "HEAD_DIM and REPEAT are not defined: they come from the extent of a launch"
#endif

#define STREAMS 4
#define POSITIONS 32
#define WHOLE (HEAD_DIM / VECTOR_WIDTH * VECTOR_WIDTH)
#define PART (HEAD_DIM + 2)
#define UNROLLED _Pragma("unroll")
#define ROLLED _Pragma("nounroll")
// Of 32 vector registers with vectors of 16 (AVX-512), of 16 with vectors of 8: at most 28 and 14 accumulators.
#if 16 * REPEAT <= 7 * VECTOR_WIDTH
#define STEP 4
#elif 8 * REPEAT <= 7 * VECTOR_WIDTH
#define STEP 2
#else
#define STEP 1
#endif
#define CHUNK STEP
#define STEPS (VECTOR_WIDTH / STEP)

#ifdef CACHE_I8
#define LOAD_CACHED(pointer) TO_FLOATV(LOAD_LOOSE(JOIN(loose_char, VECTOR_WIDTH), pointer))
#define SCALED(vector, scales, p) ((vector) * *(const floatv*)((scales) + (p)))
#else
#define LOAD_CACHED(pointer) LOAD_HALFV(pointer)
// Named, so that no parameter of this build is unused.
#define SCALED(vector, scales, p) ((void)(scales), (vector))
#endif
#define PART_AT(pointer) (*(__global loose_floatv*)(pointer))

// Sums of the lanes of VECTOR_WIDTH vectors, in their order, by a tree whose shuffles are each an instruction: within 128
// bits a, b -> a0 + a2, b0 + b2, a1 + a3, b1 + b3; then of two such -> the sums of four; then the halves of vectors.
#if VECTOR_WIDTH == 16
#define PAIRS(a, b)                                                                              \
  (__builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29) +     \
   __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31))
#define FOURS(a, b)                                                                              \
  (__builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +     \
   __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
#define HALVES(a, b)                                                                             \
  (__builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +     \
   __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31))
#else
#define PAIRS(a, b) \
  (__builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13) + __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15))
#define FOURS(a, b) \
  (__builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13) + __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15))
#define HALVES(a, b) \
  (__builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11) + __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15))
#endif
/// The levels of that tree from `level` on over v[0] to v[count - 1], into v[0].
static inline floatv add_lanes(floatv* v, uint count, uint level) {
  UNROLLED for (; count > 1; count /= 2, ++level) {
    UNROLLED for (uint i = 0; i < count / 2; ++i) {
      const floatv a = v[2 * i], b = v[2 * i + 1];
      v[i] = level == 0 ? PAIRS(a, b) : level == 1 ? FOURS(a, b) : HALVES(a, b);
    }
  }
  return v[0];
}

/// 2^x for x <= 0, 2^-126 below: a polynomial on [-0.5, 0.5] (Cephes' exp2f, 1.7e-7), its exponent raised.
static inline floatv power_of_2(floatv x) {
  const floatv limited = x < -126.0f ? (floatv)(-126.0f) : x;  // leaves NaN what it is
  const floatv biased = limited + ROUNDING_BIAS;
  const floatv rest = limited - (biased - ROUNDING_BIAS);
  floatv power = fma(rest, (floatv)(1.535336188319500e-4f), (floatv)(1.339887440266574e-3f));
  power = fma(power, rest, (floatv)(9.618437357674640e-3f));
  power = fma(power, rest, (floatv)(5.550332471162809e-2f));
  power = fma(power, rest, (floatv)(2.402264791363012e-1f));
  power = fma(power, rest, (floatv)(6.931472028550421e-1f));
  power = fma(power, rest, (floatv)(1.0f));
  return JOIN(as_float, VECTOR_WIDTH)(JOIN(as_int, VECTOR_WIDTH)(power) + (JOIN(as_int, VECTOR_WIDTH)(biased) << 23));
}

static inline float top_of(floatv v) {
#if VECTOR_WIDTH == 16
  const float8 top8 = max(v.lo, v.hi);
#else
  const float8 top8 = v;
#endif
  const float4 top4 = max(top8.lo, top8.hi);
  return max(max(top4.x, top4.y), max(top4.z, top4.w));
}

/// The line or lines of a row's head from `from` on, to come.
static inline void prefetch_head(__global const CACHED* from, uint elements) {
  UNROLLED for (uint d = 0; d < elements; d += 64 / sizeof(CACHED)) PREFETCH_LEVEL2((size_t)(from + d));
}

/// Scores of VECTOR_WIDTH positions, whose rows lie `offset` behind `key`, for the heads of one kv head. q: their queries in
/// the scale of the scores. Prefetches the same positions of `value`.
static inline void score_positions(float scores[REPEAT][POSITIONS], uint first, const float* q, __global const CACHED* key,
                                   __global const CACHED* value, const size_t* offset) {
  floatv sums[REPEAT][STEPS];
  ROLLED for (uint i = 0; i < STEPS; ++i) {
    floatv own[REPEAT][STEP];
    UNROLLED for (uint s = 0; s < STEP; ++s) prefetch_head(value + offset[first + i * STEP + s], HEAD_DIM);
    UNROLLED for (uint d = 0; d < WHOLE; d += VECTOR_WIDTH) {
      floatv element[STEP];
      UNROLLED for (uint s = 0; s < STEP; ++s) element[s] = LOAD_CACHED(key + offset[first + i * STEP + s] + d);
      UNROLLED for (uint r = 0; r < REPEAT; ++r) {
        const floatv factor = *(const floatv*)(q + r * WHOLE + d);
        UNROLLED for (uint s = 0; s < STEP; ++s) {
          own[r][s] = d == 0 ? element[s] * factor : fma(element[s], factor, own[r][s]);
        }
      }
    }
    UNROLLED for (uint r = 0; r < REPEAT; ++r) sums[r][i] = add_lanes(own[r], STEP, 0);
  }
  UNROLLED for (uint r = 0; r < REPEAT; ++r) {
    *(floatv*)(scores[r] + first) = add_lanes(sums[r], STEPS, STEP == 4 ? 2 : STEP - 1);
  }
}

/// The elements that make no whole vector, added to the scores.
static inline void score_rest(float scores[REPEAT][POSITIONS], __global const half* query, float scale,
                              __global const CACHED* key, const size_t* offset, uint count) {
  for (uint r = 0; r < REPEAT; ++r) {
    for (uint p = 0; p < count; ++p) {
      for (uint d = WHOLE; d < HEAD_DIM; ++d)
        scores[r][p] = fma(vload_half(r * HEAD_DIM + d, query) * scale, ELEMENT_AT(key + offset[p], d), scores[r][p]);
    }
  }
}

/// Turns the scores of `count` positions, which key_scales scale, into weights 2^(s - top), takes them into the part of each
/// head, says by what that shrinks, and scales the weights as value_scales do values.
static inline void weigh(float scores[REPEAT][POSITIONS], const float* key_scales, const float* value_scales,
                         float shrink[REPEAT], __global float* part, uint count) {
  UNROLLED for (uint r = 0; r < REPEAT; ++r) {
    __global float* ends = part + r * PART + HEAD_DIM;
    UNROLLED for (uint p = 0; p < POSITIONS; p += VECTOR_WIDTH) {
      *(floatv*)(scores[r] + p) = SCALED(*(const floatv*)(scores[r] + p), key_scales, p);
    }
    ROLLED for (uint p = count; p < POSITIONS; ++p) scores[r][p] = -MAXFLOAT;
    floatv tops = *(const floatv*)scores[r], sums = 0.0f;
    UNROLLED for (uint p = VECTOR_WIDTH; p < POSITIONS; p += VECTOR_WIDTH) tops = max(tops, *(const floatv*)(scores[r] + p));
    const float top = max(top_of(tops), ends[1]);
    shrink[r] = power_of_2((floatv)(ends[1] - top)).s0;
    UNROLLED for (uint p = 0; p < POSITIONS; p += VECTOR_WIDTH) {
      const floatv weights = power_of_2(*(const floatv*)(scores[r] + p) - top);
      *(floatv*)(scores[r] + p) = SCALED(weights, value_scales, p);
      sums += weights;
    }
    ends[0] = fma(ends[0], shrink[r], SUM_FLOATV(sums));
    ends[1] = top;
  }
}

/// `vectors` vectors of each head of the part, from `part` on, shrunk, and the weighted values added. Prefetches the same
/// elements of `next`.
static inline void mix_vectors(float scores[REPEAT][POSITIONS], float shrink[REPEAT], __global float* part,
                               __global const CACHED* value, __global const CACHED* next, const size_t* offset,
                               uint count, const uint vectors) {
  floatv mixed[REPEAT][CHUNK];
  UNROLLED for (uint r = 0; r < REPEAT; ++r) {
    UNROLLED for (uint c = 0; c < vectors; ++c) mixed[r][c] = PART_AT(part + r * PART + c * VECTOR_WIDTH) * shrink[r];
  }
  ROLLED for (uint p = 0; p < count; ++p) {
    prefetch_head(next + offset[p], vectors * VECTOR_WIDTH);
    UNROLLED for (uint c = 0; c < vectors; ++c) {
      const floatv element = LOAD_CACHED(value + offset[p] + c * VECTOR_WIDTH);
      UNROLLED for (uint r = 0; r < REPEAT; ++r) mixed[r][c] = fma((floatv)(scores[r][p]), element, mixed[r][c]);
    }
  }
  UNROLLED for (uint r = 0; r < REPEAT; ++r) {
    UNROLLED for (uint c = 0; c < vectors; ++c) PART_AT(part + r * PART + c * VECTOR_WIDTH) = mixed[r][c];
  }
}

/// Adds weighted values to what the part holds, shrunk.
static inline void mix(float scores[REPEAT][POSITIONS], float shrink[REPEAT], __global float* part,
                       __global const CACHED* value, __global const CACHED* next, const size_t* offset, uint count) {
  uint d = 0;
  ROLLED for (; d + CHUNK * VECTOR_WIDTH <= WHOLE; d += CHUNK * VECTOR_WIDTH) {
    mix_vectors(scores, shrink, part + d, value + d, next + d, offset, count, CHUNK);
  }
  const uint left = WHOLE / VECTOR_WIDTH % CHUNK;
  if (left > 0) mix_vectors(scores, shrink, part + d, value + d, next + d, offset, count, left);
  for (uint r = 0; r < REPEAT; ++r) {
    for (d = WHOLE; d < HEAD_DIM; ++d) {
      float mixed = part[r * PART + d] * shrink[r];
      for (uint p = 0; p < count; ++p) mixed = fma(scores[r][p], ELEMENT_AT(value + offset[p], d), mixed);
      part[r * PART + d] = mixed;
    }
  }
}

CPU_KERNEL void ATTEND(_cpu)(__global const half* restrict q, CACHE_PARTS(keys), CACHE_PARTS(values),
                             __global const uint* restrict position, __global float* restrict parts, uint heads, uint run,
                             uint tokens, uint splits) {
  const uint t = (uint)get_global_id(0), split = (uint)get_global_id(1), kv_heads = heads / REPEAT;
  const uint seen = position[0] + t % run + 1;
  const uint length = (seen + splits - 1) / splits;
  const uint begin = min(split * length, seen), end = min(begin + length, seen);
  const size_t row = (size_t)(tokens / run) * kv_heads * HEAD_DIM;
  const size_t own = (size_t)(t / run) * kv_heads * HEAD_DIM;
  __global float* part = parts + ((size_t)t * splits + split) * heads * PART;
  const float scale = M_LOG2E_F / sqrt((float)HEAD_DIM);
  for (uint h = 0; h < heads; ++h) {
    for (uint d = 0; d < HEAD_DIM + 1; ++d) part[h * PART + d] = 0.0f;
    part[h * PART + HEAD_DIM + 1] = -MAXFLOAT;
  }
  const uint stream = (end - begin) / POSITIONS * (POSITIONS / STREAMS);  // positions of one
  for (uint done = 0; begin + done < end; done += POSITIONS) {
    const uint count = min((uint)POSITIONS, end - begin - done);
    size_t offset[POSITIONS];  // beyond the last position the last one is read again
    ROLLED for (uint i = 0; i < POSITIONS; ++i) {
      const uint place = count == POSITIONS ? i % STREAMS * stream + done / STREAMS + i / STREAMS : done + min(i, count - 1);
      offset[i] = own + (begin + place) * row;
    }
    for (uint g = 0; g < kv_heads; ++g) {
      __global const half* query = q + ((size_t)t * heads + g * REPEAT) * HEAD_DIM;
      __global float* group_part = part + (size_t)g * REPEAT * PART;
      float scaled[REPEAT * WHOLE + VECTOR_WIDTH] __attribute__((aligned(64)));
      UNROLLED for (uint r = 0; r < REPEAT; ++r) {
        UNROLLED for (uint d = 0; d < WHOLE; d += VECTOR_WIDTH) {
          *(floatv*)(scaled + r * WHOLE + d) = LOAD_HALFV(query + r * HEAD_DIM + d) * scale;
        }
      }
      float scores[REPEAT][POSITIONS] __attribute__((aligned(64))), shrink[REPEAT];
      __global const CACHED *key = keys + g * HEAD_DIM, *value = values + g * HEAD_DIM;
      ROLLED for (uint i = 0; i < POSITIONS; i += VECTOR_WIDTH) score_positions(scores, i, scaled, key, value, offset);
      if (WHOLE < HEAD_DIM) score_rest(scores, query, scale, key, offset, count);
      float key_scales[POSITIONS] __attribute__((aligned(64))), value_scales[POSITIONS] __attribute__((aligned(64)));
#ifdef CACHE_I8
      ROLLED for (uint i = 0; i < POSITIONS; ++i) {
        key_scales[i] = SCALE_AT(keys, offset[i] / HEAD_DIM + g);
        value_scales[i] = SCALE_AT(values, offset[i] / HEAD_DIM + g);
      }
#endif
      weigh(scores, key_scales, value_scales, shrink, group_part, count);
      __global const CACHED* next = g + 1 < kv_heads ? key + HEAD_DIM : keys + POSITIONS / STREAMS * row;
      mix(scores, shrink, group_part, value, next, offset, count);
    }
  }
  for (uint h = 0; h < heads; ++h) part[h * PART + HEAD_DIM + 1] *= M_LN2_F;  // combine_heads takes units of 1
}
