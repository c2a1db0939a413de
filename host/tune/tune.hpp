// Search of the kernels' tunables on one device. Every candidate is compared with the host's reference before it is
// timed, and replaces the default only where an interval says that it is faster.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/statistics.hpp"
#include "device/device.hpp"
#include "scheme/pass.hpp"

namespace qtrap::tune {

struct TuneOptions {
  std::vector<std::uint64_t> tokens{1, 8, 64};  ///< in lockstep, each from 1
  scheme::ProjectionShape shape{4096, 4096};    ///< of the matrices that are timed
  std::uint32_t group_size = 128;               ///< of int4
  double max_seconds = 600;                     ///< after which no further candidate is tried
  std::size_t first = 0;                        ///< of the kernels to tune: those before it are passed over
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
  std::string reason;    ///< why the kernel could not be tuned: the default stands; empty: it could
};

/// Where tune_kernels() tells what it is at.
struct TuneSink {
  std::function<void(const std::string& kernel, std::uint64_t tokens)> on_begin;
  std::function<void(const TunedKernel&)> on_result;
};

/// Tunes every kernel that `device` would choose for the schemes, from number `options.first` on. Probes the device's
/// capabilities where that was not done. A true `stop_requested` ends the search like the time limit. A kernel that
/// does not run has a row with its reason; where the device itself is lost by that, the list ends behind it: false.
bool tune_kernels(device::Device& device, const Clock& clock, const TuneOptions& options, const TuneSink& sink,
                  const std::function<bool()>& stop_requested);

}  // namespace qtrap::tune
