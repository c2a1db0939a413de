#include "scheme/verify_cases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/contract.hpp"
#include "core/half.hpp"
#include "scheme/reference.hpp"

namespace qtrap::scheme {
namespace {

using device::Access;
using device::Buffer;

constexpr double kFloatUlp = 0x1p-24;  // half an ulp of f32, relative
constexpr double kHalfUlp = 0x1p-11;   // half an ulp of f16, relative
constexpr double kHalfTiny = 0x1p-25;  // half an ulp of a subnormal f16
constexpr std::uint64_t kSeed = 0x5EED0123456789ABULL;

// ---- inputs
// ----------------------------------------------------------------------------------------------------------

/// f16 numbers of deviation `sigma`, stream `tensor`.
HalfBits random_halves(std::uint64_t count, float sigma, std::uint64_t tensor) {
  HalfBits bits(count);
  for (std::uint64_t i = 0; i < count; ++i) bits[i] = half_from_float(reference_random(i, sigma, kSeed, tensor));
  return bits;
}

/// Weights with the cases that trip quantizers: a zero row, a positive row, an outlier.
HalfBits trial_weights(ProjectionShape shape) {
  HalfBits bits = random_halves(shape.rows * shape.columns, 0.05F, 1);
  for (std::uint64_t k = 0; k < shape.columns; ++k) {
    if (shape.rows > 2) bits[shape.columns + k] = 0;
    if (shape.rows > 3) bits[2 * shape.columns + k] = static_cast<std::uint16_t>(bits[2 * shape.columns + k] & 0x7FFFU);
  }
  bits.back() = half_from_float(-1.5F);
  return bits;
}

/// Activations of unit deviation, the second far smaller; the third token is zero.
HalfBits trial_activations(std::uint64_t tokens, std::uint64_t columns) {
  HalfBits bits = random_halves(tokens * columns, 1.0F, 2);
  if (columns > 1) bits[1] = half_from_float(1.7e-4F);
  if (tokens > 2) std::fill_n(bits.begin() + static_cast<std::ptrdiff_t>(2 * columns), columns, std::uint16_t{0});
  return bits;
}

// ---- comparisons
// -----------------------------------------------------------------------------------------------------

/// Share of elements whose bits differ.
template <class T>
Comparison compare_bits(const std::vector<T>& found, const std::vector<T>& expected) {
  if (found.size() != expected.size()) return {1, 0, "the output has a wrong size"};
  std::size_t different = 0;
  std::size_t first = 0;
  for (std::size_t i = found.size(); i-- > 0;) {
    if (std::memcmp(&found[i], &expected[i], sizeof(T)) == 0) continue;
    ++different;
    first = i;
  }
  if (different == 0) return {};
  return {static_cast<double>(different) / static_cast<double>(found.size()), 0,
          fmt::format("{} of {} elements differ from the host, the first at {}", different, found.size(), first)};
}

/// Worst |found - expected| beyond the rounding to f16, relative to `scale`.
Comparison compare_halves(const HalfBits& found, const std::vector<double>& expected, const std::vector<double>& scale,
                          double tolerance) {
  Comparison out{0, tolerance, {}};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double difference = std::fabs(static_cast<double>(float_from_half(found[i])) - expected[i]);
    const double excess = difference - std::max(kHalfUlp * std::fabs(expected[i]), kHalfTiny);
    if (!std::isfinite(difference))
      return {std::numeric_limits<double>::infinity(), tolerance, "a result is not finite"};
    if (excess > 0) out.error = std::max(out.error, scale[i] > 0 ? excess / scale[i] : 1.0);
  }
  return out;
}

Comparison finish(VerifyBench& bench, Comparison comparison) {
  if (!bench.canaries_intact()) comparison.problem = "the kernel wrote behind an output buffer";
  return comparison;
}

// ---- elementwise and other small operations
// --------------------------------------------------------------------------

/// Runs a PassMaker pass and compares.
template <class Make, class Compare>
Result<Comparison> run_pass(VerifyBench& bench, Make make, Compare compare) {
  const Result<Pass> pass = make(PassMaker(bench.device(), bench.options()));
  if (!pass) return pass.error();
  bench.run(pass.value());
  return finish(bench, compare());
}

template <bool kToHalf>
Result<Comparison> run_random(VerifyBench& bench, const KernelEntry&, const Extent& e) {
  constexpr float kSigma = 0.02F;
  constexpr std::uint64_t kTensor = (std::uint64_t{3} << 32) + 7;
  const Buffer out = bench.make_output(e.count * (kToHalf ? 2 : 4));
  return run_pass(
      bench,
      [&](const PassMaker& maker) {
        return kToHalf ? maker.random_f16(out, e.count, kSigma, kSeed, kTensor)
                       : maker.random_f32(out, e.count, kSigma, kSeed, kTensor);
      },
      [&] {
        std::vector<float> expected(e.count);
        HalfBits halves(e.count);
        for (std::uint64_t i = 0; i < e.count; ++i) {
          expected[i] = reference_random(i, kSigma, kSeed, kTensor);
          halves[i] = half_from_float(expected[i]);
        }
        return kToHalf ? compare_bits(bench.download<std::uint16_t>(out), halves)
                       : compare_bits(bench.download<float>(out), expected);
      });
}

Result<Comparison> run_cast_f16_f32(VerifyBench& bench, const KernelEntry&, const Extent& e) {
  HalfBits in = random_halves(e.count, 3.0F, 4);
  in.front() = 1;  // the smallest subnormal
  std::vector<float> expected(e.count);
  std::transform(in.begin(), in.end(), expected.begin(), float_from_half);
  const Buffer from = bench.upload(in);
  const Buffer out = bench.make_output(4 * e.count);
  return run_pass(
      bench, [&](const PassMaker& maker) { return maker.cast_f16_f32(from, out, e.count); },
      [&] { return compare_bits(bench.download<float>(out), expected); });
}

Result<Comparison> run_cast_f32_f16(VerifyBench& bench, const KernelEntry&, const Extent& e) {
  std::vector<float> in(e.count);
  for (std::uint64_t i = 0; i < e.count; ++i) in[i] = reference_random(i, 3.0F, kSeed, 5);
  in.front() = 1.00048828125F;  // 1 + 2^-11: a tie, to even
  HalfBits expected(e.count);
  std::transform(in.begin(), in.end(), expected.begin(), half_from_float);
  const Buffer from = bench.upload(in);
  const Buffer out = bench.make_output(2 * e.count);
  return run_pass(
      bench, [&](const PassMaker& maker) { return maker.cast_f32_f16(from, out, e.count); },
      [&] { return compare_bits(bench.download<std::uint16_t>(out), expected); });
}

Result<Comparison> run_rms_norm(VerifyBench& bench, const KernelEntry&, const Extent& e) {
  const HalfBits x = trial_activations(e.tokens, e.columns);
  const HalfBits gamma = random_halves(e.columns, 1.0F, 6);
  std::vector<double> expected(x.size());
  for (std::uint64_t t = 0; t < e.tokens; ++t) {
    double sum = 0;
    for (std::uint64_t i = 0; i < e.columns; ++i) {
      const double value = static_cast<double>(float_from_half(x[t * e.columns + i]));
      sum += value * value;
    }
    const double factor = 1 / std::sqrt(sum / static_cast<double>(e.columns) + 1e-6);
    for (std::uint64_t i = 0; i < e.columns; ++i) {
      expected[t * e.columns + i] = static_cast<double>(float_from_half(x[t * e.columns + i])) * factor *
                                    static_cast<double>(float_from_half(gamma[i]));
    }
  }
  std::vector<double> scale(expected.size());
  std::transform(expected.begin(), expected.end(), scale.begin(), [](double v) { return std::fabs(v); });
  // The sum of squares is off by at most (width + 2) roundings, half of which reach the root; sqrt 3 ulp, two divisions
  // 2.5 ulp each, two products.
  const double tolerance = (static_cast<double>(e.columns) / 2 + 24) * kFloatUlp;
  const Buffer in = bench.upload(x);
  const Buffer weight = bench.upload(gamma);
  const Buffer out = bench.make_output(2 * x.size());
  return run_pass(
      bench, [&](const PassMaker& maker) { return maker.rms_norm(in, weight, out, e.columns, e.tokens); },
      [&] { return compare_halves(bench.download<std::uint16_t>(out), expected, scale, tolerance); });
}

Result<Comparison> run_swiglu(VerifyBench& bench, const KernelEntry&, const Extent& e) {
  const HalfBits gate = random_halves(e.count, 4.0F, 7);
  const HalfBits up = random_halves(e.count, 1.0F, 8);
  std::vector<double> expected(e.count);
  std::vector<double> scale(e.count);
  for (std::uint64_t i = 0; i < e.count; ++i) {
    const double g = static_cast<double>(float_from_half(gate[i]));
    expected[i] = g / (1 + std::exp(-g)) * static_cast<double>(float_from_half(up[i]));
    scale[i] = std::fabs(expected[i]);
  }
  const Buffer a = bench.upload(gate);
  const Buffer b = bench.upload(up);
  const Buffer out = bench.make_output(2 * e.count);
  // exp 3 ulp, division 2.5 ulp, an addition and a product: under 16 half ulps.
  return run_pass(
      bench, [&](const PassMaker& maker) { return maker.swiglu(a, b, out, e.count); },
      [&] { return compare_halves(bench.download<std::uint16_t>(out), expected, scale, 16 * kFloatUlp); });
}

Result<Comparison> run_residual(VerifyBench& bench, const KernelEntry&, const Extent& e) {
  const HalfBits x = random_halves(e.count, 2.0F, 9);
  const HalfBits y = random_halves(e.count, 0.3F, 10);
  HalfBits expected(e.count);
  for (std::uint64_t i = 0; i < e.count; ++i)
    expected[i] = half_from_float(float_from_half(x[i]) + float_from_half(y[i]));
  const Buffer sum = bench.make_output(2 * e.count);
  device::write_vector(bench.device(), sum, x);
  const Buffer b = bench.upload(y);
  return run_pass(
      bench, [&](const PassMaker& maker) { return maker.residual_add(sum, b, e.count); },
      [&] { return compare_bits(bench.download<std::uint16_t>(sum), expected); });
}

Result<Comparison> run_expand_heads(VerifyBench& bench, const KernelEntry&, const Extent& e) {
  // rows: kv_heads, each read by three heads; columns: head_dim.
  const std::uint64_t heads = 3 * e.rows;
  const HalfBits v = random_halves(e.tokens * e.rows * e.columns, 1.0F, 11);
  HalfBits expected;
  for (std::uint64_t t = 0; t < e.tokens; ++t) {
    for (std::uint64_t h = 0; h < heads; ++h) {
      for (std::uint64_t d = 0; d < e.columns; ++d) expected.push_back(v[(t * e.rows + h / 3) * e.columns + d]);
    }
  }
  const Buffer in = bench.upload(v);
  const Buffer out = bench.make_output(2 * expected.size());
  return run_pass(
      bench, [&](const PassMaker& maker) { return maker.expand_heads(in, out, heads, e.rows, e.columns, e.tokens); },
      [&] { return compare_bits(bench.download<std::uint16_t>(out), expected); });
}

template <WeightFormat kFormat>
Result<Comparison> run_quantize_weights(VerifyBench& bench, const KernelEntry&, const Extent& e) {
  const ProjectionShape shape{e.rows, e.columns};
  const HalfBits f16 = trial_weights(shape);
  const HostWeights expected = reference_quantize(f16, kFormat, shape, bench.options().group_size);
  const Buffer in = bench.upload(f16);
  Weights weights{
      kFormat, shape, bench.make_output(expected.codes.size()), bench.make_output(2 * expected.scales.size()), {}};
  if (kFormat == WeightFormat::kInt4) weights.zeros = bench.make_output(2 * expected.zeros.size());
  return run_pass(
      bench, [&](const PassMaker& maker) { return maker.quantize_weights(in, weights); },
      [&] {
        Comparison scales = compare_bits(bench.download<std::uint16_t>(weights.scales), expected.scales);
        if (!scales.problem.empty()) return scales;
        if (kFormat == WeightFormat::kInt4) {
          Comparison zeros = compare_bits(bench.download<std::uint16_t>(weights.zeros), expected.zeros);
          if (!zeros.problem.empty()) return zeros;
        }
        return compare_bits(bench.download<std::uint8_t>(weights.codes), expected.codes);
      });
}

// ---- passes of the schemes
// -------------------------------------------------------------------------------------------

/// Everything that the passes of one projection read and wrote.
struct SchemeRun {
  HostWeights weights;
  HalfBits x;
  HostActivations quantized;
  std::vector<Buffer> slots = std::vector<Buffer>(kSlotCount);

