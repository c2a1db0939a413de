#include "scheme/scheme.hpp"

#include <algorithm>
#include <array>
#include <deque>

#include "core/anchor.hpp"
#include "core/contract.hpp"
#include "scheme/catalogue/kernel_table.hpp"

namespace qtrap::scheme {
namespace {

using enum Activations;

constexpr std::array kActivations{
    ActivationInfo{kF16, 16, false, 0, "", "matrix_f16_macs_per_s", "fp32_macs_per_s"},
    ActivationInfo{kInt8, 8, true, 0.030, "_i8", "matrix_int8_macs_per_s", "int8_macs_per_s"},
    ActivationInfo{kFp8, 8, true, 0.073, "_e4m3", "", "fp32_macs_per_s"},
};

/// int4 codes times int8 activations without widening the codes.
constexpr OwnRate kNibbleProducts{"int4_int8_macs_per_s"};
/// Three bytes of every f16 activation, each times the code.
constexpr OwnRate kByteProducts{"int4_int8_macs_per_s", static_cast<double>(kNumbers.digits),
                                OperationId{OperationKind::kGemv, WeightFormat::kInt4, Form::kI24}};

constexpr std::array kSchemes{
    SchemeInfo{kAnchor, KernelPath::kNone, WeightFormat::kF16, kF16},
    SchemeInfo{"w8a16-split", KernelPath::kSplit, WeightFormat::kInt8, kF16},
    SchemeInfo{"w8a16-fused", KernelPath::kFused, WeightFormat::kInt8, kF16, false, {}, "w8a16"},
    SchemeInfo{"w8a8", KernelPath::kFused, WeightFormat::kInt8, kInt8, true, {}, "int8"},
    SchemeInfo{"w4a16-split", KernelPath::kSplit, WeightFormat::kInt4, kF16},
    SchemeInfo{"w4a16-fused", KernelPath::kFused, WeightFormat::kInt4, kF16, false, kByteProducts, "w4a16"},
    SchemeInfo{"w4a8", KernelPath::kFused, WeightFormat::kInt4, kInt8, false, kNibbleProducts, "w4a8"},
    SchemeInfo{"q8_0-split", KernelPath::kSplit, WeightFormat::kQ8_0, kF16},
    SchemeInfo{"q8_0-fused", KernelPath::kFused, WeightFormat::kQ8_0, kF16},
    SchemeInfo{"q4_0-split", KernelPath::kSplit, WeightFormat::kQ4_0, kF16},
    SchemeInfo{"q4_0-fused", KernelPath::kFused, WeightFormat::kQ4_0, kF16},
    SchemeInfo{"q4_1-split", KernelPath::kSplit, WeightFormat::kQ4_1, kF16},
    SchemeInfo{"q4_1-fused", KernelPath::kFused, WeightFormat::kQ4_1, kF16},
    SchemeInfo{"q4_k-split", KernelPath::kSplit, WeightFormat::kQ4_K, kF16},
    SchemeInfo{"q4_k-fused", KernelPath::kFused, WeightFormat::kQ4_K, kF16},
    SchemeInfo{"q6_k-split", KernelPath::kSplit, WeightFormat::kQ6_K, kF16},
    SchemeInfo{"q6_k-fused", KernelPath::kFused, WeightFormat::kQ6_K, kF16},
    SchemeInfo{"nf4-split", KernelPath::kSplit, WeightFormat::kNf4, kF16},
    SchemeInfo{"nf4-fused", KernelPath::kFused, WeightFormat::kNf4, kF16},
    SchemeInfo{"mxfp4-split", KernelPath::kSplit, WeightFormat::kMxfp4, kF16},
    SchemeInfo{"mxfp4-fused", KernelPath::kFused, WeightFormat::kMxfp4, kF16},
    SchemeInfo{"nvfp4-split", KernelPath::kSplit, WeightFormat::kNvfp4, kF16},
    SchemeInfo{"nvfp4-fused", KernelPath::kFused, WeightFormat::kNvfp4, kF16},
    SchemeInfo{"fp8-split", KernelPath::kSplit, WeightFormat::kFp8, kF16},
    SchemeInfo{"fp8-fused", KernelPath::kFused, WeightFormat::kFp8, kF16},
    SchemeInfo{"int3-split", KernelPath::kSplit, WeightFormat::kInt3, kF16},
    SchemeInfo{"int3-fused", KernelPath::kFused, WeightFormat::kInt3, kF16},
    SchemeInfo{"int2-split", KernelPath::kSplit, WeightFormat::kInt2, kF16},
    SchemeInfo{"int2-fused", KernelPath::kFused, WeightFormat::kInt2, kF16},
    SchemeInfo{"llm-int8", KernelPath::kFused, WeightFormat::kInt8, kInt8, true, {}, "int8", OutlierRule{}},
    SchemeInfo{"w8a8-fp8", KernelPath::kFused, WeightFormat::kFp8, kFp8},
};

}  // namespace

const ActivationInfo& info(Activations activations) { return kActivations.at(static_cast<std::size_t>(activations)); }

std::span<const SchemeInfo> all_schemes() { return kSchemes; }

SchemeInfo with_cache(const SchemeInfo& scheme, CacheFormat cache) {
  static const std::deque<std::string> kNames = [] {  // what names of schemes are views of
    std::deque<std::string> names;
    for (const SchemeInfo& one : kSchemes) {
      for (const CacheInfo& format : kCacheFormats) names.push_back(std::string(one.name).append(format.ending));
    }
    return names;
  }();
  const std::string name = std::string(split_cached_name(scheme.name).base).append(info(cache).ending);
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  expects(found != kNames.end(), "a scheme is one of the table");
  SchemeInfo cached = scheme;
  cached.name = *found;
  cached.cache = cache;
  return cached;
}

std::optional<SchemeInfo> find_scheme(std::string_view name) {
  const CachedName wanted = split_cached_name(name);
  const auto found =
      std::find_if(kSchemes.begin(), kSchemes.end(), [&](const SchemeInfo& s) { return s.name == wanted.base; });
  if (found == kSchemes.end()) return std::nullopt;
  return with_cache(*found, wanted.cache);
}

std::optional<SchemeInfo> find_reader(WeightFormat format) {
  const auto found = std::find_if(kSchemes.begin(), kSchemes.end(), [&](const SchemeInfo& s) {
    return s.weights == format && s.activations == Activations::kF16 && !s.split() && !s.outliers;
  });
  if (found == kSchemes.end()) return std::nullopt;
  return *found;
}

std::uint64_t OutlierRule::count_places(std::uint64_t columns) const {
  constexpr std::uint64_t kMultiple = 32;
  const auto padded = [](std::uint64_t count) { return (count + kMultiple - 1) / kMultiple * kMultiple; };
  return std::min(std::max(fewest_places, padded(columns / columns_per_place)), padded(columns));
}

std::string SchemeInfo::mac_class() const {
  if (!older_class.empty()) return std::string(older_class);
  return std::string(format::info(matmul_format()).name) + std::string(info(activations).class_ending);
}

double SchemeInfo::step_error() const {
  return std::max({format::info(weights).step_error, info(activations).step_error, info(cache).step_error});
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
