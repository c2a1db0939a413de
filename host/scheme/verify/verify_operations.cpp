// Operations that PassMaker makes, each run alone.
#include "scheme/verify/verify_support.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace qtrap::scheme {
namespace {

using device::Buffer;
using enum OperationKind;

template <bool kToHalf>
Result<Comparison> run_random(VerifyBench& bench, const VerifyCase&, const KernelEntry&, const Extent& e) {
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

Result<Comparison> run_cast_f16_f32(VerifyBench& bench, const VerifyCase&, const KernelEntry&, const Extent& e) {
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

Result<Comparison> run_cast_f32_f16(VerifyBench& bench, const VerifyCase&, const KernelEntry&, const Extent& e) {
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

/// Of the norm: large enough to show beside a small token.
constexpr float kEpsilon = 1e-5F;

/// Heads of a token are `rows`, where they lie in rows of a wider tensor.
Result<Comparison> run_rms_norm(VerifyBench& bench, const VerifyCase&, const KernelEntry&, const Extent& e) {
  const std::uint64_t heads = std::max<std::uint64_t>(e.beside > 0 ? e.rows : 1, 1);
  const HalfBits x = trial_activations(e.tokens * heads, e.columns);
  const HalfBits gamma = random_halves(e.columns, 1.0F, 6);
  std::vector<double> expected(x.size());
  for (std::uint64_t t = 0; t < e.tokens * heads; ++t) {
    double sum = 0;
    for (std::uint64_t i = 0; i < e.columns; ++i) {
      const double value = static_cast<double>(float_from_half(x[t * e.columns + i]));
      sum += value * value;
    }
    const double factor = 1 / std::sqrt(sum / static_cast<double>(e.columns) + static_cast<double>(kEpsilon));
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
  const Buffer weight = bench.upload(gamma);
  if (e.beside > 0) {
    const std::uint64_t width = heads * e.columns;
    const HalfBits wide = widen(x, width, e.beside);
    const Buffer both = bench.make_output(2 * wide.size());
    device::write_vector(bench.device(), both, wide);
    return run_pass(
        bench,
        [&](const PassMaker& maker) {
          return maker.rms_norm_heads(columns_of(both, width, e.beside), weight, e.columns, heads, e.tokens, kEpsilon);
        },
        [&] {
          const HalfBits found = narrow(bench.download<std::uint16_t>(both), width, e.beside);
          if (found.empty()) return Comparison{1, 0, "columns beside its own were written"};
          return compare_halves(found, expected, scale, tolerance);
        });
  }
  const Buffer in = bench.upload(x);
  const Buffer out = bench.make_output(2 * x.size());
  return run_pass(
      bench, [&](const PassMaker& maker) { return maker.rms_norm(in, weight, out, e.columns, e.tokens, kEpsilon); },
      [&] { return compare_halves(bench.download<std::uint16_t>(out), expected, scale, tolerance); });
}

Result<Comparison> run_swiglu(VerifyBench& bench, const VerifyCase&, const KernelEntry&, const Extent& e) {
  const std::uint64_t tokens = std::max<std::uint64_t>(e.tokens, 1);
  const std::uint64_t count = e.count * tokens;
  const HalfBits gate = random_halves(count, 4.0F, 7);
  const HalfBits up = random_halves(count, 1.0F, 8);
  std::vector<double> expected(count);
  std::vector<double> scale(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const double g = static_cast<double>(float_from_half(gate[i]));
    expected[i] = g / (1 + std::exp(-g)) * static_cast<double>(float_from_half(up[i]));
    scale[i] = std::fabs(expected[i]);
  }
  const Buffer a = bench.upload(widen(gate, e.count, e.beside));
  const Buffer b = bench.upload(widen(up, e.count, e.beside));
  const Buffer out = bench.make_output(2 * count);
  // exp 3 ulp, division 2.5 ulp, an addition and a product: under 16 half ulps.
  return run_pass(
      bench,
      [&](const PassMaker& maker) {
        return maker.swiglu(columns_of(a, e.count, e.beside), columns_of(b, e.count, e.beside), out, e.count, tokens);
      },
      [&] { return compare_halves(bench.download<std::uint16_t>(out), expected, scale, 16 * kFloatUlp); });
}

Result<Comparison> run_residual(VerifyBench& bench, const VerifyCase&, const KernelEntry&, const Extent& e) {
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

Result<Comparison> run_expand_heads(VerifyBench& bench, const VerifyCase&, const KernelEntry&, const Extent& e) {
  // rows: kv_heads, each read by three heads; columns: head_dim.
  const std::uint64_t heads = 3 * e.rows;
  const HalfBits v = random_halves(e.tokens * e.rows * e.columns, 1.0F, 11);
  HalfBits expected;
  for (std::uint64_t t = 0; t < e.tokens; ++t) {
    for (std::uint64_t h = 0; h < heads; ++h) {
      for (std::uint64_t d = 0; d < e.columns; ++d) expected.push_back(v[(t * e.rows + h / 3) * e.columns + d]);
    }
  }
  const std::uint64_t width = e.rows * e.columns;
  const Buffer in = bench.upload(widen(v, width, e.beside));
  const Buffer out = bench.make_output(2 * expected.size());
  return run_pass(
      bench,
      [&](const PassMaker& maker) {
        return maker.expand_heads(columns_of(in, width, e.beside), out, heads, e.rows, e.columns, e.tokens);
      },
      [&] { return compare_bits(bench.download<std::uint16_t>(out), expected); });
}

template <WeightFormat kFormat>
Result<Comparison> run_quantize_weights(VerifyBench& bench, const VerifyCase&, const KernelEntry&, const Extent& e) {
  const ProjectionShape shape{e.rows, e.columns};
  const HalfBits f16 = trial_weights(shape);
  const HostWeights expected = format::quantize(f16, kFormat, shape, bench.options().group_size);
  const Buffer in = bench.upload(f16);
  Weights weights{kFormat, shape, {}};
  for (const format::Part& part : format::info(kFormat).parts)
    weights.part(part.name) = bench.make_output(expected.part(part.name).size());
  return run_pass(
      bench, [&](const PassMaker& maker) { return maker.quantize_weights(in, weights); },
      [&] {
        Comparison worst;
        for (const format::Part& part : format::info(kFormat).parts) {
          worst = compare_bits(bench.download<std::uint8_t>(weights.part(part.name)), expected.part(part.name));
          if (!worst.problem.empty() || worst.error > 0) break;
        }
        return worst;
      });
}

/// The same in rows of a wider tensor: in whole vectors of 8 and not.
template <std::vector<Extent> (*kDense)(bool)>
std::vector<Extent> with_wider(bool small, const std::vector<Extent>& wider) {
  std::vector<Extent> out = kDense(small);
  out.insert(out.end(), wider.begin(), wider.end());
  return out;
}
std::vector<Extent> norm_extents(bool small) {
  return with_wider<any_tokens>(small, {{.rows = 2, .columns = 24, .tokens = 3, .beside = 8},
                                        {.rows = 3, .columns = 20, .tokens = 2, .beside = 3},
                                        {.rows = 1, .columns = 64, .tokens = 3, .beside = 4}});
}
std::vector<Extent> gate_extents(bool small) {
  return with_wider<counts>(small, {{.count = 33, .tokens = 3, .beside = 3},
                                    {.count = 64, .tokens = 2, .beside = 8},
                                    {.count = 4113, .tokens = 2, .beside = 1}});
}
std::vector<Extent> expand_extents(bool small) {
  return with_wider<few_tokens>(small, {{.rows = 2, .columns = 16, .tokens = 3, .beside = 8},
                                        {.rows = 2, .columns = 16, .tokens = 2, .beside = 5},
                                        {.rows = 1, .columns = 7, .tokens = 2, .beside = 8}});
}

const std::array kCases{
    VerifyCase{{kRandom}, counts, false, run_random<true>},
    VerifyCase{{kRandom, {}, Form::kF32}, counts, false, run_random<false>},
    VerifyCase{{kCast, {}, Form::kF32}, counts, false, run_cast_f16_f32},
    VerifyCase{{kNarrow}, counts, false, run_cast_f32_f16},
    VerifyCase{{kQuantizeWeights, WeightFormat::kInt8, std::nullopt},
               one_token,
               false,
               run_quantize_weights<WeightFormat::kInt8>},
    VerifyCase{{kQuantizeWeights, WeightFormat::kInt4, std::nullopt},
               one_token,
               true,
               run_quantize_weights<WeightFormat::kInt4>},
    VerifyCase{{kNorm}, norm_extents, false, run_rms_norm},
    VerifyCase{{kGate}, gate_extents, false, run_swiglu},
    VerifyCase{{kAdd}, counts, false, run_residual},
    VerifyCase{{kExpandHeads}, expand_extents, false, run_expand_heads},
};

}  // namespace

std::span<const VerifyCase> operation_cases() { return kCases; }

}  // namespace qtrap::scheme
