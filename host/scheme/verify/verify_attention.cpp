// The passes of attention, each run alone against sums in double.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "scheme/verify/verify_support.hpp"

namespace qtrap::scheme {
namespace {

using device::Buffer;
using enum OperationKind;

/// Of one shape: eight or three new tokens of each sequence where `tokens` allows, else one; 77 positions filled
/// before, which gives one part two whole blocks of the CPU family's 32 and a rest, and leaves the last of many parts
/// empty.
constexpr std::uint64_t kFilled = 77;
AttentionShape shape_of(const Extent& e) {
  const std::uint64_t run = e.tokens % 8 == 0 ? 8 : e.tokens % 3 == 0 ? 3 : 1;
  return {e.rows, e.count, e.columns, e.tokens / run, run, kFilled + run + 2, e.splits};
}

double half_at(const HalfBits& bits, std::uint64_t i) { return static_cast<double>(float_from_half(bits[i])); }

/// The format of the caches of an operation.
CacheFormat cache_of(const OperationId& operation) {
  const auto* const found = std::find_if(kCacheFormats.begin(), kCacheFormats.end(),
                                         [&](const CacheInfo& one) { return form_of(one.format) == operation.form; });
  return found->format;
}

/// Keys or values as they lie in a cache: f16, or codes of int8 and the scales of their heads.
struct Cached {
  HalfBits halves;
  std::vector<std::int8_t> codes;
  std::vector<float> scales;

  /// Rows of `width` elements, those of int8 with a scale of their own; the first row is zeros.
  static Cached make(const HalfBits& halves, CacheFormat format, std::uint64_t width) {
    if (info(format).scale_bytes == 0) return {halves, {}, {}};
    Cached cached;
    for (std::uint64_t row = 0; row < halves.size() / width; ++row) {
      double top = 0;
      for (std::uint64_t d = 0; d < width && row > 0; ++d)
        top = std::max(top, std::fabs(half_at(halves, row * width + d)));
      cached.scales.push_back(top > 0 ? static_cast<float>(top / 127) : 1.0F);
      for (std::uint64_t d = 0; d < width; ++d) {
        const double code = row > 0 ? half_at(halves, row * width + d) / static_cast<double>(cached.scales.back()) : 0;
        cached.codes.push_back(static_cast<std::int8_t>(std::clamp(std::nearbyint(code), -127.0, 127.0)));
      }
    }
    return cached;
  }
  double at(std::uint64_t i) const {
    if (codes.empty()) return half_at(halves, i);
    return static_cast<double>(codes[i]) * static_cast<double>(scales[i / (codes.size() / scales.size())]);
  }
  CacheBuffers upload(VerifyBench& bench) const {
    if (codes.empty()) return {bench.upload(halves), {}};
    return {bench.upload(codes), bench.upload(scales)};
  }
};

struct Trial {
  AttentionShape shape;
  CacheFormat format;
  HalfBits q;
  Cached keys, values;

  Trial(const Extent& e, CacheFormat cache)
      : shape(shape_of(e)),
        format(cache),
        q(random_halves(shape.tokens() * shape.heads * shape.head_dim, 2.0F, 21)),
        keys(Cached::make(random_halves(shape.cache_elements(), 1.0F, 22), cache, shape.head_dim)),
        values(Cached::make(random_halves(shape.cache_elements(), 1.0F, 23), cache, shape.head_dim)) {}

