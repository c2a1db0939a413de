// How the kernels of probe/ceilings.cl are built and launched: shared by the ceilings and the probe windows, so that a
// probe loads the device exactly as its ceiling did. Private to this layer.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "device/device.hpp"

namespace qtrap::measure {

struct CeilingKernels {
  static constexpr const char* kFile = "probe/ceilings.cl";
  static constexpr std::uint64_t kVectorBytes = 16;  ///< bytes that one count of read and copy stands for
  static constexpr std::uint32_t kFmaChains = 12;    ///< multiply-adds per round, work-item and lane of fma_rate

  explicit CeilingKernels(const device::DeviceInfo& info)
      : cpu(info.type == device::DeviceType::kCpu),
        width(cpu ? std::min(info.float_vector_width, 16U) : 4U),
        items(cpu ? info.compute_units : info.compute_units * 2048U),
        options(fmt::format("-DSTRIDED={} -DWIDTH={} -DLAST={:x}", cpu ? 0 : 1, width, width - 1)) {}

  /// All units of the device.
  device::WorkSize size() const { return {{items, 1, 1}, {cpu ? std::size_t{1} : std::size_t{128}, 1, 1}}; }

  bool cpu;
  std::uint32_t width;  ///< float lanes of fma_rate
  std::size_t items;    ///< work-items
  std::string options;
};

}  // namespace qtrap::measure
