// The one table of kernels: which file, entry, -D options and work sizes an operation has in each family. The tunables
// here are the only ones: they reach a kernel as -D and shape its launch from the same numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "device/device.hpp"
#include "format/format.hpp"
#include "scheme/catalogue/operation.hpp"

namespace qtrap::scheme {

/// Most tokens of the gemv kernels; more take the gemm kernels.
inline constexpr std::uint64_t kMostGemvTokens = 8;

/// Numbers that kernels are written for and by which the host sizes buffers and launches; nothing tunes them. Each
/// reaches the kernels that depend on it as the -D of its name in capitals, and they build with no other.
struct KernelNumbers {
  std::uint64_t panel_tokens = 16;        ///< of an activation panel of the CPU family's gemm
  std::uint64_t digits = 3;               ///< bytes of an activation as gemv_i4_i24 takes them
  std::uint64_t random_values = 4;        ///< of an item of the reference's generator
  std::uint64_t cast_values = 8;          ///< of an item of the GPU family's casts
  std::uint64_t dequantized_columns = 8;  ///< of an item of the GPU family's dequantizers
  std::uint64_t rescaled_rows = 4;        ///< of an item of its dequantize_i32_f16
  std::uint64_t outlier_columns = 128;    ///< of a group or item that looks for outliers
  std::uint64_t head_items = 16;          ///< of its expand_heads and rotate_store_i8, per head: 8 of 128 elements each
  std::uint64_t tile = 64;                ///< rows and tokens of a group of its gemm on vector units
  std::uint64_t tile_row_items = 16;      ///< items of such a group, along the rows
  std::uint64_t tile_token_items = 8;     ///< and along the tokens
};
inline constexpr KernelNumbers kNumbers;

/// Most panels of a block of the CPU family's gemm.
inline constexpr std::uint32_t kMostPanels = 16;
/// Panels that hold so many tokens.
constexpr std::uint64_t count_panels(std::uint64_t tokens) {
  return (tokens + kNumbers.panel_tokens - 1) / kNumbers.panel_tokens;
}

/// Size of the work, in the operation's own terms; unused ones are 0.
struct Extent {
  std::uint64_t count = 0;    ///< elements of an elementwise operation, of a row of swiglu's; kv heads of attention
  std::uint64_t rows = 0;     ///< of the weights; heads of expand_heads and attention
  std::uint64_t columns = 0;  ///< of the weights and activations; width of rms_norm; head_dim of attention
  std::uint64_t tokens = 0;
  std::uint64_t splits = 0;  ///< parts of attend
  std::uint64_t beside = 0;  ///< columns before and behind those that `verify` has in rows of a wider tensor
};

/// Register and cache blocks of gemm_cpu.cl.
struct GemmBlocks {
  std::uint32_t unit_rows, panels, block_rows, block_panels, block_columns;
  /// Most that a kernel of gemm_cpu.cl takes.
  std::uint64_t local_bytes() const;
};

/// The tunables of one kernel on one device.
struct Tuning {
  std::uint32_t vector_width = 8;        ///< floats per vector of the CPU family: 8 or 16
  std::uint32_t group = 128;             ///< columns per int4 group: 32, 64 or 128
  std::uint32_t chunk = 4096;            ///< elements per work-item of the CPU family's elementwise kernels
  std::uint32_t work_group = 128;        ///< items per group of the GPU family
  std::uint32_t row_items = 256;         ///< the same where a group has one row or token: quantizers and norm
  std::uint32_t compute_units = 0;       ///< of the device; 0: unknown
  std::uint64_t stream_bytes = 1 << 25;  ///< f16 weights of as many bytes bypass the caches (dequantize_cpu.cl)
  std::uint32_t ahead = 0;               ///< bytes of a row that the CPU family's gemv prefetches ahead; 0: none
  std::uint32_t unroll = 1;              ///< 16-byte loads per row in flight in gemv_gpu.cl
  std::uint64_t local_bytes = 1 << 20;   ///< local memory that gemm_cpu.cl may take
  // 0: what the functions below give for the number of tokens.
  std::uint32_t rows = 0;           ///< of a register block of the gemv kernels
  std::uint32_t block_rows = 0;     ///< of gemm_cpu.cl
  std::uint32_t block_columns = 0;  ///< of gemm_cpu.cl
  std::uint32_t split_k = 0;        ///< items that share a row in gemv_gpu.cl; 0: the whole group

