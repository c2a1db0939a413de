#include "scheme/verify/reference.hpp"

#include <algorithm>
#include <cmath>

#include "core/half.hpp"
#include "core/philox.hpp"
#include "format/minifloat.hpp"
#include "format/rounding.hpp"
#include "scheme/pass.hpp"

namespace qtrap::scheme {
namespace {

float half_at(const HalfBits& bits, std::uint64_t i) { return float_from_half(bits[i]); }

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

HostActivations reference_quantize_activations(const HalfBits& x, std::uint64_t tokens, std::uint64_t columns,
                                               std::uint32_t group) {
  HostActivations out;
  const std::uint64_t groups = format::count_groups(columns, group);
  out.sums.assign(tokens * groups, 0);
  for (std::uint64_t t = 0; t < tokens; ++t) {
    float top = 0;
    for (std::uint64_t k = 0; k < columns; ++k) top = std::max(top, std::fabs(half_at(x, t * columns + k)));
    out.scales.push_back(top > 0 ? top * format::kInverse127 : 1.0F);
    const float inverse = top > 0 ? 127.0F * (1.0F / top) : 1.0F;
    for (std::uint64_t k = 0; k < columns; ++k) {
      const int code = format::round_product(half_at(x, t * columns + k), inverse);
      out.codes.push_back(static_cast<std::int8_t>(code));
      out.numbers.push_back(code);
      out.sums[t * groups + k / group] += code;
    }
  }
  return out;
}

HostActivations reference_quantize_e4m3(const HalfBits& x, std::uint64_t tokens, std::uint64_t columns) {
  constexpr float kTopCode = 448;
  constexpr float kInverse448 = 1.0F / kTopCode;
  constexpr float kMostTop = 1200;
  HostActivations out;
  for (std::uint64_t t = 0; t < tokens; ++t) {
    float top = 0;
    for (std::uint64_t k = 0; k < columns; ++k) top = std::max(top, std::fabs(half_at(x, t * columns + k)));
    top = std::min(top, kMostTop);
    out.scales.push_back(top > 0 ? top * kInverse448 : 1.0F);
    const float inverse = top > 0 ? kTopCode * (1.0F / top) : 1.0F;
    for (std::uint64_t k = 0; k < columns; ++k) {
      const std::uint8_t code = format::e4m3_from(half_at(x, t * columns + k) * inverse);
      out.codes.push_back(static_cast<std::int8_t>(code));
      out.numbers.push_back(static_cast<double>(format::float_from_e4m3(code)));
    }
  }
  return out;
}

HostActivations reference_activations(Activations activations, const HalfBits& x, std::uint64_t tokens,
                                      std::uint64_t columns, std::uint32_t group) {
  using Quantize = HostActivations (*)(const HalfBits&, std::uint64_t, std::uint64_t, std::uint32_t);
  constexpr Quantize kRows[] = {
      // in the order of Activations
      [](const HalfBits& in, std::uint64_t count, std::uint64_t, std::uint32_t) {
        HostActivations out;
        out.scales.assign(count, 1.0F);
        for (const std::uint16_t bits : in) out.numbers.push_back(static_cast<double>(float_from_half(bits)));
        return out;
      },
      reference_quantize_activations,
      [](const HalfBits& in, std::uint64_t count, std::uint64_t width, std::uint32_t) {
        return reference_quantize_e4m3(in, count, width);
      },
  };
  return kRows[static_cast<std::size_t>(activations)](x, tokens, columns, group);
}

HostOutliers reference_outliers(const HalfBits& x, std::uint64_t tokens, std::uint64_t columns,
                                const OutlierRule& rule) {
  HostOutliers out;
  out.mask.assign(columns, 0xFFFF);
  const std::uint64_t places = rule.count_places(columns);
  for (std::uint64_t k = 0; k < columns; ++k) {
    bool within = true;
    for (std::uint64_t t = 0; t < tokens; ++t) within &= std::fabs(half_at(x, t * columns + k)) <= rule.threshold;
    if (within) continue;
    if (out.columns.size() == places) {
      ++out.counts[1];
      continue;
    }
    out.mask[k] = 0;
    out.columns.push_back(static_cast<std::uint32_t>(k));
    ++out.counts[0];
  }
  out.columns.resize(places, static_cast<std::uint32_t>(columns));
  return out;
}

HalfBits reference_inliers(const HalfBits& x, const HostOutliers& outliers) {
  HalfBits inliers(x);
  const std::size_t columns = outliers.mask.size();
  for (std::size_t i = 0; i < x.size(); ++i) inliers[i] = static_cast<std::uint16_t>(x[i] & outliers.mask[i % columns]);
  return inliers;
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
        sum += weight * x[t * columns + k];
        magnitude += weights.magnitude(r, k) * std::fabs(x[t * columns + k]);
      }
      out.y.push_back(sum);
      out.magnitude.push_back(magnitude);
    }
  }
  return out;
}

std::uint64_t panel_position(std::uint64_t token, std::uint64_t column, std::uint64_t columns) {
  constexpr std::uint64_t kTokens = kNumbers.panel_tokens;
  return (token / kTokens * columns + column) * kTokens + token % kTokens;
}

std::uint64_t nibble_position(std::uint64_t column, std::uint64_t lanes, std::uint64_t per_lane) {
  const std::uint64_t block = per_lane * lanes;
  const std::uint64_t inside = column % block;
  return column - inside + inside % per_lane * lanes + inside / per_lane;
}

}  // namespace qtrap::scheme
