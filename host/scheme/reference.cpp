#include "scheme/reference.hpp"

#include <algorithm>
#include <cmath>

#include "core/half.hpp"
#include "core/philox.hpp"
#include "scheme/pass.hpp"

namespace qtrap::scheme {
namespace {

// The kernels multiply by these floats instead of dividing: OpenCL's division is not exact.
constexpr float kInverse127 = 0x1.020408p-7F;
constexpr float kInverse15 = 0x1.111112p-4F;

float half_at(const HalfBits& bits, std::uint64_t i) { return float_from_half(bits[i]); }

/// The integer nearest to the exact product, ties to even.
int rounded_product(float a, float b) {
  return static_cast<int>(std::nearbyint(static_cast<double>(a) * static_cast<double>(b)));
}

/// f16 scale of a span of magnitudes; 1 for a zero span.
std::uint16_t scale_bits(float span) {
  const std::uint16_t bits = half_from_float(span);
  return bits == 0 ? half_from_float(1.0F) : bits;
}

void quantize_int8(const HalfBits& f16, HostWeights& out) {
  const auto [rows, columns] = out.shape;
  for (std::uint64_t r = 0; r < rows; ++r) {
    float top = 0;
    for (std::uint64_t k = 0; k < columns; ++k) top = std::max(top, std::fabs(half_at(f16, r * columns + k)));
    out.scales.push_back(scale_bits(top * kInverse127));
    const float inverse = 1.0F / float_from_half(out.scales.back());
    for (std::uint64_t k = 0; k < columns; ++k) {
      const int code = std::clamp(rounded_product(half_at(f16, r * columns + k), inverse), -127, 127);
      out.codes.push_back(static_cast<std::uint8_t>(static_cast<std::int8_t>(code)));
    }
  }
}

void quantize_int4(const HalfBits& f16, HostWeights& out) {
  const auto [rows, columns] = out.shape;
  const std::uint64_t pitch = (columns + 1) / 2;
  out.codes.assign(rows * pitch, 0);
  for (std::uint64_t r = 0; r < rows; ++r) {
    for (std::uint64_t begin = 0; begin < columns; begin += out.group) {
      const std::uint64_t end = std::min<std::uint64_t>(begin + out.group, columns);
      float low = 0;
      float high = 0;
      for (std::uint64_t k = begin; k < end; ++k) {
        low = std::min(low, half_at(f16, r * columns + k));
        high = std::max(high, half_at(f16, r * columns + k));
      }
      out.scales.push_back(scale_bits((high - low) * kInverse15));
      const float inverse = 1.0F / float_from_half(out.scales.back());
      const int zero = std::clamp(rounded_product(-low, inverse), 0, 15);
      out.zeros.push_back(half_from_float(static_cast<float>(zero)));
      for (std::uint64_t k = begin; k < end; ++k) {
        const int code = std::clamp(rounded_product(half_at(f16, r * columns + k), inverse) + zero, 0, 15);
        std::uint8_t& byte = out.codes[r * pitch + k / 2];
        byte = static_cast<std::uint8_t>(byte | code << (k % 2 * 4));
      }
    }
  }
}

}  // namespace

float reference_random(std::uint64_t i, float sigma, std::uint64_t seed, std::uint64_t tensor) {
  const auto low = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
  const auto high = [](std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); };
  const PhiloxCounter words = philox4x32({low(i / 4), high(i / 4), low(tensor), high(tensor)}, {low(seed), high(seed)});
  const std::uint32_t word = words[i % 4];
  int sum = 0;
  for (unsigned shift = 0; shift < 32; shift += 8) sum += static_cast<int>(word >> shift & 255U);
  return static_cast<float>(sum - 510) * random_unit(sigma);
}

int HostWeights::code(std::uint64_t row, std::uint64_t column) const {
  if (format == WeightFormat::kInt8) return static_cast<std::int8_t>(codes[row * shape.columns + column]);
  return codes[row * ((shape.columns + 1) / 2) + column / 2] >> (column % 2 * 4) & 15;
}

double HostWeights::scale(std::uint64_t row, std::uint64_t column) const {
  if (format == WeightFormat::kF16) return 1;
  return static_cast<double>(half_at(scales, format == WeightFormat::kInt8 ? row : row * groups() + column / group));
}

double HostWeights::zero(std::uint64_t row, std::uint64_t column) const {
  return format == WeightFormat::kInt4 ? static_cast<double>(half_at(zeros, row * groups() + column / group)) : 0;
}

double HostWeights::value(std::uint64_t row, std::uint64_t column) const {
  if (format == WeightFormat::kF16) return static_cast<double>(half_at(plain, row * shape.columns + column));
  return (code(row, column) - zero(row, column)) * scale(row, column);
}

HostWeights reference_quantize(const HalfBits& f16, WeightFormat format, ProjectionShape shape, std::uint32_t group) {
  HostWeights weights{format, shape, group, {}, {}, {}, {}};
  switch (format) {
    case WeightFormat::kF16:
      weights.plain = f16;
      break;
    case WeightFormat::kInt8:
      quantize_int8(f16, weights);
      break;
    case WeightFormat::kInt4:
      quantize_int4(f16, weights);
      break;
  }
  return weights;
}

HostActivations reference_quantize_activations(const HalfBits& x, std::uint64_t tokens, std::uint64_t columns,
                                               std::uint32_t group) {
  HostActivations out;
  const std::uint64_t groups = (columns + group - 1) / group;
  out.sums.assign(tokens * groups, 0);
  for (std::uint64_t t = 0; t < tokens; ++t) {
    float top = 0;
    for (std::uint64_t k = 0; k < columns; ++k) top = std::max(top, std::fabs(half_at(x, t * columns + k)));
    out.scales.push_back(top > 0 ? top * kInverse127 : 1.0F);
    const float inverse = top > 0 ? 127.0F * (1.0F / top) : 1.0F;
    for (std::uint64_t k = 0; k < columns; ++k) {
      const int code = rounded_product(half_at(x, t * columns + k), inverse);
      out.codes.push_back(static_cast<std::int8_t>(code));
      out.sums[t * groups + k / group] += code;
    }
  }
  return out;
}

MatmulReference reference_matmul(const HostWeights& weights, const std::vector<double>& x, std::uint64_t tokens) {
  const auto [rows, columns] = weights.shape;
  MatmulReference out;
  for (std::uint64_t t = 0; t < tokens; ++t) {
    for (std::uint64_t r = 0; r < rows; ++r) {
      double sum = 0;
      double magnitude = 0;
      for (std::uint64_t k = 0; k < columns; ++k) {
        const double weight = weights.value(r, k);
        const double bound = weights.format == WeightFormat::kInt4
                                 ? (weights.code(r, k) + weights.zero(r, k)) * weights.scale(r, k)
                                 : std::fabs(weight);
        sum += weight * x[t * columns + k];
        magnitude += bound * std::fabs(x[t * columns + k]);
      }
      out.y.push_back(sum);
      out.magnitude.push_back(magnitude);
    }
  }
  return out;
}

std::uint64_t panel_position(std::uint64_t token, std::uint64_t column, std::uint64_t columns) {
  return (token / 16 * columns + column) * 16 + token % 16;
}

std::uint64_t nibble_position(std::uint64_t column, std::uint64_t lanes, std::uint64_t per_lane) {
  const std::uint64_t block = per_lane * lanes;
  const std::uint64_t inside = column % block;
  return column - inside + inside % per_lane * lanes + inside / per_lane;
}

}  // namespace qtrap::scheme
