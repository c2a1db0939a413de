// The passes between tokens and activations: embedding, bias, greedy choice.
#include <algorithm>
#include <array>

#include "scheme/verify/verify_support.hpp"

namespace qtrap::scheme {
namespace {

using device::Buffer;
using enum OperationKind;

constexpr std::uint64_t kTrialVocabulary = 37;

Result<Comparison> run_embed(VerifyBench& bench, const VerifyCase&, const KernelEntry&, const Extent& e) {
  const HalfBits table = random_halves(kTrialVocabulary * e.columns, 1.0F, 31);
  std::vector<std::uint32_t> ids(e.tokens);
  HalfBits expected;
  for (std::uint64_t t = 0; t < e.tokens; ++t) {
    ids[t] = static_cast<std::uint32_t>((kTrialVocabulary - 1 - 5 * t % kTrialVocabulary));
    const auto row = table.begin() + static_cast<std::ptrdiff_t>(ids[t] * e.columns);
    expected.insert(expected.end(), row, row + static_cast<std::ptrdiff_t>(e.columns));
  }
  const Buffer rows = bench.upload(table);
  const Buffer tokens = bench.upload(ids);
  const Buffer out = bench.make_output(2 * expected.size());
  return run_pass(
      bench,
      [&](const PassMaker& maker) { return maker.embed(rows, tokens, out, kTrialVocabulary, e.columns, e.tokens); },
      [&] { return compare_bits(bench.download<std::uint16_t>(out), expected); });
}

Result<Comparison> run_bias(VerifyBench& bench, const VerifyCase&, const KernelEntry&, const Extent& e) {
  const HalfBits x = random_halves(e.tokens * e.columns, 2.0F, 32);
  const HalfBits bias = random_halves(e.columns, 0.5F, 33);
  HalfBits expected(x.size());
  for (std::uint64_t i = 0; i < x.size(); ++i)
    expected[i] = half_from_float(float_from_half(x[i]) + float_from_half(bias[i % e.columns]));
  const Buffer sum = bench.make_output(2 * x.size());
  device::write_vector(bench.device(), sum, x);
  const Buffer added = bench.upload(bias);
  return run_pass(
      bench, [&](const PassMaker& maker) { return maker.add_bias(sum, added, e.columns, e.tokens); },
      [&] { return compare_bits(bench.download<std::uint16_t>(sum), expected); });
}

/// Tokens by turns: numbers with their largest twice, all of them NaN but one, nothing but NaN, nothing but -infinity.
HalfBits trial_logits(std::uint64_t tokens, std::uint64_t vocab) {
  constexpr std::uint16_t kNan = 0x7E00;
  constexpr std::uint16_t kMinusInfinity = 0xFC00;
  HalfBits logits = random_halves(tokens * vocab, 3.0F, 34);
  for (std::uint64_t t = 0; t < tokens; ++t) {
    const auto row = logits.begin() + static_cast<std::ptrdiff_t>(t * vocab);
    const auto end = row + static_cast<std::ptrdiff_t>(vocab);
    if (t % 4 == 0) row[static_cast<std::ptrdiff_t>(vocab - 1)] = row[static_cast<std::ptrdiff_t>(vocab / 2)] = 0x7BFF;
    if (t % 4 == 1) std::fill(row, end - 1, kNan);
    if (t % 4 == 2) std::fill(row, end, kNan);
    if (t % 4 == 3) std::fill(row, end, kMinusInfinity);
  }
  return logits;
}

Result<Comparison> run_choose(VerifyBench& bench, const VerifyCase&, const KernelEntry&, const Extent& e) {
  constexpr std::uint32_t kFilled = 45;
  constexpr std::uint32_t kRun = 3;
  const HalfBits logits = trial_logits(e.tokens, e.columns);
  const auto last = static_cast<std::uint32_t>(e.columns - 1);
  const std::array<std::uint32_t, 4> chosen{static_cast<std::uint32_t>(e.columns / 2), last, 0, 0};
  std::vector<std::uint32_t> expected(e.tokens);
  for (std::uint64_t t = 0; t < e.tokens; ++t) expected[t] = chosen[t % chosen.size()];
  const Buffer in = bench.upload(logits);
  const Buffer ids = bench.make_output(4 * e.tokens);
  const Buffer position = bench.upload(std::vector<std::uint32_t>{kFilled});
  return run_pass(
      bench, [&](const PassMaker& maker) { return maker.choose(in, ids, position, e.columns, e.tokens, kRun); },
      [&] {
        if (bench.download<std::uint32_t>(position).front() != kFilled + kRun)
          return Comparison{1, 0, "the position did not move on by the run of tokens"};
        return compare_bits(bench.download<std::uint32_t>(ids), expected);
      });
}

const std::array kCases{
    VerifyCase{{kEmbed}, few_tokens, false, run_embed},
    VerifyCase{{kBias}, few_tokens, false, run_bias},
    VerifyCase{{kChoose}, few_tokens, false, run_choose},
};

}  // namespace

std::span<const VerifyCase> token_cases() { return kCases; }

}  // namespace qtrap::scheme
