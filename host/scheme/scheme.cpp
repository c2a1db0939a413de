#include "scheme/scheme.hpp"

#include <algorithm>
#include <array>

namespace qtrap::scheme {
namespace {

constexpr std::array kSchemes{
    SchemeInfo{Scheme::kF16, "f16", "none", 16, 16, WeightFormat::kF16},
    SchemeInfo{Scheme::kW8A16Split, "w8a16-split", "split", 8, 16, WeightFormat::kInt8},
    SchemeInfo{Scheme::kW8A16Fused, "w8a16-fused", "fused", 8, 16, WeightFormat::kInt8},
    SchemeInfo{Scheme::kW8A8, "w8a8", "fused", 8, 8, WeightFormat::kInt8},
    SchemeInfo{Scheme::kW4A16Split, "w4a16-split", "split", 4, 16, WeightFormat::kInt4},
    SchemeInfo{Scheme::kW4A16Fused, "w4a16-fused", "fused", 4, 16, WeightFormat::kInt4},
    SchemeInfo{Scheme::kW4A8, "w4a8", "fused", 4, 8, WeightFormat::kInt4},
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

std::uint64_t compute_weight_bytes(WeightFormat format, ProjectionShape shape, std::uint32_t group_size) {
  const std::uint64_t groups = (shape.columns + group_size - 1) / group_size;
  switch (format) {
    case WeightFormat::kF16:
      return shape.rows * shape.columns * 2;
    case WeightFormat::kInt8:
      return shape.rows * (shape.columns + 2);
    case WeightFormat::kInt4:
      return shape.rows * ((shape.columns + 1) / 2 + groups * 4);
  }
  return 0;
}

}  // namespace qtrap::scheme
