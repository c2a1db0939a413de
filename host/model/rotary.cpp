#include "model/rotary.hpp"

#include <cmath>
#include <numbers>

#include "core/contract.hpp"

namespace qtrap::model {
namespace {

/// As Llama 3.1: frequencies that turn fewer than low_freq_factor times in the original context are slower by `factor`,
/// those that turn more than high_freq_factor times stay, between them the two are blended.
double stretch(double frequency, const profile::RopeScaling& scaling) {
  const double turns = static_cast<double>(scaling.original_context) * frequency / (2 * std::numbers::pi);
  if (turns < scaling.low_freq_factor) return frequency / scaling.factor;
  if (turns > scaling.high_freq_factor) return frequency;
  const double kept = (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor);
  return (1 - kept) * frequency / scaling.factor + kept * frequency;
}

}  // namespace

std::vector<float> make_angles(const profile::ModelProfile& shape, std::uint64_t positions,
                               std::span<const float> divisors) {
  const auto pairs = static_cast<std::uint64_t>(shape.head_dim / 2);
  expects(divisors.empty() || divisors.size() == pairs, "each pair of a head has a divisor, or none has");
  std::vector<double> frequencies(pairs);
  for (std::uint64_t i = 0; i < pairs; ++i) {
    const double exponent = -2 * static_cast<double>(i) / static_cast<double>(shape.head_dim);
    frequencies[i] = std::pow(shape.rope_base, exponent);
    if (shape.rope_scaling) frequencies[i] = stretch(frequencies[i], *shape.rope_scaling);
    if (!divisors.empty()) frequencies[i] /= static_cast<double>(divisors[i]);
  }
  std::vector<float> angles;
  angles.reserve(2 * positions * pairs);
  for (std::uint64_t position = 0; position < positions; ++position) {
    for (const double frequency : frequencies) {
      const double angle = static_cast<double>(position) * frequency;
      angles.push_back(static_cast<float>(std::cos(angle)));
      angles.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  return angles;
}

}  // namespace qtrap::model