  const Buffer& slot(Slot wanted) const { return slots[static_cast<std::size_t>(wanted)]; }
};

/// Makes the first activation of every group far larger than the others and its weights 0: what the others become as
/// multiples of a power of two of the group's then shows in the result in every digit.
void add_far_activations(HalfBits& weights, HalfBits& x, ProjectionShape shape, std::uint32_t group) {
  for (std::uint64_t k = 0; k < shape.columns && shape.columns > 1; k += group) {
    x[k] = half_from_float(64.0F);
    for (std::uint64_t r = 0; r < shape.rows; ++r) weights[r * shape.columns + k] = 0;
  }
}

/// Runs input and projection passes of `scheme` with every written slot a guarded output.
Result<SchemeRun> run_scheme(VerifyBench& bench, Scheme scheme, const Extent& e, bool byte_products = false) {
  const SchemeInfo& info = all_schemes()[static_cast<std::size_t>(scheme)];
  const std::uint32_t group = bench.options().group_size;
  const ProjectionShape shape{e.rows, e.columns};
  SchemeRun run;
  HalfBits weights = trial_weights(shape);
  run.x = trial_activations(e.tokens, e.columns);
  if (byte_products) add_far_activations(weights, run.x, shape, group);
  run.weights = reference_quantize(weights, info.weights, shape, group);
  run.quantized = reference_quantize_activations(run.x, e.tokens, e.columns, group);
  const auto set = [&](Slot slot, Buffer buffer) { run.slots[static_cast<std::size_t>(slot)] = std::move(buffer); };
  set(Slot::kInput, bench.upload(run.x));
  set(Slot::kCodes,
      info.weights == WeightFormat::kF16 ? bench.upload(run.weights.plain) : bench.upload(run.weights.codes));
  if (info.weights != WeightFormat::kF16) set(Slot::kScales, bench.upload(run.weights.scales));
  if (info.weights == WeightFormat::kInt4) set(Slot::kZeros, bench.upload(run.weights.zeros));

  const KernelSet kernels{bench.options().family, byte_products};
  std::vector<PassRow> rows = input_pass_table(info, kernels, group, e.tokens, e.columns);
  for (PassRow& row : projection_pass_table(info, kernels, group, e.tokens, shape)) rows.push_back(std::move(row));
  for (const PassRow& row : rows) {
    for (const Binding& binding : row.bindings) {
      if (binding.access == Access::kWrite) set(binding.slot, bench.make_output(binding.bytes));
    }
    const Result<Pass> pass = make_pass(bench.device(), bench.options(), row, e, run.slots);
    if (!pass) return pass.error();
    bench.run(pass.value());
  }
  return run;
}

std::vector<double> activations_of(const SchemeRun& run, Scheme scheme, const Extent& e) {
  std::vector<double> x(e.tokens * e.columns);
  const bool quantized = scheme == Scheme::kW8A8 || scheme == Scheme::kW4A8;
  for (std::uint64_t i = 0; i < x.size(); ++i) {
    x[i] = quantized
               ? static_cast<double>(run.quantized.codes[i]) * static_cast<double>(run.quantized.scales[i / e.columns])
               : static_cast<double>(float_from_half(run.x[i]));
  }
  return x;
}

/// A float matmul adds up at most `columns` products with one rounding each; scales, zero points and the folding of
/// lanes and groups add fewer than 16.
template <Scheme kScheme, bool kByteProducts = false>
Result<Comparison> run_matmul(VerifyBench& bench, const KernelEntry&, const Extent& e) {
  const Result<SchemeRun> run = run_scheme(bench, kScheme, e, kByteProducts);
  if (!run) return run.error();
  const MatmulReference expected =
      reference_matmul(run.value().weights, activations_of(run.value(), kScheme, e), e.tokens);
  const double tolerance = (static_cast<double>(e.columns) + 16) * kFloatUlp;
  return finish(bench, compare_halves(bench.download<std::uint16_t>(run.value().slot(Slot::kOutput)), expected.y,
                                      expected.magnitude, tolerance));
}

std::vector<std::int32_t> exact_sums(const SchemeRun& run, const Extent& e) {
  std::vector<std::int32_t> sums;
  for (std::uint64_t t = 0; t < e.tokens; ++t) {
    for (std::uint64_t r = 0; r < e.rows; ++r) {
      std::int32_t sum = 0;
      for (std::uint64_t k = 0; k < e.columns; ++k)
        sum += run.weights.code(r, k) * run.quantized.codes[t * e.columns + k];
      sums.push_back(sum);
    }
  }
  return sums;
}

Result<Comparison> run_matmul_i8_i8(VerifyBench& bench, const KernelEntry&, const Extent& e) {
  const Result<SchemeRun> run = run_scheme(bench, Scheme::kW8A8, e);
  if (!run) return run.error();
  return finish(bench, compare_bits(bench.download<std::int32_t>(run.value().slot(Slot::kAccumulators)),
                                    exact_sums(run.value(), e)));
}

Result<Comparison> run_dequantize_sums(VerifyBench& bench, const KernelEntry&, const Extent& e) {
  const Result<SchemeRun> run = run_scheme(bench, Scheme::kW8A8, e);
  if (!run) return run.error();
  const std::vector<std::int32_t> sums = exact_sums(run.value(), e);
  HalfBits expected;
  for (std::uint64_t i = 0; i < sums.size(); ++i) {
    const float row_scale = float_from_half(run.value().weights.scales[i % e.rows]);
    expected.push_back(
        half_from_float(static_cast<float>(sums[i]) * row_scale * run.value().quantized.scales[i / e.rows]));
  }
  return finish(bench, compare_bits(bench.download<std::uint16_t>(run.value().slot(Slot::kOutput)), expected));
}

template <Scheme kScheme>
Result<Comparison> dequantize_once(VerifyBench& bench, const Extent& e) {
  const Result<SchemeRun> run = run_scheme(bench, kScheme, e);
  if (!run) return run.error();
  HalfBits expected;
  for (std::uint64_t r = 0; r < e.rows; ++r) {
    for (std::uint64_t k = 0; k < e.columns; ++k) {
      expected.push_back(half_from_float(static_cast<float>(run.value().weights.value(r, k))));
    }
  }
  return finish(bench, compare_bits(bench.download<std::uint16_t>(run.value().slot(Slot::kPlainWeights)), expected));
}

/// The CPU family a second time as if the result were larger than the caches, with rows of whole vectors, which that
/// takes.
template <Scheme kScheme>
Result<Comparison> run_dequantize(VerifyBench& bench, const KernelEntry& kernel, const Extent& e) {
  Result<Comparison> cached = dequantize_once<kScheme>(bench, e);
  if (!cached || !cached.value().problem.empty() || kernel.family != "cpu") return cached;
  PassOptions options = bench.options();
  options.stream_bytes = 1;
  VerifyBench streaming(bench.device(), options);
  Extent whole = e;
  whole.columns = (e.columns + 15) / 16 * 16;
  return dequantize_once<kScheme>(streaming, whole);
}

/// Where an activation lies in the form that `operation` makes, and how many places there are.
struct Places {
  std::uint64_t count;
  std::uint64_t (*position)(const Tuning&, const Extent&, std::uint64_t token, std::uint64_t column);
};

std::uint64_t padded_columns(const Tuning& t, const Extent& e) { return (e.columns + t.group - 1) / t.group * t.group; }

Places places_of(std::string_view operation, const Tuning& tuning, const Extent& e) {
  if (operation.ends_with("_panels")) {
    return {(e.tokens + kPanelTokens - 1) / kPanelTokens * kPanelTokens * e.columns,
            [](const Tuning&, const Extent& x, std::uint64_t t, std::uint64_t k) {
              return panel_position(t, k, x.columns);
            }};
  }
  if (operation == "cast_f16_f32_nibbles") {
    return {e.tokens * padded_columns(tuning, e),
            [](const Tuning& u, const Extent& x, std::uint64_t t, std::uint64_t k) {
              return t * padded_columns(u, x) + nibble_position(k, u.lanes(), 8);
            }};
  }
  if (operation == "quantize_f16_i8_nibbles") {
    return {e.tokens * padded_columns(tuning, e),
            [](const Tuning& u, const Extent& x, std::uint64_t t, std::uint64_t k) {
              return t * padded_columns(u, x) + nibble_position(k, u.lanes16(), 4);
            }};
  }
  return {e.tokens * e.columns,
          [](const Tuning&, const Extent& x, std::uint64_t t, std::uint64_t k) { return t * x.columns + k; }};
}

template <Scheme kScheme>
Result<Comparison> run_quantize_activations(VerifyBench& bench, const KernelEntry& kernel, const Extent& e) {
  const Result<SchemeRun> run = run_scheme(bench, kScheme, e);
  if (!run) return run.error();
  const Tuning tuning = make_tuning(bench.device().info(), bench.options().group_size);
  const Places places = places_of(kernel.operation, tuning, e);
  std::vector<std::int8_t> expected(places.count, 0);
  for (std::uint64_t t = 0; t < e.tokens; ++t) {
    for (std::uint64_t k = 0; k < e.columns; ++k) {
      expected[places.position(tuning, e, t, k)] = run.value().quantized.codes[t * e.columns + k];
    }
  }
  Comparison scales =
      compare_bits(bench.download<float>(run.value().slot(Slot::kTokenScales)), run.value().quantized.scales);
  if (!scales.problem.empty()) return scales;
  if (run.value().slot(Slot::kGroupSums)) {
    Comparison sums =
        compare_bits(bench.download<std::int32_t>(run.value().slot(Slot::kGroupSums)), run.value().quantized.sums);
    if (!sums.problem.empty()) return sums;
  }
  return finish(bench, compare_bits(bench.download<std::int8_t>(run.value().slot(Slot::kActivations)), expected));
}

template <Scheme kScheme>
Result<Comparison> run_cast_activations(VerifyBench& bench, const KernelEntry& kernel, const Extent& e) {
  const Result<SchemeRun> run = run_scheme(bench, kScheme, e);
  if (!run) return run.error();
  const Tuning tuning = make_tuning(bench.device().info(), bench.options().group_size);
  const Places places = places_of(kernel.operation, tuning, e);
  const bool nibbles = kScheme == Scheme::kW4A16Fused;
  const std::uint64_t groups = (e.columns + tuning.group - 1) / tuning.group;
  std::vector<float> expected(places.count, 0);
  std::vector<double> sums(e.tokens * groups, 0);
  std::vector<double> magnitudes(e.tokens * groups, 0);
  for (std::uint64_t t = 0; t < e.tokens; ++t) {
    for (std::uint64_t k = 0; k < e.columns; ++k) {
      const float value = float_from_half(run.value().x[t * e.columns + k]);
      const int shift = nibbles && k % 8 < 7 ? static_cast<int>(k % 8) * 4 : 0;
      expected[places.position(tuning, e, t, k)] = std::ldexp(value, -shift);
      sums[t * groups + k / tuning.group] += static_cast<double>(value);
      magnitudes[t * groups + k / tuning.group] += std::fabs(static_cast<double>(value));
    }
  }
  Comparison out = compare_bits(bench.download<float>(run.value().slot(Slot::kActivations)), expected);
  if (!out.problem.empty() || !nibbles) return finish(bench, out);
  const auto found = bench.download<float>(run.value().slot(Slot::kGroupSums));
  out.tolerance = static_cast<double>(tuning.group) * kFloatUlp;  // as many additions
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (magnitudes[i] > 0)
      out.error = std::max(out.error, std::fabs(static_cast<double>(found[i]) - sums[i]) / magnitudes[i]);
  }
  return finish(bench, out);
}

