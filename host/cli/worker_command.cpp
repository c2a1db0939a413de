// run-session: one session of a run in a process of its own. Records go to the parent through a pipe, progress to
// stderr.
#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <random>

#include "cli/app.hpp"
#include "cli/process.hpp"
#include "cli/run_plan.hpp"
#include "cli/version.hpp"
#include "core/clock.hpp"
#include "result/result_file.hpp"

namespace qtrap::cli {
namespace {

/// One line that is overwritten on a terminal; a log line per cell elsewhere.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet)
      : quiet_(quiet),
        terminal_(isatty(STDERR_FILENO) == 1),
        log_("qtrap", std::make_shared<spdlog::sinks::stderr_sink_st>()) {
    log_.set_pattern("%H:%M:%S %v");
  }
  ~ProgressLine() {
    if (terminal_ && shown_) std::fputs("\r\x1b[K", stderr);
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const measure::Progress& progress, std::int64_t sessions) {
    if (quiet_) return;
    const std::string where = fmt::format("session {}/{}, cell {}/{} {}", progress.session_index + 1, sessions,
                                          progress.cell + 1, progress.cells, progress.cell_id);
    if (!terminal_) {
      if (progress.cell_id != last_cell_) log_.info(where);
      last_cell_ = progress.cell_id;
      return;
    }
    std::string ratio;
    if (progress.relative_half_width)
      ratio =
          fmt::format(", {} {:.2f} ±{:.1f} %", progress.scheme, progress.ratio, 100 * *progress.relative_half_width);
    fmt::print(stderr, "\r\x1b[K{}: {}{}, {:.0f} of at most {:.0f} s", where, progress.activity, ratio,
               progress.elapsed_s, progress.budget_s);
    std::fflush(stderr);
    shown_ = true;
  }

 private:
  bool quiet_;
  bool terminal_;
  spdlog::logger log_;
  bool shown_ = false;
  std::string last_cell_;
};

/// Unique among machines and runs: time and 32 random bits.
std::string make_session_id() {
  std::random_device random;
  std::string id;
  for (const char c : utc_timestamp()) {
    if (c != '-' && c != ':' && c != '.') id += c;
  }
  return fmt::format("{}-{:08x}", id, random());
}

measure::SessionPlan make_session_plan(const WorkerOptions& options, RunPlan& plan) {
  measure::SessionPlan session;
  session.campaign = plan.campaign;
  session.models = plan.models;
  session.seed = options.seed;
  session.session_index = options.session_index;
  for (const auto& cell : plan.cells) {
    if (std::find(options.cells.begin(), options.cells.end(), cell.id()) != options.cells.end())
      session.cells.push_back(cell);
  }
  for (const auto& entry : options.resident) {
    const auto equals = entry.rfind('=');
    std::int64_t layers = 0;
    std::from_chars(entry.data() + equals + 1, entry.data() + entry.size(), layers);
    session.resident_layers[entry.substr(0, equals)] = layers;
  }
  return session;
}

result::SessionRecord make_session_record(const WorkerOptions& options, const RunPlan& plan) {
  result::SessionRecord record;
  record.session_id = make_session_id();
  record.started_utc = utc_timestamp();
  record.tool_version = version().number;
  if (!version().commit.empty()) record.git_commit = version().commit;
  record.git_dirty = version().dirty;
  record.argv = options.argv;
  record.campaign_json = plan.campaign_json;
  record.campaign_sha256 = plan.campaign_sha256;
  return record;
}

measure::SessionSink make_sink(const WorkerOptions& options, const RunPlan& plan, ProgressLine& line) {
  const int pipe = options.output_descriptor;
  measure::SessionSink sink;
  sink.on_session = [pipe](const auto& record) {
    send_message(pipe, MessageKind::kSession, result::to_json_line(record).value());
  };
  sink.on_cell = [pipe](const auto& trials, const auto& samples) {
    std::string lines;
    for (const auto& trial : trials) lines += result::to_json_line(trial).value();
    for (const auto& one : samples) lines += result::to_json_line(one).value();
    send_message(pipe, MessageKind::kCell, lines);
  };
  sink.on_failure = [pipe](const auto& cell, const auto& scheme, const auto& error) {
    send_message(pipe, MessageKind::kFailure, fmt::format("{}\n{}\n{}", cell.id(), scheme, error.message()));
  };
  sink.on_progress = [&line, sessions = plan.campaign.sessions](const auto& progress) {
    line.show(progress, sessions);
  };
  return sink;
}

}  // namespace

int run_worker(const WorkerOptions& options) {
  catch_interrupts();
  try {
    RunOptions run;
    run.device = options.device;
    RunPlan plan = make_run_plan(run, options.campaign_json);
    measure::SessionPlan session = make_session_plan(options, plan);
    auto device = open_device(options.device);
    result::SessionRecord record = make_session_record(options, plan);
    const TunedDevice tuned = open_tuning(options.tuning, device.info(), device.sources().sha256());
    session.tuning = tuned.choices;
    record.kernels.tuning = tuned.path;
    record.kernels.tuning_sha256 = tuned.sha256;
    if (!tuned.hazard.empty()) record.hazards.push_back(tuned.hazard);
    ProgressLine line(options.quiet);
    const auto finished = measure::run_session(device, session, open_meter(options.meter, device.info()),
                                               std::move(record), make_sink(options, plan, line), stop_was_requested);
    if (!finished) throw Failure(finished.error());
    return finished.value() ? kDone : kInterrupted;
  } catch (const Failure& failure) {
    // The parent prints it, so that one run gives one error line.
    send_message(options.output_descriptor, MessageKind::kError, failure.error().message());
    return kFailed;
  }
}

}  // namespace qtrap::cli
