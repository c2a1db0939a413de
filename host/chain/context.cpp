#include "chain/context.hpp"

#include <array>

#include "core/contract.hpp"
#include "device/device.hpp"
#include "model/rotary.hpp"

namespace qtrap::chain {
namespace {

constexpr std::uint64_t kHalfBytes = 2;
constexpr std::uint64_t kWordBytes = 4;
/// Streams of caches, apart from those of the weights and of the seed.
constexpr std::uint64_t kCacheTensors = std::uint64_t{1} << 61;

/// Of keys, or of values, of a layer.
std::uint64_t cache_bytes(const profile::ModelProfile& shape, std::uint64_t sequences, std::uint64_t capacity) {
  return kHalfBytes * capacity * sequences * static_cast<std::uint64_t>(shape.kv_heads * shape.head_dim);
}

}  // namespace

std::uint64_t Context::compute_bytes(const profile::ModelProfile& shape, std::uint64_t layers, std::uint64_t sequences,
                                     std::uint64_t capacity) {
  const std::uint64_t angle_bytes = kWordBytes * capacity * static_cast<std::uint64_t>(shape.head_dim);
  return 2 * layers * cache_bytes(shape, sequences, capacity) + angle_bytes + 2 * kWordBytes;
}

Result<Context> Context::make(device::Device& device, const profile::ModelProfile& shape, std::uint64_t layers,
                              std::uint64_t sequences, std::uint64_t capacity, RotaryPairs pairs,
                              std::span<const float> divisors) {
  Context context;
  context.sequences = sequences;
  context.capacity = capacity;
  context.pairs = pairs;
  const auto allocate = [&](std::uint64_t bytes, device::Buffer& to) -> Status {
    auto buffer = device.make_buffer(bytes);
    if (!buffer) return buffer.error();
    to = buffer.value();
    return Done{};
  };
  for (std::uint64_t layer = 0; layer < layers; ++layer) {
    scheme::KvCache cache;
    for (device::Buffer* part : {&cache.keys, &cache.values}) {
      if (const Status done = allocate(cache_bytes(shape, sequences, capacity), *part); !done) return done.error();
      device.fill(*part, 0);
    }
    context.layers.push_back(cache);
  }
  const std::vector<float> angles = model::make_angles(shape, capacity, divisors);
  if (const Status done = allocate(sizeof(float) * angles.size(), context.angles); !done) return done.error();
  device::write_vector(device, context.angles, angles);
  for (device::Buffer* word : {&context.position, &context.start}) {
    if (const Status done = allocate(kWordBytes, *word); !done) return done.error();
  }
  context.begin_at(device, 0);
  return context;
}

Status Context::fill(const scheme::PassMaker& maker, std::uint64_t seed) const {
  std::uint64_t stream = kCacheTensors;
  for (const scheme::KvCache& cache : layers) {
    for (const device::Buffer* part : {&cache.keys, &cache.values}) {
      const auto pass = maker.random_f16(*part, part->size_bytes() / kHalfBytes, 1.0F, seed, stream++);
      if (!pass) return pass.error();
      maker.device().enqueue(pass.value().launch);
    }
  }
  maker.device().finish();
  return Done{};
}

void Context::begin_at(device::Device& device, std::uint64_t filled) const {
  expects(filled <= capacity, "a context holds what is filled of it");
  const std::vector<std::uint32_t> word{static_cast<std::uint32_t>(filled)};
  device::write_vector(device, position, word);
  device::write_vector(device, start, word);
}

}  // namespace qtrap::chain
