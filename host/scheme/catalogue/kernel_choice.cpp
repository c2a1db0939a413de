// The variants of kernels, and which kernel of the table an operation takes on a device.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "scheme/catalogue/kernel_table.hpp"

namespace qtrap::scheme {
namespace {

// Variants by the instructions they are built of (kernels/common/instructions.clh, x86.clh, matrix_unit.clh).
constexpr std::array kVariants{
    Variant{"reference", "reference", "", "none", {}},
    Variant{"cpu", "cpu", "", "none", {}},
    Variant{"gpu", "gpu", "", "none", {}},
    Variant{
        "avx512_vnni", "cpu", "-DINSTRUCTIONS_AVX512 -DINSTRUCTIONS_AVX512_VNNI", "none", {"avx512", "avx512_vnni"}},
    Variant{"avx512", "cpu", "-DINSTRUCTIONS_AVX512", "none", {"avx512"}},
    Variant{"avx2", "cpu", "-DINSTRUCTIONS_AVX2", "none", {"avx2"}},
    Variant{"ptx", "gpu", "-DINSTRUCTIONS_PTX", "none", {"dp4a", "ptx_shuffle", "ptx_half2"}},
    Variant{"mma", "gpu", "-DMATRIX_UNIT_MMA", "mma.sync", {"mma"}},
    Variant{"mfma", "gpu", "-DMATRIX_UNIT_MFMA", "mfma", {"mfma"}},
    Variant{"wmma", "gpu", "-DMATRIX_UNIT_WMMA", "wmma", {"wmma"}},
    Variant{"gcn", "gpu", "-DINSTRUCTIONS_GCN", "none", {"sdot4", "amd_shuffle", "half2"}},
    Variant{"rdna3", "gpu", "-DINSTRUCTIONS_RDNA3", "none", {"sudot4", "amd_shuffle", "half2"}},
    Variant{"khronos", "gpu", "-cl-std=CL3.0 -DINSTRUCTIONS_KHRONOS", "none", {"dot8"}},
    Variant{"half2", "gpu", "-DINSTRUCTIONS_HALF2", "none", {"half2"}},
};

}  // namespace

std::span<const Variant> all_variants() { return kVariants; }

const Variant* find_variant(std::string_view name) {
  const auto found = std::find_if(kVariants.begin(), kVariants.end(), [&](const Variant& v) { return v.name == name; });
  return found == kVariants.end() ? nullptr : &*found;
}

std::optional<std::string> missing_capability(const Variant& variant, const device::DeviceInfo& info) {
  for (const std::string_view need : variant.needs) {
    if (need.empty()) continue;
    const device::Capability* capability = info.find_capability(need);
    if (capability == nullptr) return fmt::format("{} was not probed", need);
    if (!capability->probed.value_or(false)) return fmt::format("{} {}", need, capability->reason);
  }
  return std::nullopt;
}

const KernelEntry* find_named(std::string_view name) {
  const auto found =
      std::find_if(all_kernels().begin(), all_kernels().end(), [&](const auto& entry) { return entry.name() == name; });
  return found == all_kernels().end() ? nullptr : &*found;
}

const KernelEntry* find_kernel(const OperationId& operation, std::string_view family) {
  const auto find = [&](std::string_view wanted) -> const KernelEntry* {
    for (const KernelEntry& entry : all_kernels()) {
      if (entry.operation == operation && entry.family == wanted && entry.variant == wanted) return &entry;
    }
    return nullptr;
  };
  const KernelEntry* own = find(family);
  return own != nullptr ? own : find("reference");
}

const KernelEntry* choose_kernel(const OperationId& operation, std::string_view family, std::string_view variant,
                                 const device::DeviceInfo& info, std::uint64_t tokens) {
  const auto suits = [&](const KernelEntry& entry) {
    return (tokens == 0 || tokens >= entry.fewest_tokens) && !info.find_avoided(entry.name()) &&
           !missing_capability(*find_variant(entry.variant), info);
  };
  for (const KernelEntry& entry : all_kernels()) {
    if (entry.operation != operation || entry.family != family || entry.variant == family) continue;
    if (variant.empty() ? suits(entry) : entry.variant == variant) return &entry;
  }
  return find_kernel(operation, family);
}

bool is_fast_variant(std::string_view name) {
  const KernelEntry* entry = find_named(name);
  return entry != nullptr && entry->variant != entry->family;
}

std::string describe_avoided(const device::AvoidedKernel& avoided, const device::DeviceInfo& info) {
  const KernelEntry* found = find_named(avoided.kernel);
  if (!is_fast_variant(avoided.kernel))
    return fmt::format("{} is left out and every scheme that uses it fails: {}", avoided.kernel, avoided.reason);
  return fmt::format("{} failed and {} took its place (--variant {} uses plain kernels alone): {}", avoided.kernel,
                     choose_kernel(found->operation, found->family, "", info)->name(), found->family, avoided.reason);
}

}  // namespace qtrap::scheme
