// `qtrap run`: a campaign on a device, into a result file. The parent plans; each session is a process
// (session_worker).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "program/devices.hpp"

namespace qtrap::campaign {

struct RunOptions {
  program::DeviceOptions device;
  std::string campaign;  ///< path or name
  std::string meter = "auto";
  std::string tuning = "auto";  ///< auto, none, or the path of a tuning file
  std::string out;
  std::string resume;
  std::string refine;                        ///< result file whose crossings are to be narrowed
  std::optional<std::uint64_t> seed;         ///< none: 1, or that of the resumed file
  std::vector<std::string> overrides;        ///< KEY=VALUE
  std::optional<double> until;               ///< ratio that sessions are added for; none: their number is fixed
  std::optional<std::int64_t> max_sessions;  ///< with `until`: at most so many; none: the campaign's
  bool dry_run = false;
  bool quiet = false;
  bool require_energy = false;
  bool require_gpu = false;
  std::vector<std::string> argv;
};

/// Returns the exit code; throws Failure.
int run_campaign(const RunOptions& options);

/// Refuses a seed that no file can hold; throws Failure (usage).
void check_seed(std::uint64_t seed);
/// Refuses a ratio to look for that is 1 or no ratio; `option` is named. Throws Failure (usage).
void check_sought_ratio(const char* option, double ratio);

}  // namespace qtrap::campaign
