// One session: one process on one device. For each cell, randomised complete blocks: every scheme once per block, the
// f16 anchor always among them, each scheme bare (wall time) then profiled (phases), until the stop rule holds.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "device/device.hpp"
#include "measure/energy.hpp"
#include "measure/stop_rule.hpp"
#include "profile/cell.hpp"
#include "profile/profile.hpp"
#include "result/records.hpp"
#include "scheme/catalogue/tuning.hpp"
#include "weights/decoder.hpp"

namespace qtrap::measure {

/// What a session is to do; made by the parent process, the same for all sessions of a run but for index and cells.
struct SessionPlan {
  profile::Campaign campaign;
  std::map<std::string, profile::ModelProfile> models;  ///< by the name used in cells
  std::map<std::string, std::int64_t> resident_layers;  ///< by model: fixed for all sessions
  std::vector<profile::Cell> cells;                     ///< what is missing, by model, then batch
  std::shared_ptr<const weights::Decoder> weights;      ///< of the one model; null: random ones
  std::vector<std::uint32_t> context_ids;  ///< what fills a decoder's context; empty: random keys and values
  std::uint64_t seed = 1;
  std::int64_t session_index = 0;                      ///< in its file; draws and orders follow from it
  bool first = true;                                   ///< of its campaign: the one with phase loops
  scheme::TuningChoices tuning;                        ///< in place of the default tunables
  std::set<std::pair<std::string, std::string>> lost;  ///< cell id and scheme: failed in a worker before this one
  std::map<std::string, std::string> left_out;         ///< activities that a worker before this one died of, and how
};

/// Activities that make what all schemes of a cell share: whoever dies of one loses the cell.
inline constexpr const char* kWeights = "weights";
inline constexpr const char* kActivations = "activations";

/// Shown while measuring.
struct Progress {
  std::int64_t session_index = 0;
  std::size_t cell = 0;  ///< position, from 0
  std::size_t cells = 0;
  std::string cell_id;
  std::string activity;   ///< "builds", "ceilings", "idle", "making of probe 1 of 9", "probe copy", kWeights,
                          ///< kActivations, "chain of w8a8", "warm-up w8a8", "check of w8a8", "block 3, w8a8" and so on
  std::string running;    ///< scheme that is built or run; empty: none
  double expected_s = 0;  ///< until the next report, as far as is known; 0: short, or not known
  device::Step step;      ///< what the device is at, where it says
  std::string scheme;     ///< of the ratio, empty where there is none yet
  double ratio = 0;       ///< current time ratio of `scheme`
  std::optional<double> relative_half_width;
  double elapsed_s = 0;  ///< of this cell
  double budget_s = 0;
};

/// Where a session's output goes, in order. Callbacks must not throw for lack of an audience.
struct SessionSink {
  std::function<void(const result::SessionRecord&)> on_session;
  /// All trials of one cell, once it is complete: its unit in the file; and the meter's samples behind their energies.
  /// Idle and probe windows come in cells of their own.
  std::function<void(const std::vector<result::TrialRecord>&, const std::vector<result::SamplesRecord>&)> on_cell;
  /// A scheme that cannot run in this cell.
  std::function<void(const profile::Cell&, const std::string& scheme, const Error&)> on_failure;
  std::function<void(const Progress&)> on_progress;
};

/// Runs the plan. `session` comes with what the caller knows (id, argv, versions, campaign); device, kernels, meter,
/// ceilings, host and hazards are filled in here. All kernels are built first; the first step of every chain runs
/// launch by launch, so that a failure names its kernel. With a meter every bare window is as long as its sensor needs,
/// and idle windows and (in the first session) phase loops are measured too. Returns false when `stop_requested` cut it
/// short: the cell in progress is dropped. A cell that cannot run (out of memory, a kernel of the anchor does not
/// build) is reported scheme by scheme and skipped. Throws DeviceError when the device is lost.
bool run_session(device::Device& device, const SessionPlan& plan, EnergySource energy, result::SessionRecord session,
                 const SessionSink& sink, const std::function<bool()>& stop_requested);

}  // namespace qtrap::measure
