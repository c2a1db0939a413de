#include "measure/ceilings/random_data.hpp"

#include <algorithm>

#include "scheme/pass.hpp"

namespace qtrap::measure {
namespace {

constexpr float kDeviation = 0.02F;
constexpr std::uint64_t kSeed = 20261125;
constexpr std::uint32_t kAnyGroup = 128;  // of int4: not asked for
/// So much is drawn; the rest repeats it, which toggles as many bits and costs a hundredth of the drawing on a CPU.
constexpr std::uint64_t kDrawnBytes = std::uint64_t{64} << 20;

}  // namespace

Status fill_random(device::Device& device, const device::Buffer& buffer) {
  const scheme::PassMaker maker(device, {"", kAnyGroup});
  const std::uint64_t bytes = buffer.size_bytes() / 2 * 2;
  if (bytes == 0) return Done{};
  const std::uint64_t drawn = std::min(kDrawnBytes, bytes);
  auto pass = maker.random_f16(device.make_view(buffer, 0, drawn), drawn / 2, kDeviation, kSeed, 0);
  if (!pass) return pass.error();
  device.enqueue(pass.value().launch);
  for (std::uint64_t at = drawn; at < bytes; at += drawn) {
    const std::uint64_t count = std::min(drawn, bytes - at);
    device.copy(device.make_view(buffer, 0, count), device.make_view(buffer, at, count), count);
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
