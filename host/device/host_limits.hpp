// How OpenCL on the host's processors is fitted to what this process may use of them: PoCL takes neither the affinity
// mask nor a quota nor a memory limit into account.
#pragma once

#include <cstdint>
#include <optional>

#include "core/machine_limits.hpp"

namespace qtrap::device {

/// Environment of PoCL, to be set before its platform is created.
struct PoclSettings {
  bool affinity = false;       ///< POCL_AFFINITY: its thread i stays on processor i
  std::optional<int> threads;  ///< POCL_MAX_PTHREAD_COUNT; absent: one for each processor
};

/// `machine_processors`: how many are online; `chosen_threads`: the user's own POCL_MAX_PTHREAD_COUNT. Threads are
/// bound only where all of their processors are in the mask: PoCL aborts otherwise.
PoclSettings choose_pocl_settings(const MachineLimits& limits, int machine_processors,
                                  std::optional<int> chosen_threads);

/// Sets the variables that the user has not set; POCL_CACHE_DIR too where the folder cannot be written.
void apply_pocl_settings(const MachineLimits& limits);

/// Memory of a CPU device that reports `reported_bytes`: what the limits leave for buffers beside the program itself.
std::uint64_t bound_memory(std::uint64_t reported_bytes, const MachineLimits& limits);

}  // namespace qtrap::device
