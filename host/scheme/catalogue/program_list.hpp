// Every program that the host can ask a driver to build: what tools/check-kernels compiles off-line. Derived from the
// kernel table and its tunables, over all that devices, campaigns and profiles can choose.
#pragma once

#include <string>
#include <vector>

#include "scheme/catalogue/kernel_table.hpp"

namespace qtrap::scheme {

struct KernelProgram {
  const KernelEntry* kernel = nullptr;
  std::string options;         ///< as Device::make_kernel takes them
  std::size_t work_group = 0;  ///< items per group of its launches
  Tuning tuning;               ///< what the options and launches are made of
};

/// Each kernel with each distinct option text: vectors of 8 and 16, groups of 32, 64 and 128 columns, 1 to 8 tokens for
/// gemv and every number of 16-token panels up to the largest block for gemm, local memory of 32 KiB, 64 KiB and 1 MiB,
/// 2 and 64 compute units.
std::vector<KernelProgram> list_programs();

/// What `qtrap tune` builds of the GPU family beyond list_programs(), for groups of 128 columns and the fewest and
/// most tokens of each kernel: all combinations of the tunables that decide how many registers an item takes (rows,
/// unroll); with 1 token the other candidates (work_group, split_k: constants of its addresses), one at a time.
std::vector<KernelProgram> list_candidates();

}  // namespace qtrap::scheme
