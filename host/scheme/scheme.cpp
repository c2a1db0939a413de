#include "scheme/scheme.hpp"

#include <algorithm>
#include <array>

namespace qtrap::scheme {
namespace {

using enum Activations;

constexpr std::array kSchemes{
    SchemeInfo{"f16", KernelPath::kNone, WeightFormat::kF16, kF16},
    SchemeInfo{"w8a16-split", KernelPath::kSplit, WeightFormat::kInt8, kF16},
    SchemeInfo{"w8a16-fused", KernelPath::kFused, WeightFormat::kInt8, kF16},
    SchemeInfo{"w8a8", KernelPath::kFused, WeightFormat::kInt8, kInt8, true},
    SchemeInfo{"w4a16-split", KernelPath::kSplit, WeightFormat::kInt4, kF16},
    SchemeInfo{"w4a16-fused", KernelPath::kFused, WeightFormat::kInt4, kF16},
    SchemeInfo{"w4a8", KernelPath::kFused, WeightFormat::kInt4, kInt8},
};

}  // namespace

std::span<const SchemeInfo> all_schemes() { return kSchemes; }

std::optional<SchemeInfo> find_scheme(std::string_view name) {
  const auto found =
      std::find_if(kSchemes.begin(), kSchemes.end(), [&](const SchemeInfo& s) { return s.name == name; });
  if (found == kSchemes.end()) return std::nullopt;
  return *found;
}

Costs& Costs::operator+=(const Costs& other) {
  bytes += other.bytes;
  cached_bytes += other.cached_bytes;
  macs += other.macs;
  dequantized_weights += other.dequantized_weights;
  cast_elements += other.cast_elements;
  quantized_elements += other.quantized_elements;
  launches += other.launches;
  weight_launches += other.weight_launches;
  return *this;
}

}  // namespace qtrap::scheme