/// The power of two of which the activations of a group are multiples, by the largest magnitude among them.
double digit_scale(double most) { return most > 0 ? std::ldexp(1.0, std::ilogb(most) - 21) : std::ldexp(1.0, -21); }

Result<Comparison> run_cast_digits(VerifyBench& bench, const KernelEntry&, const Extent& e) {
  constexpr std::uint64_t kDigits = 3;
  const Result<SchemeRun> run = run_scheme(bench, Scheme::kW4A16Fused, e, true);
  if (!run) return run.error();
  const Tuning tuning = make_tuning(bench.device().info(), bench.options().group_size);
  const std::uint64_t group = tuning.group;
  std::vector<std::int8_t> digits(kDigits * padded_columns(tuning, e), 0);
  std::vector<float> scales;
  std::vector<float> sums;
  for (std::uint64_t first = 0; first < e.columns; first += group) {
    const auto value = [&](std::uint64_t k) { return static_cast<double>(float_from_half(run.value().x[k])); };
    const std::uint64_t end = std::min(first + group, e.columns);
    double most = 0;
    for (std::uint64_t k = first; k < end; ++k) most = std::max(most, std::fabs(value(k)));
    const double scale = digit_scale(most);
    double sum = 0;
    for (std::uint64_t k = first; k < end; ++k) {
      double rest = std::nearbyint(value(k) / scale);
      sum += rest;
      const std::uint64_t place = kDigits * first + nibble_position(k - first, 2 * tuning.lanes16(), 2);
      for (std::uint64_t digit = 0; digit < kDigits; ++digit) {
        const double above = std::floor((rest + 128) / 256);
        digits[place + digit * group] = static_cast<std::int8_t>(rest - 256 * above);
        rest = above;
      }
    }
    scales.push_back(static_cast<float>(scale));
    sums.push_back(static_cast<float>(sum) * static_cast<float>(scale));
  }
  for (const Comparison& found : {compare_bits(bench.download<float>(run.value().slot(Slot::kGroupScales)), scales),
                                  compare_bits(bench.download<float>(run.value().slot(Slot::kGroupSums)), sums)}) {
    if (!found.problem.empty()) return found;
  }
  return finish(bench, compare_bits(bench.download<std::int8_t>(run.value().slot(Slot::kActivations)), digits));
}

