#include "campaign/session_worker.hpp"

#include <fmt/format.h>

#include <charconv>

#include "campaign/progress_line.hpp"
#include "campaign/run_plan.hpp"
#include "campaign/scoring.hpp"
#include "core/assignment.hpp"
#include "core/clock.hpp"
#include "measure/ceilings/ceilings.hpp"
#include "program/exit_code.hpp"
#include "program/meter_selection.hpp"
#include "program/process.hpp"
#include "program/tuning_selection.hpp"
#include "result/result_file.hpp"

namespace qtrap::campaign {
namespace {

measure::SessionPlan make_session_plan(const WorkerOptions& options, RunPlan& plan) {
  measure::SessionPlan session;
  session.campaign = plan.campaign;
  session.models = plan.models;
  session.weights = plan.weights;
  if (has_text(plan) && plan.campaign.workload == profile::Workload::kDecoder) session.context_ids = read_ids(plan);
  session.seed = options.seed;
  session.session_index = options.session_index;
  session.first = options.first;
  for (const auto& cell : plan.cells) {
    if (std::find(options.cells.begin(), options.cells.end(), cell.id()) != options.cells.end())
      session.cells.push_back(cell);
  }
  for (const auto& entry : options.resident) {
    const Assignment split = split_assignment(entry).value();
    std::int64_t layers = 0;
    std::from_chars(split.key.data(), split.key.data() + split.key.size(), layers);
    session.resident_layers[std::string(split.value)] = layers;
  }
  for (const auto& point : options.lost) {
    const auto slash = point.rfind('/');
    session.lost.emplace(point.substr(0, slash), point.substr(slash + 1));
  }
  for (const auto& entry : options.left_out) {
    const Assignment split = split_assignment(entry).value();
    session.left_out.emplace(split.key, split.value);
  }
  return session;
}

result::SessionRecord make_session_record(const WorkerOptions& options, const RunPlan& plan) {
  result::SessionRecord record = make_session_identity(plan);
  record.session_id = make_session_id();
  record.started_utc = utc_timestamp();
  record.argv = options.argv;
  if (!options.device.cache.empty())
    measure::set_cache(measure::parse_cache_findings(options.device.cache).value(), record.ceilings);
  return record;
}

measure::SessionSink make_sink(const WorkerOptions& options) {
  const int pipe = options.output_descriptor;
  measure::SessionSink sink;
  sink.on_session = [pipe](const auto& record) {
    program::send_message(pipe, program::MessageKind::kSession, result::to_json_line(record).value());
  };
  sink.on_cell = [pipe](const auto& trials, const auto& samples) {
    std::string lines;
    for (const auto& trial : trials) lines += result::to_json_line(trial).value();
    for (const auto& one : samples) lines += result::to_json_line(one).value();
    program::send_message(pipe, program::MessageKind::kCell, lines);
  };
  sink.on_failure = [pipe](const auto& cell, const auto& scheme, const auto& error) {
    program::send_message(pipe, program::MessageKind::kFailure,
                          fmt::format("{}\n{}\n{}", cell.id(), scheme, error.message()));
  };
  sink.on_progress = [pipe](const auto& progress) {
    program::send_message(pipe, program::MessageKind::kActivity, encode_progress(progress));
  };
  return sink;
}

/// What workers before this one died of is not tried again.
void prepare_kernels(const WorkerOptions& options, device::Device& device) {
  if (options.alone) device.build_entries_alone();
  for (const auto& entry : options.avoid) {
    const Assignment split = split_assignment(entry).value();
    device.avoid_kernel(std::string(split.key), std::string(split.value));
  }
}

int run_session(const WorkerOptions& options) {
  RunOptions run;
  run.device = options.device;
  RunPlan plan = load_run_plan(run, options.campaign_json);
  plan.device = program::choose_probed_device(options.device);
  measure::SessionPlan session = make_session_plan(options, plan);
  device::Device device(plan.device, program::kernel_sources(options.device));
  result::SessionRecord record = make_session_record(options, plan);
  const program::TunedDevice tuned = program::open_tuning(options.tuning, device.info(), device.sources().sha256());
  session.tuning = tuned.choices;
  record.kernels.tuning = tuned.path;
  record.kernels.tuning_sha256 = tuned.sha256;
  if (!tuned.hazard.empty()) record.hazards.push_back(tuned.hazard);
  prepare_kernels(options, device);
  const bool finished = measure::run_session(device, session, program::open_meter(options.meter, device.info()),
                                             std::move(record), make_sink(options), program::stop_was_requested);
  measure::Progress over;  // a driver that fails on its way out loses nothing
  over.activity = kSessionOver;
  program::send_message(options.output_descriptor, program::MessageKind::kActivity, encode_progress(over));
  return finished ? program::kDone : program::kInterrupted;
}

}  // namespace

int run_worker(const WorkerOptions& options) {
  program::catch_interrupts(0);  // its parent ends it
  return program::run_as_worker(options.output_descriptor, [&] {
    try {
      return run_session(options);
    } catch (const device::DeviceError& error) {  // another process may go on
      program::send_message(options.output_descriptor, program::MessageKind::kDeviceError, error.error().message());
      return static_cast<int>(program::kFailed);
    }
  });
}

}  // namespace qtrap::campaign
