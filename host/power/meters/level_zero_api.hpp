// The part of Level Zero Sysman that qtrap uses, declared here so that building needs no vendor package.
// Layouts of the Sysman specification 1.5 and later.
#pragma once

#include <cstdint>

namespace qtrap::power::level_zero {

using Result = std::uint32_t;
using Handle = void*;

inline constexpr Result kSuccess = 0;
inline constexpr Result kDeviceLost = 0x70000001;
inline constexpr Result kNoPermission = 0x70010000;
inline constexpr Result kUninitialised = 0x78000001;
inline constexpr Result kUnsupported = 0x78000003;

inline constexpr std::uint32_t kPciPropertiesType = 0x2;

struct PciProperties {
  std::uint32_t type;
  void* next;
  std::uint32_t domain;
  std::uint32_t bus;
  std::uint32_t device;
  std::uint32_t function;
  std::int32_t generation;
  std::int32_t width;
  std::int64_t bandwidth;
  std::uint8_t have_counters[3];
};
static_assert(sizeof(PciProperties) == 56);

struct EnergyCounter {
  std::uint64_t energy_uj;
  std::uint64_t stamp_us;
};

extern "C" {
using Init = Result(std::uint32_t);
using List = Result(std::uint32_t*, Handle*);
using ListOf = Result(Handle, std::uint32_t*, Handle*);
using GetPci = Result(Handle, PciProperties*);
using GetHandle = Result(Handle, Handle*);
using GetEnergy = Result(Handle, EnergyCounter*);
}

}  // namespace qtrap::power::level_zero
