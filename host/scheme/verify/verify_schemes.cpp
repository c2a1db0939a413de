// Operations of the schemes: all passes of one projection run, one slot is compared.
#include "scheme/verify/verify_support.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>

#include "core/contract.hpp"

namespace qtrap::scheme {
namespace {

using device::Access;
using device::Buffer;
using enum OperationKind;

/// Everything that the passes of one projection read and wrote.
struct SchemeRun {
  HostWeights weights;
  HalfBits x;
  HostOutliers outliers;  ///< empty where none are apart
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

/// Makes more columns outliers than there are places in wide inputs: every third, in one token each, of either sign.
/// Others are at the threshold, which is none.
void add_outliers(HalfBits& x, std::uint64_t tokens, std::uint64_t columns, float threshold) {
  const std::uint16_t limit = half_from_float(threshold);
  for (std::uint64_t k = 0; k < columns; ++k) {
    const auto sign = static_cast<std::uint16_t>(k % 2 << 15);
    std::uint16_t& one = x[k % tokens * columns + k];
    if (k % 3 == 0) one = static_cast<std::uint16_t>((limit + 1 + k % 512) | sign);
    if (k % 15 == 1) one = limit | sign;
  }
}

/// Runs input and projection passes of `scheme` with every written slot a guarded output.
Result<SchemeRun> run_scheme(VerifyBench& bench, const VerifyCase& one, const Extent& e, bool byte_products = false) {
  const SchemeInfo info = find_scheme(one.scheme).value();
  const std::uint32_t group = bench.options().group_size;
  const ProjectionShape shape{e.rows, e.columns};
  SchemeRun run;
  HalfBits weights = trial_weights(shape);
  run.x = trial_activations(e.tokens, e.columns);
  if (byte_products) add_far_activations(weights, run.x, shape, group);
  run.weights = format::quantize(weights, info.weights, shape, group);
  HalfBits quantized = run.x;
  if (info.outliers) {
    add_outliers(run.x, e.tokens, e.columns, info.outliers->threshold);
    run.outliers = reference_outliers(run.x, e.tokens, e.columns, *info.outliers);
    quantized = reference_inliers(run.x, run.outliers);
  }
  run.quantized = reference_activations(info.activations, quantized, e.tokens, e.columns, group);
  const auto set = [&](Slot slot, Buffer buffer) { run.slots[static_cast<std::size_t>(slot)] = std::move(buffer); };
  set(Slot::kInput, bench.upload(run.x));
  for (const format::Part& part : format::info(info.weights).parts)
    set(slot_of(part.name), bench.upload(run.weights.part(part.name)));

  const KernelSet kernels{bench.options().family, byte_products};
  std::vector<PassRow> rows = input_pass_table(info, kernels, group, e.tokens, e.columns);
  for (PassRow& row : projection_pass_table(info, kernels, group, e.tokens, shape)) rows.push_back(std::move(row));
  for (const PassRow& row : rows) {
    for (const Binding& binding : row.bindings) {
      if (binding.access == Access::kWrite) set(binding.slot, bench.make_output(binding.bytes));
    }
    const Result<Pass> pass = make_pass(bench.device(), bench.options(), row, run.slots);
    if (!pass) return pass.error();
    bench.run(pass.value());
  }
  return run;
}

std::vector<double> activations_of(const SchemeRun& run) {
  std::vector<double> x(run.x.size());
  for (std::uint64_t i = 0; i < x.size(); ++i) x[i] = run.quantized.value(i);
  return x;
}

/// A float matmul adds up at most `columns` products with one rounding each; scales, zero points and the folding of
/// lanes and groups add fewer than 16.
template <bool kByteProducts = false>
Result<Comparison> run_matmul(VerifyBench& bench, const VerifyCase& one, const KernelEntry&, const Extent& e) {
  const Result<SchemeRun> run = run_scheme(bench, one, e, kByteProducts);
  if (!run) return run.error();
  const MatmulReference expected = reference_matmul(run.value().weights, activations_of(run.value()), e.tokens);
  const double tolerance = (static_cast<double>(e.columns) + 16) * kFloatUlp;
  return finish(bench, compare_halves(bench.download<std::uint16_t>(run.value().slot(Slot::kOutput)), expected.y,
                                      expected.magnitude, tolerance));
}

std::vector<std::int8_t> int8_codes(const HostWeights& weights) {
  const std::vector<std::uint8_t>& bytes = weights.part(format::PartName::kCodes);
  std::vector<std::int8_t> codes(bytes.size());
  std::transform(bytes.begin(), bytes.end(), codes.begin(), [](std::uint8_t b) { return static_cast<std::int8_t>(b); });
  return codes;
}

std::vector<std::int32_t> exact_sums(const SchemeRun& run, const Extent& e) {
  const auto codes = int8_codes(run.weights);
  std::vector<std::int32_t> sums;
  for (std::uint64_t t = 0; t < e.tokens; ++t) {
    for (std::uint64_t r = 0; r < e.rows; ++r) {
      std::int32_t sum = 0;
      for (std::uint64_t k = 0; k < e.columns; ++k)
        sum += codes[r * e.columns + k] * run.quantized.codes[t * e.columns + k];
      sums.push_back(sum);
    }
  }
  return sums;
}

Result<Comparison> run_matmul_i8_i8(VerifyBench& bench, const VerifyCase& one, const KernelEntry&, const Extent& e) {
  const Result<SchemeRun> run = run_scheme(bench, one, e);
  if (!run) return run.error();
  return finish(bench, compare_bits(bench.download<std::int32_t>(run.value().slot(Slot::kAccumulators)),
                                    exact_sums(run.value(), e)));
}

/// Of the sums as they lie there: another kernel's are not this one's fault.
Result<Comparison> run_dequantize_sums(VerifyBench& bench, const VerifyCase& one, const KernelEntry&, const Extent& e) {
  const Result<SchemeRun> run = run_scheme(bench, one, e);
  if (!run) return run.error();
  const auto sums = bench.download<std::int32_t>(run.value().slot(Slot::kAccumulators));
  HalfBits expected;
  for (std::uint64_t i = 0; i < sums.size(); ++i) {
    const float row_scale = run.value().weights.half(format::PartName::kScales, i % e.rows);
    expected.push_back(
        half_from_float(static_cast<float>(sums[i]) * row_scale * run.value().quantized.scales[i / e.rows]));
  }
  return finish(bench, compare_bits(bench.download<std::uint16_t>(run.value().slot(Slot::kOutput)), expected));
}

/// Of sums and products as they lie there.
Result<Comparison> run_add_outliers(VerifyBench& bench, const VerifyCase& one, const KernelEntry&, const Extent& e) {
  const Result<SchemeRun> run = run_scheme(bench, one, e);
  if (!run) return run.error();
  const auto sums = bench.download<std::int32_t>(run.value().slot(Slot::kAccumulators));
  const auto products = bench.download<std::uint16_t>(run.value().slot(Slot::kOutlierProducts));
  HalfBits expected;
  for (std::uint64_t i = 0; i < sums.size(); ++i) {
    const float sum = static_cast<float>(sums[i]) * run.value().weights.half(format::PartName::kScales, i % e.rows);
    expected.push_back(
        half_from_float(std::fma(sum, run.value().quantized.scales[i / e.rows], float_from_half(products[i]))));
  }
  return finish(bench, compare_bits(bench.download<std::uint16_t>(run.value().slot(Slot::kOutput)), expected));
}

/// Mask, list and counts after both passes: the first leaves nothing that the second does not read.
Result<Comparison> run_outliers(VerifyBench& bench, const VerifyCase& one, const KernelEntry&, const Extent& e) {
  const Result<SchemeRun> run = run_scheme(bench, one, e);
  if (!run) return run.error();
  const HostOutliers& expected = run.value().outliers;
  const std::vector<std::uint32_t> counts(expected.counts.begin(), expected.counts.end());
  for (const Comparison& found :
       {compare_bits(bench.download<std::uint32_t>(run.value().slot(Slot::kOutlierCounts)), counts),
        compare_bits(bench.download<std::uint32_t>(run.value().slot(Slot::kOutlierColumns)), expected.columns)}) {
    if (!found.problem.empty()) return found;
  }
  return finish(bench, compare_bits(bench.download<std::uint16_t>(run.value().slot(Slot::kInlierMask)), expected.mask));
}

Result<Comparison> run_gather_inputs(VerifyBench& bench, const VerifyCase& one, const KernelEntry&, const Extent& e) {
  const Result<SchemeRun> run = run_scheme(bench, one, e);
  if (!run) return run.error();
  HalfBits expected;
  for (std::uint64_t t = 0; t < e.tokens; ++t) {
    for (const std::uint32_t k : run.value().outliers.columns)
      expected.push_back(k < e.columns ? run.value().x[t * e.columns + k] : std::uint16_t{0});
  }
  return finish(bench, compare_bits(bench.download<std::uint16_t>(run.value().slot(Slot::kOutlierInput)), expected));
}

Result<Comparison> run_gather_weights(VerifyBench& bench, const VerifyCase& one, const KernelEntry&, const Extent& e) {
  const Result<SchemeRun> run = run_scheme(bench, one, e);
  if (!run) return run.error();
  HalfBits expected;
  for (std::uint64_t r = 0; r < e.rows; ++r) {
    for (const std::uint32_t k : run.value().outliers.columns)
      expected.push_back(k < e.columns ? half_from_float(static_cast<float>(run.value().weights.value(r, k))) : 0);
  }
  return finish(bench, compare_bits(bench.download<std::uint16_t>(run.value().slot(Slot::kOutlierWeights)), expected));
}

Result<Comparison> dequantize_once(VerifyBench& bench, const VerifyCase& one, const Extent& e) {
  const Result<SchemeRun> run = run_scheme(bench, one, e);
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
Result<Comparison> run_dequantize(VerifyBench& bench, const VerifyCase& one, const KernelEntry& kernel,
                                  const Extent& e) {
  Result<Comparison> cached = dequantize_once(bench, one, e);
  if (!cached || !cached.value().problem.empty() || kernel.family != "cpu") return cached;
  PassOptions options = bench.options();
  options.stream_bytes = 1;
  VerifyBench streaming(bench.device(), options);
  Extent whole = e;
  whole.columns = (e.columns + 15) / 16 * 16;
  return dequantize_once(streaming, one, whole);
}

/// Where an activation lies in the form that `operation` makes, and how many places there are.
struct Places {
  std::uint64_t count;
  std::uint64_t (*position)(const Tuning&, const Extent&, std::uint64_t token, std::uint64_t column);
};

std::uint64_t padded_columns(const Tuning& t, const Extent& e) {
  return format::count_groups(e.columns, t.group) * t.group;
}

Places places_of(const OperationId& operation, const Tuning& tuning, const Extent& e) {
  if (operation.form == Form::kF32Panels || operation.form == Form::kI8Panels ||
      operation.form == Form::kI8InliersPanels || operation.form == Form::kE4m3Panels) {
    return {count_panels(e.tokens) * kNumbers.panel_tokens * e.columns,
            [](const Tuning&, const Extent& x, std::uint64_t t, std::uint64_t k) {
              return panel_position(t, k, x.columns);
            }};
  }
  if (operation.form == Form::kF32Nibbles) {
    return {e.tokens * padded_columns(tuning, e),
            [](const Tuning& u, const Extent& x, std::uint64_t t, std::uint64_t k) {
              return t * padded_columns(u, x) + nibble_position(k, u.lanes(), 8);
            }};
  }
  if (operation.form == Form::kI8Nibbles) {
    return {e.tokens * padded_columns(tuning, e),
            [](const Tuning& u, const Extent& x, std::uint64_t t, std::uint64_t k) {
              return t * padded_columns(u, x) + nibble_position(k, u.lanes16(), 4);
            }};
  }
  return {e.tokens * e.columns,
          [](const Tuning&, const Extent& x, std::uint64_t t, std::uint64_t k) { return t * x.columns + k; }};
}

Result<Comparison> run_quantize_activations(VerifyBench& bench, const VerifyCase& one, const KernelEntry& kernel,
                                            const Extent& e) {
  const Result<SchemeRun> run = run_scheme(bench, one, e);
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

Result<Comparison> run_cast_activations(VerifyBench& bench, const VerifyCase& one, const KernelEntry& kernel,
                                        const Extent& e) {
  const Result<SchemeRun> run = run_scheme(bench, one, e);
  if (!run) return run.error();
  const Tuning tuning = make_tuning(bench.device().info(), bench.options().group_size);
  const Places places = places_of(kernel.operation, tuning, e);
  const bool nibbles = kernel.operation.form == Form::kF32Nibbles;
  const std::uint64_t groups = format::count_groups(e.columns, tuning.group);
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

Result<Comparison> run_cast_digits(VerifyBench& bench, const VerifyCase& one, const KernelEntry&, const Extent& e) {
  constexpr std::uint64_t kDigits = kNumbers.digits;
  const Result<SchemeRun> run = run_scheme(bench, one, e, true);
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
      const std::uint64_t place = kDigits * first + nibble_position(k - first, std::uint64_t{2} * tuning.lanes16(), 2);
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

const std::array kCases{
    VerifyCase{{kCast, {}, Form::kF32Panels}, many_tokens, false, run_cast_activations, "f16"},
    VerifyCase{{kCast, {}, Form::kF32Nibbles}, few_tokens, true, run_cast_activations, "w4a16-fused"},
    VerifyCase{{kCast, {}, Form::kI24Nibbles}, one_token, true, run_cast_digits, "w4a16-fused"},
    VerifyCase{{kQuantize, {}, Form::kI8}, few_tokens, false, run_quantize_activations, "w8a8"},
    VerifyCase{{kQuantize, {}, Form::kI8Sums}, few_tokens, true, run_quantize_activations, "w4a8"},
    VerifyCase{{kQuantize, {}, Form::kI8Panels}, many_tokens, false, run_quantize_activations, "w8a8"},
    VerifyCase{{kQuantize, {}, Form::kI8Nibbles}, few_tokens, true, run_quantize_activations, "w4a8"},
    VerifyCase{{kQuantize, {}, Form::kI8Inliers}, few_tokens, false, run_quantize_activations, "llm-int8"},
    VerifyCase{{kQuantize, {}, Form::kI8InliersPanels}, many_tokens, false, run_quantize_activations, "llm-int8"},
    VerifyCase{{kQuantize, {}, Form::kE4m3}, few_tokens, false, run_quantize_activations, "w8a8-fp8"},
    VerifyCase{{kQuantize, {}, Form::kE4m3Panels}, many_tokens, false, run_quantize_activations, "w8a8-fp8"},
    VerifyCase{{kMatmul, WeightFormat::kFp8, Form::kE4m3}, any_tokens, false, run_matmul<>, "w8a8-fp8"},
    VerifyCase{{kGemv, WeightFormat::kFp8, Form::kE4m3}, few_tokens, false, run_matmul<>, "w8a8-fp8"},
    VerifyCase{{kGemm, WeightFormat::kFp8, Form::kE4m3}, many_tokens, false, run_matmul<>, "w8a8-fp8"},
    VerifyCase{{kFindOutliers}, any_tokens, false, run_outliers, "llm-int8"},
    VerifyCase{{kListOutliers}, any_tokens, false, run_outliers, "llm-int8"},
    VerifyCase{{kGather}, any_tokens, false, run_gather_inputs, "llm-int8"},
    VerifyCase{{kGather, WeightFormat::kInt8}, one_token, false, run_gather_weights, "llm-int8"},
    VerifyCase{{kRescaleAdd}, any_tokens, false, run_add_outliers, "llm-int8"},
    VerifyCase{{kDequantize, WeightFormat::kInt8}, one_token, false, run_dequantize, "w8a16-split"},
    VerifyCase{{kDequantize, WeightFormat::kInt4}, one_token, true, run_dequantize, "w4a16-split"},
    VerifyCase{{kRescale}, any_tokens, false, run_dequantize_sums, "w8a8"},
    VerifyCase{{kMatmul, WeightFormat::kF16}, any_tokens, false, run_matmul<>, "f16"},
    VerifyCase{{kMatmul, WeightFormat::kInt8}, any_tokens, false, run_matmul<>, "w8a16-fused"},
    VerifyCase{{kMatmul, WeightFormat::kInt8, Form::kI8}, any_tokens, false, run_matmul_i8_i8, "w8a8"},
    VerifyCase{{kMatmul, WeightFormat::kInt4}, any_tokens, true, run_matmul<>, "w4a16-fused"},
    VerifyCase{{kMatmul, WeightFormat::kInt4, Form::kI8}, any_tokens, true, run_matmul<>, "w4a8"},
    VerifyCase{{kGemv, WeightFormat::kF16}, few_tokens, false, run_matmul<>, "f16"},
    VerifyCase{{kGemv, WeightFormat::kInt8}, few_tokens, false, run_matmul<>, "w8a16-fused"},
    VerifyCase{{kGemv, WeightFormat::kInt8, Form::kI8}, few_tokens, false, run_matmul_i8_i8, "w8a8"},
    VerifyCase{{kGemv, WeightFormat::kInt4}, few_tokens, true, run_matmul<>, "w4a16-fused"},
    VerifyCase{{kGemv, WeightFormat::kInt4, Form::kI8}, few_tokens, true, run_matmul<>, "w4a8"},
    VerifyCase{{kGemv, WeightFormat::kInt4, Form::kI24}, one_token, true, run_matmul<true>, "w4a16-fused"},
    VerifyCase{{kGemm, WeightFormat::kF16}, many_tokens, false, run_matmul<>, "f16"},
    VerifyCase{{kGemm, WeightFormat::kInt8}, many_tokens, false, run_matmul<>, "w8a16-fused"},
    VerifyCase{{kGemm, WeightFormat::kInt8, Form::kI8}, many_tokens, false, run_matmul_i8_i8, "w8a8"},
    VerifyCase{{kGemm, WeightFormat::kInt4}, many_tokens, true, run_matmul<>, "w4a16-fused"},
    VerifyCase{{kGemm, WeightFormat::kInt4, Form::kI8}, many_tokens, true, run_matmul<>, "w4a8"},
};

/// The cases of the frames' operations (kernel_table.cpp), for every format that they serve: its schemes are those with
/// f16 activations.
std::vector<VerifyCase> with_frames() {
  std::vector<VerifyCase> cases(kCases.begin(), kCases.end());
  for (const SchemeInfo& scheme : all_schemes()) {
    const format::FormatInfo& format = format::info(scheme.weights);
    if (format.header_option.empty() || scheme.activations != Activations::kF16) continue;
    const auto add = [&](OperationKind kind, auto extents, auto run) {
      cases.push_back({{kind, scheme.weights}, extents, format.grouped, run, scheme.name});
    };
    if (scheme.split()) {
      add(kDequantize, one_token, run_dequantize);
    } else {
      add(kMatmul, any_tokens, run_matmul<>);
      add(kGemv, few_tokens, run_matmul<>);
      add(kGemm, many_tokens, run_matmul<>);
    }
  }
  return cases;
}

}  // namespace

std::span<const VerifyCase> scheme_cases() {
  static const std::vector<VerifyCase> kAll = with_frames();
  return kAll;
}

}  // namespace qtrap::scheme