  std::uint32_t lanes() const;                             ///< 32-bit lanes of gemv_i4_f16_cpu
  std::uint32_t lanes16() const;                           ///< 16-bit lanes of gemv_i4_i8_cpu and gemv_i4_i24_cpu
  std::uint32_t gemv_rows(std::uint64_t tokens) const;     ///< of f16 and int8 weights
  std::uint32_t gemv_i4_rows(std::uint64_t tokens) const;  ///< of int4 weights
  std::uint32_t gemv_i4_f16_rows(std::uint64_t tokens) const;
  std::uint32_t gemv_ahead(std::uint64_t tokens) const;
  std::uint32_t row_by_row_rows() const;   ///< of the kernels that go through a block row by row
  std::uint32_t row_by_row_ahead() const;  ///< and what they prefetch, which they always do
  std::uint32_t gpu_gemv_rows(std::uint64_t tokens) const;
  std::uint32_t gpu_gemv_unroll(std::uint64_t tokens) const;
  std::uint32_t gpu_split_k() const;
  GemmBlocks gemm_blocks(std::uint64_t tokens) const;
};

/// Default tunables for a device: 16 floats per vector where that is its native width, else 8; blocks that fit its
/// local memory.
Tuning make_tuning(const device::DeviceInfo& info, std::uint32_t group_size);

/// A way to build kernels of one family: plain, or with instructions that a device must be probed for.
struct Variant {
  std::string_view name;                  ///< "reference", "cpu", "gpu" (the plain ones), "ptx", …
  std::string_view family;                ///< "reference", "cpu" or "gpu"
  std::string_view options;               ///< -D options that its kernels add
  std::string_view matrix_unit;           ///< "none" or its name, for the results
  std::array<std::string_view, 3> needs;  ///< capabilities that must be probed; unused ones empty
};

std::span<const Variant> all_variants();
/// Null when no variant has this name.
const Variant* find_variant(std::string_view name);
/// Why `variant` cannot run on the device whose capabilities `info` holds; none when it can.
std::optional<std::string> missing_capability(const Variant& variant, const device::DeviceInfo& info);

struct KernelEntry {
  OperationId operation;
  std::string_view family;  ///< "reference", "cpu" or "gpu"
  std::string_view file;    ///< relative to kernels/
  device::WorkSize (*size)(const Tuning&, const Extent&);
  std::string (*family_options)(const Tuning&, const Extent&);
  std::string_view variant;                    ///< name of its Variant: the family's for the plain kernel
  const format::FormatInfo* format = nullptr;  ///< of a frame's weights; null: the file has its formats of its own
  std::uint32_t fewest_tokens = 0;             ///< with fewer the next best kernel is faster

  /// Function in the file: operation_family.
  std::string entry() const { return to_string(operation) + '_' + std::string(family); }
  /// What the results call it: the function's name, followed by that of a variant that is not plain.
  std::string name() const { return variant == family ? entry() : entry() + '_' + std::string(variant); }
  /// All -D options of its program.
  std::string build_options(const Tuning& tuning, const Extent& extent) const;
};

/// What decides which operations a scheme takes on a device.
struct KernelSet {
  std::string family;          ///< "reference", "cpu" or "gpu"
  bool byte_products = false;  ///< int4 weights with f16 activations of one token by products of bytes: gemv_i4_i24
};
/// The kernels of `family` in `variant` (empty: the best that is probed) on the device that `info` describes. Products
/// of bytes pay where one instruction makes them (avx2); without, gemv_i4_f16 takes half their time.
KernelSet choose_kernel_set(std::string_view family, std::string_view variant, const device::DeviceInfo& info);

/// Plain kernels and variants; of the variants of one operation the best comes first.
std::span<const KernelEntry> all_kernels();
/// The kernel of this name; null when there is none.
const KernelEntry* find_named(std::string_view name);
/// The plain kernel of `operation` in `family`, or the reference's where the family has none of its own; null when
/// neither exists.
const KernelEntry* find_kernel(const OperationId& operation, std::string_view family);
/// The kernel of `operation` in `family` and `variant`, where the operation has that variant, else the plain one. An
/// empty variant: the first that the probed capabilities of `info` allow and `tokens` pay (0: whatever they are).
/// Kernels that `info` avoids give way to the next best; the plain one has none behind it.
const KernelEntry* choose_kernel(const OperationId& operation, std::string_view family, std::string_view variant,
                                 const device::DeviceInfo& info, std::uint64_t tokens = 0);
/// Whether the kernel of this name is a variant that the plain one of its operation can stand in for.
bool is_fast_variant(std::string_view name);
/// The hazard of a kernel that is avoided on the device of `info`: what takes its place and how to do without all such.
std::string describe_avoided(const device::AvoidedKernel& avoided, const device::DeviceInfo& info);

}  // namespace qtrap::scheme
