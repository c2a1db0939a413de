// One session of a run in a process of its own (run-session, hidden). Records and progress go to the parent by a pipe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "program/devices.hpp"

namespace qtrap::campaign {

/// What the parent of a run hands to a session's process.
struct WorkerOptions {
  program::DeviceOptions device;
  std::string campaign_json;
  std::vector<std::string> cells;     ///< cell ids to measure
  std::vector<std::string> resident;  ///< LAYERS=MODEL: a model may be a path that holds "="
  std::vector<std::string> avoid;     ///< KERNEL=REASON
  std::vector<std::string> lost;      ///< point ids that failed in a worker before this one
  std::vector<std::string> left_out;  ///< ACTIVITY=REASON, likewise
  bool alone = false;                 ///< whether every entry of a kernel file is built without the others
  std::uint64_t seed = 1;
  std::int64_t session_index = 0;
  bool first = false;  ///< of its campaign
  int output_descriptor = -1;
  std::string meter = "auto";
  std::string tuning = "auto";
  std::vector<std::string> argv;
};

/// Returns the exit code of the process.
int run_worker(const WorkerOptions& options);

}  // namespace qtrap::campaign
