// Random f16 in place of a constant pattern: power and clocks depend on how many bits change.
#pragma once

#include <cstdint>

#include "core/result.hpp"
#include "device/device.hpp"

namespace qtrap::measure {

/// Fills `buffer` with random f16, about normal with a deviation of 0.02 as weights have; read as bytes or nibbles they
/// are random codes too. Beyond 64 MiB it repeats. Waits. An odd last byte keeps what it has. kRuntime errors: the
/// kernel does not build.
Status fill_random(device::Device& device, const device::Buffer& buffer);

/// A new buffer filled so. kRuntime errors: out of memory too.
Result<device::Buffer> make_random_buffer(device::Device& device, std::uint64_t bytes);

}  // namespace qtrap::measure
