// Everything about a run that is decided before the first measurement: campaign, models, device, memory, cells.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "campaign/run.hpp"
#include "chain/layout.hpp"
#include "measure/session.hpp"
#include "result/result_file.hpp"
#include "weights/decoder.hpp"

namespace qtrap::campaign {

struct RunPlan {
  profile::Campaign campaign;
  std::string campaign_json;  ///< canonical text, embedded in every session record
  std::string campaign_sha256;
  std::map<std::string, profile::ModelProfile> models;
  std::shared_ptr<const weights::Decoder> weights;  ///< of the one model; null: random ones
  std::string weights_sha256;                       ///< of a run's parent
  std::map<std::string, chain::MemoryPlan> memory;
  std::vector<profile::Cell> cells;
  device::DeviceInfo device;
};

/// Names of all schemes, in the contract's order.
std::vector<std::string_view> scheme_names();

/// Campaign, models, weights and cells; throws Failure (usage) on the first thing that is wrong. `campaign_json`
/// replaces the campaign file when not empty (a session's process gets the text, not the name; so does a resumed run).
RunPlan load_run_plan(const RunOptions& options, const std::string& campaign_json);

/// load_run_plan() with the device, probed, and its memory: a variant that it lacks is refused here. Reads the
/// weights whole, for their digest.
RunPlan make_run_plan(const RunOptions& options, const std::string& campaign_json);

/// The memory of all models on plan.device; throws Failure (usage) for one that does not fit, or that would be read
/// from the cache.
void plan_memory(RunPlan& plan);

/// What every session record of the plan says of program, campaign, models and kernel variant.
result::SessionRecord make_session_identity(const RunPlan& plan);

/// What a session of the plan would record, as far as it is known before its device is opened. Throws Failure for a
/// meter or a tuning file that does not fit.
result::SessionRecord describe_next_session(const RunOptions& options, const RunPlan& plan,
                                            const result::ResultFile* resumed);

/// Unique among machines and runs: time and 32 random bits.
std::string make_session_id();

/// What --dry-run prints: cells, schemes, memory.
std::string describe_plan(const RunPlan& plan);

}  // namespace qtrap::campaign
