// Philox4x32-10, a counter-based random generator (Salmon, Moraes, Dror, Shaw, SC'11). A pure function of counter
// and key: the device (kernels/common/philox.clh) and this host reference give the same bits. Seeds block
// randomisation, bootstrap replicates and weights alike, so results repeat on any thread count.
#pragma once

#include <array>
#include <cstdint>

namespace qtrap {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

constexpr PhiloxCounter philox4x32(PhiloxCounter counter, PhiloxKey key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t first = std::uint64_t{0xD2511F53U} * counter[0];
    const std::uint64_t second = std::uint64_t{0xCD9E8D57U} * counter[2];
    counter = {static_cast<std::uint32_t>(second >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(second),
               static_cast<std::uint32_t>(first >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(first)};
    key = {key[0] + 0x9E3779B9U, key[1] + 0xBB67AE85U};
  }
  return counter;
}

/// A stream of 32-bit numbers over philox4x32; satisfies UniformRandomBitGenerator. Streams with different `stream`
/// are independent.
class PhiloxStream {
 public:
  using result_type = std::uint32_t;
  explicit PhiloxStream(std::uint64_t seed, std::uint64_t stream = 0)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}, stream_(stream) {}

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return 0xFFFFFFFFU; }

  result_type operator()() {
    if (used_ == 4) {
      block_ = philox4x32({static_cast<std::uint32_t>(index_), static_cast<std::uint32_t>(index_ >> 32),
                           static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)},
                          key_);
      ++index_;
      used_ = 0;
    }
    return block_[used_++];
  }

  /// Uniform in [0, bound), unbiased (multiply-shift with rejection); bound >= 1.
  std::uint32_t below(std::uint32_t bound) {
    const std::uint32_t threshold = (0U - bound) % bound;
    while (true) {
      const std::uint64_t product = std::uint64_t{(*this)()} * bound;
      if (static_cast<std::uint32_t>(product) >= threshold) return static_cast<std::uint32_t>(product >> 32);
    }
  }

  /// Uniform in (0, 1), 32 bits.
  double uniform() { return (static_cast<double>((*this)()) + 0.5) / 4294967296.0; }

 private:
  PhiloxKey key_;
  std::uint64_t stream_;
  std::uint64_t index_ = 0;
  PhiloxCounter block_{};
  std::size_t used_ = 4;
};

}  // namespace qtrap
