// The number formats of a decoder's caches of keys and values: closed words, and what follows from each. Schemes are
// named by their ending where they differ in their caches alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/words.hpp"

namespace qtrap {

/// In the order of the table. int8: codes with one scale for each head of a token (kernels/attention/cache.clh).
enum class CacheFormat { kF16, kInt8 };
constexpr Words<2> words_of(CacheFormat) { return {"f16", "int8"}; }

struct CacheInfo {
  CacheFormat format;
  std::uint64_t bits;         ///< of an element
  std::uint64_t scale_bytes;  ///< of a head of a token, its key's or its value's; 0: there are none
  std::string_view ending;    ///< of the names of schemes; empty: that of the plain caches
  /// What its rounding makes of the output of one step of one layer, at most (relative L2); as FormatInfo::step_error.
  /// int8: the first step's logits of qwen3-0.6b and SmolLM2-135M's shape behind 128 to 8,192 random positions were at
  /// most 0.063 from those of caches of f16 (batch 1 to 16), of which 1.5 sqrt(28) x this makes 0.079.
  double step_error;

  /// Of the elements of a head of a token, its key's or its value's.
  std::uint64_t element_bytes(std::uint64_t head_dim) const { return bits * head_dim / 8; }
  std::uint64_t head_bytes(std::uint64_t head_dim) const { return element_bytes(head_dim) + scale_bytes; }
};

inline constexpr std::array kCacheFormats{
    CacheInfo{CacheFormat::kF16, 16, 0, "", 0},
    CacheInfo{CacheFormat::kInt8, 8, 4, "-kv8", 0.01},
};
static_assert(kCacheFormats.size() == kWords<CacheFormat>.size());

constexpr const CacheInfo& info(CacheFormat format) { return kCacheFormats[static_cast<std::size_t>(format)]; }

/// A scheme's name as that of the scheme with plain caches, and the format of its own.
struct CachedName {
  std::string_view base;
  CacheFormat cache = CacheFormat::kF16;
};
constexpr CachedName split_cached_name(std::string_view name) {
  for (const CacheInfo& one : kCacheFormats) {
    if (!one.ending.empty() && name.ends_with(one.ending))
      return {name.substr(0, name.size() - one.ending.size()), one.format};
  }
  return {name};
}

}  // namespace qtrap
