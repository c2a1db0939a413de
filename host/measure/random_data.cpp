#include "measure/random_data.hpp"

#include <algorithm>

#include "scheme/pass.hpp"

namespace qtrap::measure {
namespace {

constexpr float kDeviation = 0.02F;
constexpr std::uint64_t kSeed = 20261125;
constexpr std::uint32_t kAnyGroup = 128;  // of int4: not asked for
/// The kernel counts in 32 bits.
constexpr std::uint64_t kMostValues = std::uint64_t{1} << 31;

}  // namespace

Status fill_random(device::Device& device, const device::Buffer& buffer) {
  const scheme::PassMaker maker(device, {"", kAnyGroup});
  const std::uint64_t values = buffer.size_bytes() / 2;
  for (std::uint64_t first = 0; first < values; first += kMostValues) {
    const std::uint64_t count = std::min(kMostValues, values - first);
    auto pass = maker.random_f16(device.make_view(buffer, 2 * first, 2 * count), count, kDeviation, kSeed, first);
    if (!pass) return pass.error();
    device.enqueue(pass.value().launch);
  }
  device.finish();
  return Done{};
}

Result<device::Buffer> make_random_buffer(device::Device& device, std::uint64_t bytes) {
  auto buffer = device.make_buffer(bytes);
  if (!buffer) return buffer;
  if (auto filled = fill_random(device, buffer.value()); !filled) return filled.error();
  return buffer;
}

}  // namespace qtrap::measure
