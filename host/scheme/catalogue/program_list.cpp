#include "scheme/catalogue/program_list.hpp"

#include <set>
#include <utility>

#include "scheme/catalogue/tuning.hpp"

namespace qtrap::scheme {
namespace {

/// Numbers of tokens that can change a program of `operation`.
std::vector<std::uint64_t> distinct_tokens(const OperationId& operation) {
  std::vector<std::uint64_t> tokens;
  if (operation.kind == OperationKind::kGemv) {
    for (std::uint64_t t = 1; t <= kMostGemvTokens; ++t) tokens.push_back(t);
  } else if (operation.kind == OperationKind::kGemm) {
    for (std::uint64_t panels = 1; panels <= kMostPanels; ++panels) tokens.push_back(panels * kNumbers.panel_tokens);
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
        for (const std::uint32_t units : {2U, 64U}) {
          info.compute_units = units;
          tunings.push_back(make_tuning(info, group));
        }
      }
    }
  }
  return tunings;
}

/// One size for all, as options depend on the tokens alone; but attention's, of which the heads are compiled in: those
/// of Llama 3 8B, then such as are no whole vectors.
std::vector<Extent> distinct_extents(const OperationId& operation, std::uint64_t tokens) {
  if (role_of(operation) == Role::kAttention)
    return {{.count = 8, .rows = 32, .columns = 128, .tokens = tokens, .splits = 4},
            {.count = 2, .rows = 4, .columns = 20, .tokens = tokens, .splits = 4}};
  return {{.count = 4096, .rows = 64, .columns = 4096, .tokens = tokens}};
}

KernelProgram make_program(const KernelEntry& kernel, const Tuning& tuning, const Extent& extent) {
  const auto local = kernel.size(tuning, extent).local;
  return {&kernel, kernel.build_options(tuning, extent), local[0] * local[1] * local[2], tuning};
}

/// `standard` with all combinations of the candidates of rows and unroll, and at 1 token with each other candidate.
std::vector<Tuning> candidate_tunings(const KernelEntry& kernel, const Tuning& standard, std::uint64_t tokens) {
  std::vector<Tuning> combined{standard};
  std::vector<Tuning> single;
  for (const Tunable& tunable : all_tunables()) {
    const bool takes_registers = tunable.name == "rows" || tunable.name == "unroll";
    if (!is_tunable(tunable, kernel) || (!takes_registers && tokens > 1)) continue;
    std::vector<Tuning>& all = takes_registers ? combined : single;
    const std::vector<Tuning> before = takes_registers ? combined : std::vector<Tuning>{standard};
    for (Tuning tuning : before) {
      for (const std::uint32_t value : tunable.candidates) {
        if (value == 0) continue;
        tuning.*tunable.value = value;
        all.push_back(tuning);
      }
    }
  }
  combined.insert(combined.end(), single.begin(), single.end());
  return combined;
}

}  // namespace

std::vector<KernelProgram> list_candidates() {
  std::set<std::pair<const KernelEntry*, std::string>> seen;
  for (const KernelProgram& program : list_programs()) seen.emplace(program.kernel, program.options);
  std::vector<KernelProgram> programs;
  for (const KernelEntry& kernel : all_kernels()) {
    if (kernel.family != "gpu") continue;
    const std::vector<std::uint64_t> all = distinct_tokens(kernel.operation);
    for (const std::uint64_t tokens : {all.front(), all.back()}) {
      for (const Tuning& tuning : candidate_tunings(kernel, make_tuning({}, 128), tokens)) {
        for (const Extent& extent : distinct_extents(kernel.operation, tokens)) {
          KernelProgram program = make_program(kernel, tuning, extent);
          if (seen.emplace(&kernel, program.options).second) programs.push_back(std::move(program));
        }
      }
    }
  }
  return programs;
}

std::vector<KernelProgram> list_programs() {
  std::vector<KernelProgram> programs;
  for (const KernelEntry& kernel : all_kernels()) {
    std::set<std::string> seen;
    for (const std::uint64_t tokens : distinct_tokens(kernel.operation)) {
      for (const Tuning& tuning : distinct_tunings()) {
        for (const Extent& extent : distinct_extents(kernel.operation, tokens)) {
          KernelProgram program = make_program(kernel, tuning, extent);
          if (seen.insert(program.options).second) programs.push_back(std::move(program));
        }
      }
    }
  }
  return programs;
}

}  // namespace qtrap::scheme