  std::uint64_t cached(std::uint64_t position, std::uint64_t token, std::uint64_t head) const {
    const std::uint64_t own = head / (shape.heads / shape.kv_heads);
    return ((position * shape.sequences + token / shape.run) * shape.kv_heads + own) * shape.head_dim;
  }
};

/// What attention gives for one head of a token, and the magnitudes that bound its rounding errors.
struct Mixed {
  std::vector<double> values, magnitudes;
  double score_magnitude = 0;  ///< largest sum of |q k| over a position
};

Mixed mix(const Trial& trial, std::uint64_t token, std::uint64_t head) {
  const AttentionShape& s = trial.shape;
  const std::uint64_t seen = kFilled + token % s.run + 1;
  const double scale = 1 / std::sqrt(static_cast<double>(s.head_dim));
  Mixed mixed{std::vector<double>(s.head_dim), std::vector<double>(s.head_dim)};
  std::vector<double> weights(seen);
  for (std::uint64_t p = 0; p < seen; ++p) {
    double magnitude = 0;
    for (std::uint64_t d = 0; d < s.head_dim; ++d) {
      const double product = half_at(trial.q, (token * s.heads + head) * s.head_dim + d) *
                             trial.keys.at(trial.cached(p, token, head) + d) * scale;
      weights[p] += product;
      magnitude += std::fabs(product);
    }
    mixed.score_magnitude = std::max(mixed.score_magnitude, magnitude);
  }
  const double top = *std::max_element(weights.begin(), weights.end());
  double sum = 0;
  for (double& weight : weights) sum += weight = std::exp(weight - top);
  for (std::uint64_t p = 0; p < seen; ++p) {
    for (std::uint64_t d = 0; d < s.head_dim; ++d) {
      const double term = weights[p] / sum * trial.values.at(trial.cached(p, token, head) + d);
      mixed.values[d] += term;
      mixed.magnitudes[d] += std::fabs(term);
    }
  }
  return mixed;
}

/// The parts of a head joined, as combine_heads does.
std::vector<double> join(const std::vector<float>& parts, const AttentionShape& s, std::uint64_t token,
                         std::uint64_t head) {
  const std::uint64_t length = s.head_dim + 2;
  const auto at = [&](std::uint64_t split, std::uint64_t i) {
    return static_cast<double>(parts[((token * s.splits + split) * s.heads + head) * length + i]);
  };
  double top = at(0, s.head_dim + 1);
  for (std::uint64_t split = 1; split < s.splits; ++split) top = std::max(top, at(split, s.head_dim + 1));
  double sum = 0;
  std::vector<double> joined(s.head_dim);
  for (std::uint64_t split = 0; split < s.splits; ++split) {
    const double weight = std::exp(at(split, s.head_dim + 1) - top);
    sum += weight * at(split, s.head_dim);
    for (std::uint64_t d = 0; d < s.head_dim; ++d) joined[d] += weight * at(split, d);
  }
  for (double& value : joined) value /= sum;
  return joined;
}

/// A score is off by head_dim + 8 roundings of its magnitude, twice in the quotient of two exponentials; sums over
/// positions and parts add their lengths, exp 4 ulp each.
double tolerance_of(const AttentionShape& s, double score_magnitude) {
  const auto length = static_cast<double>(s.capacity + s.splits + 32);
  return (2 * score_magnitude * static_cast<double>(s.head_dim + 8) + length) * kFloatUlp;
}

Comparison compare_parts(const std::vector<float>& parts, const Trial& trial) {
  const AttentionShape& s = trial.shape;
  Comparison worst;
  for (std::uint64_t token = 0; token < s.tokens(); ++token) {
    for (std::uint64_t head = 0; head < s.heads; ++head) {
      const Mixed expected = mix(trial, token, head);
      const double tolerance = tolerance_of(s, expected.score_magnitude);
      const std::vector<double> found = join(parts, s, token, head);
      for (std::uint64_t d = 0; d < s.head_dim; ++d) {
        const double error = std::fabs(found[d] - expected.values[d]) / expected.magnitudes[d];
        if (!std::isfinite(error)) return {1, tolerance, "a result is not finite"};
        if (worst.tolerance == 0 || error / tolerance > worst.error / worst.tolerance) worst = {error, tolerance, {}};
      }
    }
  }
  return worst;
}

Result<Comparison> run_attend(VerifyBench& bench, const VerifyCase& one, const KernelEntry&, const Extent& e) {
  const Trial trial(e, cache_of(one.operation));
  const Buffer q = bench.upload(trial.q);
  const KvCache cache{trial.format, trial.keys.upload(bench), trial.values.upload(bench)};
  const Buffer position = bench.upload(std::vector<std::uint32_t>{kFilled});
  const Buffer parts = bench.make_output(trial.shape.part_bytes());
  return run_pass(
      bench, [&](const PassMaker& maker) { return maker.attend(q, cache, position, parts, trial.shape); },
      [&] { return compare_parts(bench.download<float>(parts), trial); });
}

Result<Comparison> run_combine(VerifyBench& bench, const VerifyCase&, const KernelEntry&, const Extent& e) {
  const AttentionShape s = shape_of(e);
  std::vector<float> parts(s.part_bytes() / sizeof(float));
  for (std::uint64_t i = 0; i < parts.size(); ++i) {
    parts[i] = reference_random(i, 1.0F, kSeed, 24);
    if (i % (s.head_dim + 2) == s.head_dim) parts[i] = 1 + std::fabs(parts[i]);  // a sum of exponentials
  }
  std::vector<double> expected;
  for (std::uint64_t token = 0; token < s.tokens(); ++token) {
    for (std::uint64_t head = 0; head < s.heads; ++head) {
      const std::vector<double> joined = join(parts, s, token, head);
      expected.insert(expected.end(), joined.begin(), joined.end());
    }
  }
  const std::vector<double> scale(expected.size(), 4.0);  // largest numbers of the parts
  const Buffer in = bench.upload(parts);
  const Buffer out = bench.make_output(2 * expected.size());
  const double tolerance = static_cast<double>(s.splits + 16) * kFloatUlp;
  return run_pass(
      bench, [&](const PassMaker& maker) { return maker.combine_heads(in, out, s); },
      [&] { return compare_halves(bench.download<std::uint16_t>(out), expected, scale, tolerance); });
}

/// New tokens before and after: q rotated, and what their positions of the caches hold.
struct Rotation {
  AttentionShape shape;
  RotaryPairs pairs;
  std::vector<float> angles;  ///< (cos, sin) of [position][pair]

