// The one table of kernels: which file, entry, -D options and work sizes an operation has in each family. The tunables
// here are the only ones: they reach a kernel as -D and shape its launch from the same numbers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "device/device.hpp"

namespace qtrap::scheme {

/// Most tokens of the gemv kernels; more take the gemm kernels.
inline constexpr std::uint64_t kMostGemvTokens = 8;
/// Tokens of one activation panel of the CPU family's gemm.
inline constexpr std::uint64_t kPanelTokens = 16;

/// Size of the work, in the operation's own terms; unused ones are 0.
struct Extent {
  std::uint64_t count = 0;    ///< elements of an elementwise operation
  std::uint64_t rows = 0;     ///< of the weights; heads of expand_heads
  std::uint64_t columns = 0;  ///< of the weights and activations; width of rms_norm
  std::uint64_t tokens = 0;
};

/// Register and cache blocks of gemm_cpu.cl.
struct GemmBlocks {
  std::uint32_t unit_rows, panels, block_rows, block_panels, block_columns;
  /// Most that a kernel of gemm_cpu.cl takes.
  std::uint64_t local_bytes() const;
};

/// Register blocks (rows) of gemv_cpu.cl for one number of tokens.
struct GemvRows {
  std::uint32_t f16, i8, i8_i8, i4, i4_i8;
};

/// The tunables of all kernels on one device.
struct Tuning {
  std::uint32_t vector_width = 8;   ///< floats per vector of the CPU family: 8 or 16
  std::uint32_t group = 128;        ///< columns per int4 group: 32, 64 or 128
  std::uint32_t chunk = 4096;       ///< elements per work-item of the CPU family's elementwise kernels
  std::uint32_t work_group = 128;   ///< items per group of the GPU family
  std::uint64_t local_bytes = 1 << 20;  ///< local memory that gemm_cpu.cl may take

  std::uint32_t lanes() const;      ///< 32-bit lanes of gemv_i4_f16_cpu
  std::uint32_t lanes16() const;    ///< 16-bit lanes of gemv_i4_i8_cpu
  GemvRows gemv_rows(std::uint64_t tokens) const;
  std::uint32_t gpu_gemv_rows(std::uint64_t tokens) const;
  GemmBlocks gemm_blocks(std::uint64_t tokens) const;
};

/// Tunables for a device: 16 floats per vector where that is its native width, else 8; blocks that fit its local memory.
Tuning make_tuning(const device::DeviceInfo& info, std::uint32_t group_size);

struct KernelEntry {
  std::string_view operation;  ///< e.g. "gemv_i8_f16"
  std::string_view family;     ///< "reference", "cpu" or "gpu"
  std::string_view file;       ///< relative to kernels/
  device::WorkSize (*size)(const Tuning&, const Extent&);
  std::string (*build_options)(const Tuning&, const Extent&);

  /// Entry point: operation_family.
  std::string name() const { return std::string(operation) + '_' + std::string(family); }
};

std::span<const KernelEntry> all_kernels();
/// The kernel of `operation` in `family`, or the reference's where the family has none of its own; null when neither exists.
const KernelEntry* find_kernel(std::string_view operation, std::string_view family);

}  // namespace qtrap::scheme
