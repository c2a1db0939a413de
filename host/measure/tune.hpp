// Search of the kernels' tunables on one device. Every candidate is compared with the host's reference before it is
// timed, and replaces the default only where an interval says that it is faster.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "core/statistics.hpp"
#include "device/device.hpp"
#include "scheme/pass.hpp"

namespace qtrap::measure {

struct TuneOptions {
  std::vector<std::uint64_t> tokens{1, 8, 64};  ///< in lockstep, each from 1
  scheme::ProjectionShape shape{4096, 4096};    ///< of the matrices that are timed
  std::uint32_t group_size = 128;               ///< of int4
  double max_seconds = 600;                     ///< after which no further candidate is tried
};

/// What became of one kernel at one number of tokens.
struct TunedKernel {
  std::string kernel;
  std::uint64_t tokens = 0;       ///< scheme::tuning_class()
  scheme::TuningChoices choices;  ///< empty: the default stands
  /// Speed against the default, with its interval, from a comparison of its own; 1 where the default stands.
  Interval speed{1, 1, 1};
  int candidates = 0;    ///< tried
  int refused = 0;       ///< of them, not built or wrong: never timed
  bool complete = true;  ///< false: the time was over before all candidates
};

/// Tunes every kernel that `device` would choose for the schemes. Probes the device's capabilities. `on_progress` gets
/// the kernel about to be tuned; a true `stop_requested` ends the search like the time limit. kRuntime error where a
/// default kernel itself cannot run.
Result<std::vector<TunedKernel>> tune_kernels(device::Device& device, const Clock& clock, const TuneOptions& options,
                                              const std::function<void(const std::string&)>& on_progress,
                                              const std::function<bool()>& stop_requested);

}  // namespace qtrap::measure
