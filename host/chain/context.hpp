// What a decoder remembers: the keys and values of all positions in every layer that runs, in each format that its
// chains take them in, how far they are filled, and the angles of its rotary embedding. Shared by the chains that
// continue one context: of those with caches of one format each writes over what the last one left.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "core/cache_format.hpp"
#include "core/result.hpp"
#include "core/rotary_pairs.hpp"
#include "profile/profile.hpp"
#include "scheme/pass.hpp"

namespace qtrap::chain {

struct Context {
  std::uint64_t sequences = 0;
  std::uint64_t capacity = 0;  ///< positions of each sequence
  RotaryPairs pairs = RotaryPairs::kHalves;
  std::map<CacheFormat, std::vector<scheme::KvCache>> caches;  ///< of each layer that runs
  device::Buffer angles;                                       ///< f32 (cos, sin) [capacity][head_dim / 2]
  device::Buffer position;                                     ///< u32: positions that are filled
  device::Buffer start;                                        ///< u32: what a chain resets it to

  /// Bytes that make() allocates.
  static std::uint64_t compute_bytes(const profile::ModelProfile& shape, std::uint64_t layers, std::uint64_t sequences,
                                     std::uint64_t capacity, std::span<const CacheFormat> formats);
  /// Empty, at position 0. `divisors`: of model::make_angles(). kRuntime error when memory does not suffice.
  static Result<Context> make(device::Device& device, const profile::ModelProfile& shape, std::uint64_t layers,
                              std::uint64_t sequences, std::uint64_t capacity, RotaryPairs pairs,
                              std::span<const float> divisors = {},
                              const std::vector<CacheFormat>& formats = {CacheFormat::kF16});
  /// Fills keys and values of every position with numbers of unit variance from the generator, the same in every
  /// format; waits. Those of f16 must be among them: the others are made from them.
  Status fill(const scheme::PassMaker& maker, std::uint64_t seed) const;
  /// Sets how many positions are filled, now and where a chain resets; waits.
  void begin_at(device::Device& device, std::uint64_t filled) const;
};

}  // namespace qtrap::chain
