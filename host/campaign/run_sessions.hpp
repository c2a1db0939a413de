// One process per session, what they send written to the result file, all cells pooled after the last one, the table.
#pragma once

#include <optional>
#include <string>

#include "campaign/looks.hpp"
#include "campaign/resume.hpp"
#include "campaign/run_plan.hpp"

namespace qtrap::campaign {

/// What of a plan every session states.
struct StatedPlan {
  std::optional<LookPlan> looks;       ///< of --until
  std::optional<std::string> refines;  ///< campaign_sha256 of the file's own campaign, where this one narrows it
};

/// Measures what `resumed`, a file checked against the plan, lacks of it; null: all of it, into a new file. Returns the
/// exit code.
int run_sessions(const RunOptions& options, RunPlan plan, StatedPlan stated, OpenedResult* resumed);

}  // namespace qtrap::campaign