  explicit Rotation(const Extent& e)
      : shape(shape_of(e)), pairs(e.splits % 2 == 0 ? RotaryPairs::kInterleaved : RotaryPairs::kHalves) {
    for (std::uint64_t i = 0; i < shape.capacity * shape.head_dim / 2; ++i) {
      const auto angle = static_cast<double>(reference_random(i, 2.0F, kSeed, 25));
      angles.push_back(static_cast<float>(std::cos(angle)));
      angles.push_back(static_cast<float>(std::sin(angle)));
    }
  }

  /// Element d of a head at `from`, turned by the angles of `position`, and the magnitude of its terms.
  std::pair<double, double> turn(const HalfBits& x, std::uint64_t from, std::uint64_t position, std::uint64_t d) const {
    const std::uint64_t half = shape.head_dim / 2;
    const bool interleaved = pairs == RotaryPairs::kInterleaved;
    const std::uint64_t pair = interleaved ? d / 2 : d % half;
    const bool is_second = interleaved ? d % 2 == 1 : d >= half;
    const std::uint64_t other = interleaved ? d ^ 1U : (d + half) % shape.head_dim;
    const double cosine = static_cast<double>(angles[2 * (position * half + pair)]);
    const double sine = static_cast<double>(angles[2 * (position * half + pair) + 1]) * (is_second ? 1 : -1);
    const double first = half_at(x, from + d) * cosine;
    const double second = half_at(x, from + other) * sine;
    return {first + second, std::fabs(first) + std::fabs(second)};
  }
};

/// What heads of new tokens become, exactly and as the magnitude of the terms; values are not turned.
struct Turned {
  std::vector<double> exact, magnitudes;
};
Turned turn_all(const HalfBits& in, const Rotation& r, std::uint64_t heads, bool turned) {
  Turned all;
  for (std::uint64_t i = 0; i < in.size(); ++i) {
    const std::uint64_t d = i % r.shape.head_dim;
    const std::uint64_t token = i / (heads * r.shape.head_dim);
    const auto [value, magnitude] =
        turned ? r.turn(in, i - d, kFilled + token % r.shape.run, d) : std::pair(half_at(in, i), half_at(in, i));
    all.exact.push_back(value);
    all.magnitudes.push_back(std::fabs(magnitude));
  }
  return all;
}

Comparison compare_turned(const HalfBits& found, const Turned& expected, bool turned) {
  return compare_halves(found, expected.exact, expected.magnitudes, turned ? 4 * kFloatUlp : 0);
}

/// Errors of codes in units of their scale: half of one, and what turning and dividing in f32 adds to elements of up to
/// 127 of them. The scale is within that of the exact one.
Comparison compare_codes(const std::vector<std::int8_t>& codes, const std::vector<float>& scales,
                         const Turned& expected) {
  constexpr double kTolerance = 0.5 + 127 * 16 * kFloatUlp;
  const std::uint64_t width = codes.size() / scales.size();
  Comparison worst{0, kTolerance, {}};
  for (std::uint64_t row = 0; row < scales.size(); ++row) {
    const auto first = expected.exact.begin() + static_cast<std::ptrdiff_t>(row * width);
    double top = 0;
    for (std::uint64_t d = 0; d < width; ++d) top = std::max(top, std::fabs(first[static_cast<std::ptrdiff_t>(d)]));
    const auto scale = static_cast<double>(scales[row]);
    const double exact = top > 0 ? top / 127 : 1;
    if (!(std::fabs(scale - exact) <= 16 * kFloatUlp * exact)) return {1, 0, "a scale is not that of its head"};
    for (std::uint64_t d = 0; d < width; ++d) {
      const double code = codes[row * width + d];
      worst.error = std::max(worst.error, std::fabs(code - first[static_cast<std::ptrdiff_t>(d)] / scale));
    }
  }
  return worst;
}

/// The new tokens of a cache in their own order, of `width` numbers a token; a problem where other positions were
/// written.
template <class T>
Result<std::vector<T>> new_tokens(const std::vector<T>& cache, const AttentionShape& s, std::uint64_t width) {
  using Bytes = std::array<std::uint8_t, sizeof(T)>;
  Bytes spared{};
  spared.fill(0xA5);
  std::vector<T> own(s.tokens() * width);
  for (std::uint64_t i = 0; i < cache.size(); ++i) {
    const std::uint64_t position = i / (s.sequences * width);
    const std::uint64_t sequence = i / width % s.sequences;
    if (position >= kFilled && position < kFilled + s.run) {
      own[(sequence * s.run + position - kFilled) * width + i % width] = cache[i];
    } else if (std::bit_cast<Bytes>(cache[i]) != spared) {
      return runtime_error("a position of the cache that is not a new token's was written", "", "");
    }
  }
  return own;
}

CacheBuffers make_spared(VerifyBench& bench, const AttentionShape& s, CacheFormat format) {
  const CacheInfo& row = info(format);
  CacheBuffers made{bench.make_output(row.element_bytes(s.head_dim) * s.cache_heads()), {}};
  if (row.scale_bytes > 0) made.scales = bench.make_output(row.scale_bytes * s.cache_heads());
  return made;
}

/// The new tokens of a cache beside what they should be.
Comparison compare_stored(VerifyBench& bench, const CacheBuffers& cache, CacheFormat format, const Turned& expected,
                          const AttentionShape& s, bool turned) {
  const std::uint64_t width = s.kv_heads * s.head_dim;
  if (info(format).scale_bytes == 0) {
    const auto stored = new_tokens(bench.download<std::uint16_t>(cache.elements), s, width);
    return stored ? compare_turned(stored.value(), expected, turned) : Comparison{1, 0, stored.error().message()};
  }
  const auto codes = new_tokens(bench.download<std::int8_t>(cache.elements), s, width);
  if (!codes) return {1, 0, codes.error().message()};
  const auto scales = new_tokens(bench.download<float>(cache.scales), s, s.kv_heads);
  if (!scales) return {1, 0, scales.error().message()};
  return compare_codes(codes.value(), scales.value(), expected);
}

Result<Comparison> run_rotate_store(VerifyBench& bench, const VerifyCase& one, const KernelEntry&, const Extent& e) {
  const Rotation r(e);
  const AttentionShape& s = r.shape;
  const CacheFormat format = cache_of(one.operation);
  const std::uint64_t own = s.tokens() * s.kv_heads * s.head_dim;
  const HalfBits q = random_halves(s.tokens() * s.heads * s.head_dim, 1.0F, 26);
  HalfBits k = random_halves(own, 1.0F, 27);
  HalfBits v = random_halves(own, 1.0F, 28);
  std::fill_n(k.begin(), s.head_dim, 0);  // heads of zeros, the first and the last
  std::fill_n(v.rbegin(), s.head_dim, 0);
  // Apart, q becomes what it is turned into; in rows of a wider tensor it stays.
  const std::uint64_t q_width = s.heads * s.head_dim;
  const std::uint64_t kv_width = s.kv_heads * s.head_dim;
  const Buffer turned = bench.make_output(2 * q.size());
  device::write_vector(bench.device(), turned, q);
  const Buffer wide = bench.upload(widen(q, q_width, e.beside));
  const Buffer keys_in = bench.upload(widen(k, kv_width, e.beside));
  const Buffer values_in = bench.upload(widen(v, kv_width, e.beside));
  const QueryKeyValue in{columns_of(e.beside > 0 ? wide : turned, q_width, e.beside),
                         columns_of(keys_in, kv_width, e.beside), columns_of(values_in, kv_width, e.beside)};
  const Buffer angles = bench.upload(r.angles);
  const Buffer position = bench.upload(std::vector<std::uint32_t>{kFilled});
  const KvCache cache{format, make_spared(bench, s, format), make_spared(bench, s, format)};
  return run_pass(
      bench,
      [&](const PassMaker& maker) { return maker.rotate_store(in, turned, angles, position, cache, s, r.pairs); },
      [&] {
        const Comparison of_q =
            compare_turned(bench.download<std::uint16_t>(turned), turn_all(q, r, s.heads, true), true);
        const auto of_keys = compare_stored(bench, cache.keys, format, turn_all(k, r, s.kv_heads, true), s, true);
        const auto of_values = compare_stored(bench, cache.values, format, turn_all(v, r, s.kv_heads, false), s, false);
        Comparison worst = of_q;
        for (const Comparison* stored : {&of_keys, &of_values}) {
          if (!worst.problem.empty() || worst.error > worst.tolerance) break;
          if (!stored->problem.empty() || stored->error > stored->tolerance || stored->error > worst.error)
            worst = *stored;
        }
        return worst;
      });
}

/// Heads of models (Llama 3 8B, SmolLM2, OpenLLaMA 3B, one head for all) and odd ones, of whole vectors and not; one
/// token, runs of three and eight, sequences.
std::vector<Extent> attention_extents(bool small) {
  std::vector<Extent> out{{.count = 1, .rows = 2, .columns = 16, .tokens = 1, .splits = 1},
                          {.count = 3, .rows = 9, .columns = 64, .tokens = 2, .splits = 4},
                          {.count = 2, .rows = 4, .columns = 20, .tokens = 3, .splits = 2},
                          {.count = 2, .rows = 6, .columns = 64, .tokens = 16, .splits = 1}};
  if (!small) {
    out.push_back({.count = 8, .rows = 32, .columns = 128, .tokens = 1, .splits = 3});
    out.push_back({.count = 2, .rows = 8, .columns = 128, .tokens = 3, .splits = 8});
    out.push_back({.count = 2, .rows = 2, .columns = 80, .tokens = 4, .splits = 30});
    out.push_back({.count = 4, .rows = 4, .columns = 100, .tokens = 2, .splits = 3});
    out.push_back({.count = 1, .rows = 8, .columns = 256, .tokens = 6, .splits = 2});
  }
  return out;
}

std::vector<Extent> rotation_extents(bool small) {
  std::vector<Extent> out = attention_extents(small);
  out.push_back({.count = 2, .rows = 4, .columns = 20, .tokens = 3, .splits = 2, .beside = 3});
  out.push_back({.count = 1, .rows = 3, .columns = 16, .tokens = 2, .splits = 1, .beside = 8});
  return out;
}

const std::array kCases{
    VerifyCase{{kRotateStore}, rotation_extents, false, run_rotate_store},
    VerifyCase{{kAttend}, attention_extents, false, run_attend},
    VerifyCase{{kRotateStore, {}, Form::kI8}, rotation_extents, false, run_rotate_store},
    VerifyCase{{kAttend, {}, Form::kI8}, attention_extents, false, run_attend},
    VerifyCase{{kCombineHeads}, attention_extents, false, run_combine},
};

}  // namespace

std::span<const VerifyCase> attention_cases() { return kCases; }

}  // namespace qtrap::scheme
