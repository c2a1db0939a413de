// What the cases of verify_operations.cpp and verify_schemes.cpp share: inputs, comparisons and shapes.
#pragma once

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/half.hpp"
#include "scheme/verify/reference.hpp"
#include "scheme/verify/verify_cases.hpp"

namespace qtrap::scheme {

inline constexpr double kFloatUlp = 0x1p-24;  // half an ulp of f32, relative
inline constexpr double kHalfUlp = 0x1p-11;   // half an ulp of f16, relative
inline constexpr double kHalfTiny = 0x1p-25;  // half an ulp of a subnormal f16
inline constexpr std::uint64_t kSeed = 0x5EED0123456789ABULL;

/// f16 numbers of deviation `sigma`, stream `tensor`.
HalfBits random_halves(std::uint64_t count, float sigma, std::uint64_t tensor);
/// Weights with the cases that trip quantizers: a zero row, a positive row, an outlier.
HalfBits trial_weights(ProjectionShape shape);
/// Activations of unit deviation, the second far smaller; the third token is zero.
HalfBits trial_activations(std::uint64_t tokens, std::uint64_t columns);

/// Share of elements whose bits differ.
template <class T>
Comparison compare_bits(const std::vector<T>& found, const std::vector<T>& expected) {
  if (found.size() != expected.size()) return {1, 0, "the output has a wrong size"};
  using Bits = std::array<std::byte, sizeof(T)>;
  std::size_t different = 0;
  std::size_t first = 0;
  for (std::size_t i = found.size(); i-- > 0;) {
    if (std::bit_cast<Bits>(found[i]) == std::bit_cast<Bits>(expected[i])) continue;
    ++different;
    first = i;
  }
  if (different == 0) return {};
  return {static_cast<double>(different) / static_cast<double>(found.size()), 0,
          fmt::format("{} of {} elements differ from the host, the first at {}", different, found.size(), first)};
}

/// Worst |found - expected| beyond the rounding to f16, relative to `scale`.
Comparison compare_halves(const HalfBits& found, const std::vector<double>& expected, const std::vector<double>& scale,
                          double tolerance);
/// `comparison`, or a problem when a kernel wrote behind an output.
Comparison finish(VerifyBench& bench, Comparison comparison);

/// Runs a PassMaker pass and compares.
template <class Make, class Compare>
Result<Comparison> run_pass(VerifyBench& bench, Make make, Compare compare) {
  const Result<Pass> pass = make(PassMaker(bench.device(), bench.options()));
  if (!pass) return pass.error();
  bench.run(pass.value());
  return finish(bench, compare());
}

// Shapes; `small`: a few small ones.
std::vector<Extent> counts(bool small);
std::vector<Extent> few_tokens(bool small);   ///< of the gemv kernels
std::vector<Extent> many_tokens(bool small);  ///< of the gemm kernels
std::vector<Extent> one_token(bool small);    ///< for what reads weights alone, or serves one token
std::vector<Extent> any_tokens(bool small);

/// Rows of `width` with `beside` elements of NaN before and as many behind each.
HalfBits widen(const HalfBits& rows, std::uint64_t width, std::uint64_t beside);
/// A buffer of them as columns.
Columns columns_of(const device::Buffer& widened, std::uint64_t width, std::uint64_t beside);
/// The rows out of such a buffer; empty where a row was written beside them.
HalfBits narrow(const HalfBits& widened, std::uint64_t width, std::uint64_t beside);

/// Cases of the operations that PassMaker makes, and of those that only a scheme has.
std::span<const VerifyCase> operation_cases();
std::span<const VerifyCase> scheme_cases();
std::span<const VerifyCase> attention_cases();
std::span<const VerifyCase> token_cases();

}  // namespace qtrap::scheme
