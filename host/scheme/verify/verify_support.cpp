#include "scheme/verify/verify_support.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qtrap::scheme {
namespace {

std::vector<Extent> products(const std::vector<ProjectionShape>& shapes, const std::vector<std::uint64_t>& tokens) {
  std::vector<Extent> out;
  for (const ProjectionShape& shape : shapes) {
    for (const std::uint64_t t : tokens) out.push_back({.rows = shape.rows, .columns = shape.columns, .tokens = t});
  }
  return out;
}

// 40 x 208: rows whole in 16 bytes, not in the 64-byte steps of gemm_amd_units_gpu.cl.
const std::vector<ProjectionShape> kOddShapes{{1, 1}, {3, 5}, {33, 257}, {64, 130}, {40, 208}, {130, 384}};
constexpr std::uint16_t kHalfNan = 0x7E00;
const std::vector<ProjectionShape> kSmallShapes{{3, 5}, {5, 67}};

}  // namespace

HalfBits random_halves(std::uint64_t count, float sigma, std::uint64_t tensor) {
  HalfBits bits(count);
  for (std::uint64_t i = 0; i < count; ++i) bits[i] = half_from_float(reference_random(i, sigma, kSeed, tensor));
  return bits;
}

HalfBits trial_weights(ProjectionShape shape) {
  HalfBits bits = random_halves(shape.rows * shape.columns, 0.05F, 1);
  for (std::uint64_t k = 0; k < shape.columns; ++k) {
    if (shape.rows > 2) bits[shape.columns + k] = 0;
    if (shape.rows > 3) bits[2 * shape.columns + k] = static_cast<std::uint16_t>(bits[2 * shape.columns + k] & 0x7FFFU);
  }
  bits.back() = half_from_float(-1.5F);
  return bits;
}

HalfBits trial_activations(std::uint64_t tokens, std::uint64_t columns) {
  HalfBits bits = random_halves(tokens * columns, 1.0F, 2);
  if (columns > 1) bits[1] = half_from_float(1.7e-4F);
  if (tokens > 2) std::fill_n(bits.begin() + static_cast<std::ptrdiff_t>(2 * columns), columns, std::uint16_t{0});
  return bits;
}

HalfBits widen(const HalfBits& rows, std::uint64_t width, std::uint64_t beside) {
  const std::uint64_t row = width + 2 * beside;
  HalfBits out(rows.size() / width * row, kHalfNan);
  for (std::uint64_t i = 0; i < rows.size(); ++i) out[i / width * row + beside + i % width] = rows[i];
  return out;
}

Columns columns_of(const device::Buffer& widened, std::uint64_t width, std::uint64_t beside) {
  return {widened, beside, width + 2 * beside};
}

HalfBits narrow(const HalfBits& widened, std::uint64_t width, std::uint64_t beside) {
  const std::uint64_t row = width + 2 * beside;
  HalfBits out;
  for (std::uint64_t i = 0; i < widened.size(); ++i) {
    const bool own = i % row >= beside && i % row < beside + width;
    if (own) out.push_back(widened[i]);
    if (!own && widened[i] != kHalfNan) return {};
  }
  return out;
}

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

std::vector<Extent> counts(bool small) {
  std::vector<Extent> out{{.count = 1}, {.count = 37}};
  if (!small) {
    out.push_back({.count = 4096});
    out.push_back({.count = 12345});
  }
  return out;
}

/// Whole blocks of the kernels that go through them row by row (1024 columns of int4), and columns behind them.
Extent long_rows(std::uint64_t tokens) { return {.rows = 11, .columns = 2088, .tokens = tokens}; }

std::vector<Extent> few_tokens(bool small) {
  std::vector<Extent> out = small ? products(kSmallShapes, {1, 3}) : products(kOddShapes, {1, 2, 3, 8});
  if (!small) out.insert(out.end(), {long_rows(1), long_rows(3)});
  return out;
}
std::vector<Extent> many_tokens(bool small) {
  return small ? products(kSmallShapes, {17}) : products(kOddShapes, {9, 17, 65});
}
std::vector<Extent> one_token(bool small) {
  std::vector<Extent> out = products(small ? kSmallShapes : kOddShapes, {1});
  if (!small) out.push_back(long_rows(1));
  return out;
}
std::vector<Extent> any_tokens(bool small) {
  return small ? products(kSmallShapes, {3}) : products(kOddShapes, {1, 3, 17, 65});
}

}  // namespace qtrap::scheme