// ---- shapes
// ----------------------------------------------------------------------------------------------------------

std::vector<Extent> counts(bool small) {
  std::vector<Extent> out{{.count = 1}, {.count = 37}};
  if (!small) {
    out.push_back({.count = 4096});
    out.push_back({.count = 12345});
  }
  return out;
}

std::vector<Extent> products(const std::vector<ProjectionShape>& shapes, const std::vector<std::uint64_t>& tokens) {
  std::vector<Extent> out;
  for (const ProjectionShape& shape : shapes) {
    for (const std::uint64_t t : tokens) out.push_back({.rows = shape.rows, .columns = shape.columns, .tokens = t});
  }
  return out;
}

// 40 x 208: rows whole in 16 bytes, not in the 64-byte steps of gemm_mma_gpu.cl.
const std::vector<ProjectionShape> kOddShapes{{1, 1}, {3, 5}, {33, 257}, {64, 130}, {40, 208}, {130, 384}};
const std::vector<ProjectionShape> kSmallShapes{{3, 5}, {5, 67}};

std::vector<Extent> few_tokens(bool small) {
  return small ? products(kSmallShapes, {1, 3}) : products(kOddShapes, {1, 2, 3, 8});
}
std::vector<Extent> many_tokens(bool small) {
  return small ? products(kSmallShapes, {17}) : products(kOddShapes, {9, 17, 65});
}
/// For what reads weights alone, or serves one token.
std::vector<Extent> one_token(bool small) { return products(small ? kSmallShapes : kOddShapes, {1}); }
std::vector<Extent> any_tokens(bool small) {
  return small ? products(kSmallShapes, {3}) : products(kOddShapes, {1, 3, 17, 65});
}

}  // namespace

