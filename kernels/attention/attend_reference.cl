// Attention of new tokens over their caches, in parts: the positions that a token sees, those up to its own, are split into
// `splits` runs of equal length (the last ones shorter or empty). For each part and head, with s = q k / sqrt(head_dim),
//   top = max s,  sum = sum exp(s - top),  mixed[d] = sum exp(s - top) v[d];  f32; an empty part: -MAXFLOAT, 0, zeros
// in parts [token][split][head][head_dim + 2]: mixed, sum, top. combine_heads joins them. Caches as in attention/cache.clh;
// query head h reads kv head h / REPEAT. Work-item (head, token, split), two passes over its keys: a position's keys twice
// and its values once. Preconditions: HEAD_DIM and REPEAT are the model's.
#include "common/common.clh"
#include "attention/cache.clh"
#if !defined(HEAD_DIM) || !defined(REPEAT)
#error "HEAD_DIM and REPEAT are not defined: they come from the extent of a launch"
#endif

static inline float score_of(__global const half* q, __global const CACHED* key, float scale) {
  float sum = 0.0f;
  for (uint d = 0; d < HEAD_DIM; ++d) sum = fma(vload_half(d, q), ELEMENT_AT(key, d), sum);
  return sum * scale / sqrt((float)HEAD_DIM);
}

__kernel void ATTEND(_reference)(__global const half* q, CACHE_PARTS(keys), CACHE_PARTS(values), __global const uint* position,
                                 __global float* parts, uint heads, uint run, uint tokens, uint splits) {
  const uint h = (uint)get_global_id(0), t = (uint)get_global_id(1), split = (uint)get_global_id(2);
  const uint seen = position[0] + t % run + 1;
  const uint length = (seen + splits - 1) / splits;
  const uint begin = min(split * length, seen), end = min(begin + length, seen);
  const size_t row = (size_t)(tokens / run) * (heads / REPEAT);  // heads of a cache from position to position
  const size_t own = (size_t)(t / run) * (heads / REPEAT) + h / REPEAT;
  __global const half* query = q + ((size_t)t * heads + h) * HEAD_DIM;
  __global float* part = parts + (((size_t)t * splits + split) * heads + h) * (HEAD_DIM + 2);
  float top = -MAXFLOAT, sum = 0.0f;
  for (uint p = begin; p < end; ++p) {
    const size_t head = p * row + own;
    top = fmax(top, score_of(query, keys + head * HEAD_DIM, SCALE_AT(keys, head)));
  }
  for (uint d = 0; d < HEAD_DIM; ++d) part[d] = 0.0f;
  for (uint p = begin; p < end; ++p) {
    const size_t head = p * row + own;
    const float weight = exp(score_of(query, keys + head * HEAD_DIM, SCALE_AT(keys, head)) - top);
    const float factor = weight * SCALE_AT(values, head);
    sum += weight;
    for (uint d = 0; d < HEAD_DIM; ++d) part[d] = fma(factor, ELEMENT_AT(values + head * HEAD_DIM, d), part[d]);
  }
  part[HEAD_DIM] = sum;
  part[HEAD_DIM + 1] = top;
}
