#include "scheme/program_list.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace qtrap::scheme {
namespace {

/// Numbers of tokens that can change a program of `operation`.
std::vector<std::uint64_t> distinct_tokens(std::string_view operation) {
  std::vector<std::uint64_t> tokens;
  if (operation.starts_with("gemv_")) {
    for (std::uint64_t t = 1; t <= kMostGemvTokens; ++t) tokens.push_back(t);
  } else if (operation.starts_with("gemm_")) {
    for (std::uint64_t panels = 1; panels <= 16; ++panels) tokens.push_back(panels * kPanelTokens);
  } else {
    tokens.push_back(1);
  }
  return tokens;
}

std::vector<Tuning> distinct_tunings() {
  std::vector<Tuning> tunings;
  for (const std::uint32_t width : {8U, 16U}) {
    for (const std::uint64_t local_bytes : {1U << 15, 1U << 16, 1U << 20}) {
      for (const std::uint32_t group : {128U, 64U, 32U}) {
        device::DeviceInfo info;
        info.float_vector_width = width;
        info.local_bytes = local_bytes;
        tunings.push_back(make_tuning(info, group));
      }
    }
  }
  return tunings;
}

}  // namespace

std::vector<KernelProgram> list_programs() {
  std::vector<KernelProgram> programs;
  for (const KernelEntry& kernel : all_kernels()) {
    std::set<std::string> seen;
    for (const std::uint64_t tokens : distinct_tokens(kernel.operation)) {
      for (const Tuning& tuning : distinct_tunings()) {
        const Extent extent{.count = 4096, .rows = 64, .columns = 4096, .tokens = tokens};
        std::string options = kernel.build_options(tuning, extent);
        if (!seen.insert(options).second) continue;
        const auto local = kernel.size(tuning, extent).local;
        programs.push_back({&kernel, std::move(options), local[0] * local[1] * local[2]});
      }
    }
  }
  return programs;
}

}  // namespace qtrap::scheme
