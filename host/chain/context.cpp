#include "chain/context.hpp"

#include <utility>

#include "core/contract.hpp"
#include "device/device.hpp"
#include "model/rotary.hpp"

namespace qtrap::chain {
namespace {

constexpr std::uint64_t kHalfBytes = 2;
constexpr std::uint64_t kWordBytes = 4;
/// Streams of caches, apart from those of the weights and of the seed.
constexpr std::uint64_t kCacheTensors = std::uint64_t{1} << 61;

/// Heads of all positions, of keys or of values of a layer.
std::uint64_t count_heads(const profile::ModelProfile& shape, std::uint64_t sequences, std::uint64_t capacity) {
  return capacity * sequences * static_cast<std::uint64_t>(shape.kv_heads);
}

Status allocate(device::Device& device, std::uint64_t bytes, device::Buffer& to) {
  auto buffer = device.make_buffer(bytes);
  if (!buffer) return buffer.error();
  to = buffer.value();
  return Done{};
}

/// Of `heads` heads, all zeros.
Result<scheme::KvCache> make_cache(device::Device& device, CacheFormat format, std::uint64_t heads,
                                   std::uint64_t head_dim) {
  scheme::KvCache cache;
  cache.format = format;
  const CacheInfo& row = info(format);
  for (scheme::CacheBuffers* part : {&cache.keys, &cache.values}) {
    for (const auto& [bytes, buffer] :
         {std::pair(row.element_bytes(head_dim), &part->elements), std::pair(row.scale_bytes, &part->scales)}) {
      if (bytes == 0) continue;
      if (const Status done = allocate(device, heads * bytes, *buffer); !done) return done.error();
      device.fill(*buffer, 0);
    }
  }
  return cache;
}

}  // namespace

std::uint64_t Context::compute_bytes(const profile::ModelProfile& shape, std::uint64_t layers, std::uint64_t sequences,
                                     std::uint64_t capacity, std::span<const CacheFormat> formats) {
  const auto head_dim = static_cast<std::uint64_t>(shape.head_dim);
  std::uint64_t bytes = kWordBytes * capacity * head_dim + 2 * kWordBytes;  // angles, position and start
  for (const CacheFormat format : formats)
    bytes += 2 * layers * count_heads(shape, sequences, capacity) * info(format).head_bytes(head_dim);
  return bytes;
}

Result<Context> Context::make(device::Device& device, const profile::ModelProfile& shape, std::uint64_t layers,
                              std::uint64_t sequences, std::uint64_t capacity, RotaryPairs pairs,
                              std::span<const float> divisors, const std::vector<CacheFormat>& formats) {
  Context context;
  context.sequences = sequences;
  context.capacity = capacity;
  context.pairs = pairs;
  for (const CacheFormat format : formats) {
    for (std::uint64_t layer = 0; layer < layers; ++layer) {
      auto cache = make_cache(device, format, count_heads(shape, sequences, capacity),
                              static_cast<std::uint64_t>(shape.head_dim));
      if (!cache) return cache.error();
      context.caches[format].push_back(std::move(cache).value());
    }
  }
  const std::vector<float> angles = model::make_angles(shape, capacity, divisors);
  if (const Status done = allocate(device, sizeof(float) * angles.size(), context.angles); !done) return done.error();
  device::write_vector(device, context.angles, angles);
  for (device::Buffer* word : {&context.position, &context.start}) {
    if (const Status done = allocate(device, kWordBytes, *word); !done) return done.error();
  }
  context.begin_at(device, 0);
  return context;
}

Status Context::fill(const scheme::PassMaker& maker, std::uint64_t seed) const {
  const auto run = [&](const Result<scheme::Pass>& pass) -> Status {
    if (!pass) return pass.error();
    maker.device().enqueue(pass.value().launch);
    return Done{};
  };
  const std::vector<scheme::KvCache>& plain = caches.at(CacheFormat::kF16);
  std::uint64_t stream = kCacheTensors;
  for (std::size_t layer = 0; layer < plain.size(); ++layer) {
    for (const auto part : {&scheme::KvCache::keys, &scheme::KvCache::values}) {
      const device::Buffer& numbers = (plain[layer].*part).elements;
      const std::uint64_t count = numbers.size_bytes() / kHalfBytes;
      if (const Status done = run(maker.random_f16(numbers, count, 1.0F, seed, stream++)); !done) return done.error();
      for (const auto& [format, layers] : caches) {
        const scheme::CacheBuffers& out = layers[layer].*part;
        if (info(format).scale_bytes == 0) continue;
        const std::uint64_t rows = out.scales.size_bytes() / info(format).scale_bytes;
        if (const Status done = run(maker.quantize_rows(numbers, out, rows, count / rows)); !done) return done.error();
      }
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
