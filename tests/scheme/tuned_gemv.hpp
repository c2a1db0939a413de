// Sets of tunables for the GPU family's gemv in which every candidate occurs, and one kernel with one set against the
// host.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "scheme/catalogue/tuning.hpp"
#include "scheme/verify/verify_cases.hpp"

namespace qtrap::test {

/// In the order of the names below.
using GemvSet = std::array<std::uint32_t, 4>;
inline constexpr std::array kGemvTunables{"rows", "work_group", "split_k", "unroll"};
inline constexpr std::array<GemvSet, 4> kGemvSets{{{1, 64, 32, 4}, {2, 128, 64, 1}, {4, 256, 128, 2}, {8, 128, 32, 2}}};

inline scheme::TuningChoices choices_of(const scheme::KernelEntry& kernel, const GemvSet& set, std::uint64_t tokens) {
  scheme::TuningChoices choices;
  for (std::size_t i = 0; i < set.size(); ++i)
    choices.push_back({kernel.name(), tokens, kGemvTunables.at(i), set.at(i)});
  return choices;
}

/// Empty where the kernel agrees with the host and writes nowhere else.
inline std::string find_fault(device::Device& device, const scheme::KernelEntry& kernel, const GemvSet& set,
                              const scheme::Extent& extent, std::uint32_t group) {
  scheme::VerifyBench bench(device, {"gpu", group, "gpu", choices_of(kernel, set, extent.tokens)});
  const scheme::VerifyCase& check = scheme::verify_case(kernel.operation);
  const auto found = check.check(bench, kernel, extent);
  if (!found) return found.error().message();
  if (!found.value().problem.empty()) return found.value().problem;
  return found.value().error <= found.value().tolerance ? "" : "the error exceeds the tolerance";
}

/// The plain gemv kernels of the GPU family.
template <class Use>
void for_each_gpu_gemv(Use use) {
  for (const scheme::KernelEntry& kernel : scheme::all_kernels()) {
    if (kernel.operation.kind == scheme::OperationKind::kGemv && kernel.variant == "gpu") use(kernel);
  }
}

}  // namespace qtrap::test