std::vector<std::uint32_t> VerifyCase::group_sizes(bool small) const {
  if (!grouped) return {128};
  return small ? std::vector<std::uint32_t>{32} : std::vector<std::uint32_t>{128, 64, 32};
}

std::string VerifyCase::describe(const Extent& e, std::uint32_t group) const {
  std::string text;
  const auto add = [&](std::string_view name, std::uint64_t value) {
    if (value > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, value);
  };
  add("count", e.count);
  add("rows", e.rows);
  add("columns", e.columns);
  add("tokens", e.tokens);
  add("group", grouped ? group : 0);
  return text;
}

namespace {

const std::array kCases{
    VerifyCase{"random_f16", counts, false, run_random<true>},
    VerifyCase{"random_f32", counts, false, run_random<false>},
    VerifyCase{"cast_f16_f32", counts, false, run_cast_f16_f32},
    VerifyCase{"cast_f32_f16", counts, false, run_cast_f32_f16},
    VerifyCase{"cast_f16_f32_panels", many_tokens, false, run_cast_activations<Scheme::kF16>},
    VerifyCase{"cast_f16_f32_nibbles", few_tokens, true, run_cast_activations<Scheme::kW4A16Fused>},
    VerifyCase{"cast_f16_i24_nibbles", one_token, true, run_cast_digits},
    VerifyCase{"quantize_f16_i8", few_tokens, false, run_quantize_activations<Scheme::kW8A8>},
    VerifyCase{"quantize_f16_i8_sums", few_tokens, true, run_quantize_activations<Scheme::kW4A8>},
    VerifyCase{"quantize_f16_i8_panels", many_tokens, false, run_quantize_activations<Scheme::kW8A8>},
    VerifyCase{"quantize_f16_i8_nibbles", few_tokens, true, run_quantize_activations<Scheme::kW4A8>},
    VerifyCase{"quantize_weights_f16_i8", one_token, false, run_quantize_weights<WeightFormat::kInt8>},
    VerifyCase{"quantize_weights_f16_i4", one_token, true, run_quantize_weights<WeightFormat::kInt4>},
    VerifyCase{"dequantize_i8_f16", one_token, false, run_dequantize<Scheme::kW8A16Split>},
    VerifyCase{"dequantize_i4_f16", one_token, true, run_dequantize<Scheme::kW4A16Split>},
    VerifyCase{"dequantize_i32_f16", any_tokens, false, run_dequantize_sums},
    VerifyCase{"matmul_f16_f16", any_tokens, false, run_matmul<Scheme::kF16>},
    VerifyCase{"matmul_i8_f16", any_tokens, false, run_matmul<Scheme::kW8A16Fused>},
    VerifyCase{"matmul_i8_i8", any_tokens, false, run_matmul_i8_i8},
    VerifyCase{"matmul_i4_f16", any_tokens, true, run_matmul<Scheme::kW4A16Fused>},
    VerifyCase{"matmul_i4_i8", any_tokens, true, run_matmul<Scheme::kW4A8>},
    VerifyCase{"gemv_f16_f16", few_tokens, false, run_matmul<Scheme::kF16>},
    VerifyCase{"gemv_i8_f16", few_tokens, false, run_matmul<Scheme::kW8A16Fused>},
    VerifyCase{"gemv_i8_i8", few_tokens, false, run_matmul_i8_i8},
    VerifyCase{"gemv_i4_f16", few_tokens, true, run_matmul<Scheme::kW4A16Fused>},
    VerifyCase{"gemv_i4_i8", few_tokens, true, run_matmul<Scheme::kW4A8>},
    VerifyCase{"gemv_i4_i24", one_token, true, run_matmul<Scheme::kW4A16Fused, true>},
    VerifyCase{"gemm_f16_f16", many_tokens, false, run_matmul<Scheme::kF16>},
    VerifyCase{"gemm_i8_f16", many_tokens, false, run_matmul<Scheme::kW8A16Fused>},
    VerifyCase{"gemm_i8_i8", many_tokens, false, run_matmul_i8_i8},
    VerifyCase{"gemm_i4_f16", many_tokens, true, run_matmul<Scheme::kW4A16Fused>},
    VerifyCase{"gemm_i4_i8", many_tokens, true, run_matmul<Scheme::kW4A8>},
    VerifyCase{"rms_norm_f16", any_tokens, false, run_rms_norm},
    VerifyCase{"swiglu_f16", counts, false, run_swiglu},
    VerifyCase{"residual_add_f16", counts, false, run_residual},
    VerifyCase{"expand_heads_f16", few_tokens, false, run_expand_heads},
};

}  // namespace

const VerifyCase& verify_case(std::string_view operation) {
  for (const VerifyCase& entry : kCases) {
    if (entry.operation == operation) return entry;
  }
  fail_contract("every kernel of the table is verified");
}

}  // namespace qtrap::scheme
