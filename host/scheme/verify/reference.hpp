// Host references of every operation, but for the formats' own (host/format); written from the formulas and not from
// the kernels. f16 tensors are bit patterns; sums are in double. Scales, zero points, codes and random numbers are
// defined bit for bit (see quantize_reference.cl).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "scheme/scheme.hpp"

namespace qtrap::scheme {

using format::HalfBits;
using format::HostWeights;

/// Value i of the stream (seed, tensor) of PassMaker::random_f32.
float reference_random(std::uint64_t i, float sigma, std::uint64_t seed, std::uint64_t tensor);

/// Activations in 8 bits: codes [tokens][columns] and what they stand for, a scale per token; of int8 sums of codes per
/// token and group.
struct HostActivations {
  std::vector<std::int8_t> codes;
  std::vector<float> scales;
  std::vector<std::int32_t> sums;
  std::vector<double> numbers;  ///< by code

  /// Activation i, scaled.
  double value(std::uint64_t i) const {
    return numbers[i] * static_cast<double>(scales[i / (numbers.size() / scales.size())]);
  }
};
HostActivations reference_quantize_activations(const HalfBits& x, std::uint64_t tokens, std::uint64_t columns,
                                               std::uint32_t group);
/// e4m3 as FBGEMM quantizes rows for Llama 3: the largest magnitude of a token, at most 1200, becomes 448.
HostActivations reference_quantize_e4m3(const HalfBits& x, std::uint64_t tokens, std::uint64_t columns);
/// As the quantize pass of such activations does; f16 ones are what they are, with scale 1 and no codes.
HostActivations reference_activations(Activations activations, const HalfBits& x, std::uint64_t tokens,
                                      std::uint64_t columns, std::uint32_t group);

/// What a scheme with outliers apart makes of activations: the mask by column (0xFFFF, listed outliers 0), the list
/// with unused places as `columns`, and how many are listed and how many found no place.
struct HostOutliers {
  std::vector<std::uint16_t> mask;
  std::vector<std::uint32_t> columns;
  std::array<std::uint32_t, 2> counts{};
};
HostOutliers reference_outliers(const HalfBits& x, std::uint64_t tokens, std::uint64_t columns,
                                const OutlierRule& rule);
/// x with the columns of the mask's zeros as 0.
HalfBits reference_inliers(const HalfBits& x, const HostOutliers& outliers);

/// y = W x for all tokens, and for each result the sum of magnitudes (HostWeights::magnitude times |x|) that bounds its
/// rounding errors. x [tokens][columns], both results [tokens][rows].
struct MatmulReference {
  std::vector<double> y;
  std::vector<double> magnitude;
};
MatmulReference reference_matmul(const HostWeights& weights, const std::vector<double>& x, std::uint64_t tokens);

/// Where the CPU family's kernels keep an activation.
/// Panels of kNumbers.panel_tokens: [token / 16][column][token % 16].
std::uint64_t panel_position(std::uint64_t token, std::uint64_t column, std::uint64_t columns);
/// Column within its token when `per_lane` columns share a lane and a vector has `lanes`.
std::uint64_t nibble_position(std::uint64_t column, std::uint64_t lanes, std::uint64_t per_lane);

}  // namespace qtrap::scheme
