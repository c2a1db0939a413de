// The parts of AMD SMI and of its predecessor ROCm SMI that qtrap uses, declared here because neither header
// is in Debian main. Only functions whose signature has not changed since ROCm 5.7; structures that grew
// between releases are read by their first member alone.
#pragma once

#include <cstdint>

namespace qtrap::power::amd {

using Status = int;
using Handle = void*;

inline constexpr Status kSuccess = 0;
inline constexpr std::uint64_t kInitGpus = 2;

// amd_smi
inline constexpr Status kSmiNotSupported = 2;
inline constexpr Status kSmiNoPermission = 10;
inline constexpr Status kSmiNotFound = 31;
inline constexpr Status kSmiDriverNotLoaded = 34;
// rocm_smi
inline constexpr Status kRsmiNotSupported = 2;
inline constexpr Status kRsmiPermission = 4;

/// The asic record of amd_smi begins with the market name; its size differs between releases.
inline constexpr std::size_t kAsicInfoBytes = 4096;

extern "C" {
using SmiInit = Status(std::uint64_t);
using SmiShutDown = Status();
using SmiSockets = Status(std::uint32_t*, Handle*);
using SmiProcessors = Status(Handle, std::uint32_t*, Handle*);
using SmiBdf = Status(Handle, std::uint64_t*);
using SmiUuid = Status(Handle, unsigned*, char*);
using SmiAsicInfo = Status(Handle, void*);
/// Counter, resolution in uJ per count, device stamp in ns.
using SmiEnergy = Status(Handle, std::uint64_t*, float*, std::uint64_t*);

using RsmiCount = Status(std::uint32_t*);
using RsmiPci = Status(std::uint32_t, std::uint64_t*);
using RsmiUniqueId = Status(std::uint32_t, std::uint64_t*);
using RsmiName = Status(std::uint32_t, char*, std::size_t);
using RsmiEnergy = Status(std::uint32_t, std::uint64_t*, float*, std::uint64_t*);
}

}  // namespace qtrap::power::amd
