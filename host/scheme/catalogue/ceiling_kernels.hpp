// How the kernels of probe/ceilings.cl are built and launched on a device: with the instruction sets that its kernels
// are chosen to use. Shared by the ceilings, the probe windows, bench/kernels and the off-line check, so that a probe
// loads the device exactly as its ceiling did.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "device/device.hpp"
#include "scheme/catalogue/kernel_table.hpp"

namespace qtrap::scheme {

/// What is measured; the names of the entries stand in probe/ceilings.cl.
enum class Ceiling { kRead, kCopy, kFp32, kFp16, kInt8, kInt4Int8, kMatrixF16, kMatrixInt8, kLaunch };

/// Numbers that the kernels and the rates computed from their times share. Each reaches the kernels as the -D of its
/// name in capitals, and a kernel without it does not build.
struct CeilingCounts {
  std::uint32_t vector_bytes = 16;  ///< that one count of read and copy stands for
  std::uint32_t strided = 1;        ///< 1: neighbouring items read neighbouring addresses (GPUs); 0: an item, a chunk
  std::uint32_t read_streams = 8;   ///< of an item that reads a chunk
  std::uint32_t width = 4;          ///< float lanes of fma_rate
  std::uint32_t steps = 8;          ///< of all chains in a round: 3 of 387 instructions are the loop's (NVIDIA, f32)
  std::uint32_t fma_chains = 12;    ///< independent ones, to hide the latency
  std::uint32_t half2_chains = 12;  ///< of two values each
  std::uint32_t dot_chains = 12;
  std::uint32_t dot_macs = 4;  ///< multiply-adds of a chain in a step
  std::uint32_t nibble_chains = 12;
  std::uint32_t nibble_macs = 32;
  std::uint32_t matrix_chains = 4;
  std::uint32_t matrix_lanes = 32;  ///< items of a wave
  std::uint32_t matrix_bytes = 32;  ///< of a row of A or a column of B in one part

  bool operator==(const CeilingCounts&) const = default;
  std::string options() const;
};

/// One program of probe/ceilings.cl.
struct CeilingProgram {
  std::string entry;
  std::string options;        ///< as Device::make_kernel takes them
  std::string instructions;   ///< variant, or matrix unit: "ptx", "mma.sync"; "plain" for OpenCL C alone
  double macs_per_round = 0;  ///< multiply-adds of one work-item in a round; 0 where none are counted
};

class CeilingKernels {
 public:
  static constexpr const char* kFile = "probe/ceilings.cl";
  static constexpr std::uint64_t kVectorBytes = CeilingCounts{}.vector_bytes;

  /// For the device that `info` describes, its capabilities probed (else plain kernels are taken).
  explicit CeilingKernels(const device::DeviceInfo& info);

  /// kRuntime error "not measured" with the reason where the device has no such instructions.
  Result<CeilingProgram> program(Ceiling ceiling) const;
  /// All units of the device.
  device::WorkSize size() const { return {{items_, 1, 1}, {group_, 1, 1}}; }
  std::size_t items() const { return items_; }

 private:
  device::DeviceInfo info_;
  std::size_t items_ = 0;
  std::size_t group_ = 0;
  CeilingCounts counts_;
};

/// A program for the off-line check: every ceiling in every variant that can serve it.
struct ListedCeiling {
  const Variant* variant;
  CeilingProgram program;
  std::size_t work_group;
};
std::vector<ListedCeiling> list_ceiling_programs();

}  // namespace qtrap::scheme
