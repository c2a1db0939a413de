#include "scheme/scheme.hpp"

#include <algorithm>
#include <array>

namespace qtrap::scheme {
namespace {

using enum Activations;

constexpr std::array kSchemes{
    SchemeInfo{"f16", "none", WeightFormat::kF16, kF16},
    SchemeInfo{"w8a16-split", "split", WeightFormat::kInt8, kF16},
    SchemeInfo{"w8a16-fused", "fused", WeightFormat::kInt8, kF16},
    SchemeInfo{"w8a8", "fused", WeightFormat::kInt8, kInt8, true},
    SchemeInfo{"w4a16-split", "split", WeightFormat::kInt4, kF16},
    SchemeInfo{"w4a16-fused", "fused", WeightFormat::kInt4, kF16},
    SchemeInfo{"w4a8", "fused", WeightFormat::kInt4, kInt8},
};

constexpr std::array<std::string_view, kRoleCount> kRoleNames{"cast",   "quantize",  "dequantize",
                                                              "matmul", "attention", "other"};

}  // namespace

std::string_view to_string(Role role) { return kRoleNames.at(static_cast<std::size_t>(role)); }

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
