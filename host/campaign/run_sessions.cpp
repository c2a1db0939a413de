#include "campaign/run_sessions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "campaign/losses.hpp"
#include "campaign/progress_line.hpp"
#include "campaign/scoring.hpp"
#include "core/anchor.hpp"
#include "core/clock.hpp"
#include "core/text.hpp"
#include "pool/pool.hpp"
#include "program/device_cache.hpp"
#include "program/devices.hpp"
#include "program/exit_code.hpp"
#include "program/output.hpp"
#include "program/probing.hpp"
#include "program/process.hpp"
#include "program/standard_streams.hpp"
#include "report/summary.hpp"
#include "result/check_records.hpp"
#include "result/result_file.hpp"

namespace qtrap::campaign {
namespace {

/// results/CAMPAIGN-20261122T094107Z.jsonl below the working folder.
std::string default_output(const std::string& campaign) {
  std::string stamp;
  for (const char c : utc_timestamp()) {
    if (c == '.') break;
    if (c != '-' && c != ':') stamp += c;
  }
  return fmt::format("results/{}-{}Z.jsonl", campaign, stamp);
}

constexpr const char* kNoLock = "the result file cannot be locked here: start no second run on it";

/// The result file of a run: what is in it, and what is still missing.
class Run {
 public:
  /// `stated`: what of the plan each session states (looks, refines). `resumed`: the file to continue, checked against
  /// the plan; null for a new one.
  Run(const RunOptions& options, RunPlan plan, StatedPlan stated, OpenedResult* resumed)
      : options_(options), plan_(std::move(plan)), line_(options.quiet), losses_(options.device.variant) {
    refines_ = stated.refines;
    if (stated.looks) looks_.emplace(std::move(*stated.looks));
    if (options.out == program::kStandardOutput) {
      path_ = "standard output";
      output_.emplace(AppendFile::standard_output(program::results_descriptor()).value());
    } else if (resumed == nullptr) {
      path_ = options.out.empty() ? default_output(plan_.campaign.name) : options.out;
      if (options.out.empty()) {
        std::error_code ignored;
        std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), ignored);
      }
      program::require_writable(path_, false);
    } else {
      path_ = options.resume;
      output_.emplace(std::move(resumed->file));
      file_ = std::move(resumed->records);
      earlier_wall_s_ = compute_earlier_wall_s(file_);
      is_untouched_ = true;
      recall_failures();
    }
  }

  int execute() {
    const MonotonicClock clock;
    const Seconds start = clock.now();
    program::catch_interrupts(3);  // the second one ends the worker
    if (!options_.quiet)
      program::tell(
          fmt::format("measuring on {}, {}, driver {}", plan_.device.label(), plan_.device.id, plan_.device.driver));
    std::string error;
    take_looks();
    if (!missing_cells().empty()) learn_cache();
    while (error.empty() && !program::stop_was_requested()) {
      const auto cells = missing_cells();
      if (cells.empty()) break;
      error = run_one_session(cells);
      take_looks();
    }
    if (error.empty() && !program::stop_was_requested()) error = take_losses();
    const bool interrupted = program::stop_was_requested() && !(missing_cells().empty() && unscored_schemes().empty());
    const auto status = interrupted     ? result::Ending::kInterrupted
                        : error.empty() ? result::Ending::kComplete
                                        : result::Ending::kFailed;
    // A resumed file that ends otherwise is cut first, so that its points and its end are told of the same records.
    if (!(file_.end && file_.end->status == status)) begin_writing();
    write_points(untold_cells());
    write_end(status, (clock.now() - start).value());
    line_.clear();
    if (!error.empty()) throw Failure(runtime_error("a session failed", error, how_to_continue()));
    if (file_.sessions.empty() && program::stop_was_requested())
      throw Failure(Error{ErrorKind::kInterrupted, "interrupted", "", "nothing was measured and no file written"});
    if (file_.sessions.empty())
      throw Failure(runtime_error("nothing could be measured", first_failure(), "see `qtrap verify`"));
    program::print_beside(options_.out, report::make_summary(file_, path_));
    if (interrupted) {
      program::say(fmt::format("qtrap: interrupted; {}\n", how_to_continue()));
      return program::kInterrupted;
    }
    const auto is_bad = [](const auto& record) { return record.status != result::PointStatus::kOk; };
    return std::any_of(file_.points.begin(), file_.points.end(), is_bad) ||
                   std::any_of(file_.qualities.begin(), file_.qualities.end(), is_bad)
               ? program::kPointsFailed
               : program::kDone;
  }

 private:
  /// Before the first session: what lies within the cache decides the memory plan and some kernels, alike in all
  /// sessions of a file.
  void learn_cache() {
    auto cache = file_.sessions.empty() ? std::nullopt : program::recall_cache(file_.sessions.front());
    if (!cache) cache = program::find_cache_apart(options_.device, plan_.device);
    if (program::stop_was_requested()) return;
    cache_ = measure::to_text(*cache);
    plan_.device.cache_bytes = cache->bytes;
    plan_memory(plan_);
  }

  bool to_stream() const { return options_.out == program::kStandardOutput; }

  std::string how_to_continue() const {
    if (file_.sessions.empty())
      return "nothing was measured and no file written; mend that (see `qtrap verify`) and run it again";
    return to_stream() ? "what was measured is kept; continue with --resume and the file that took the records"
                       : "what was measured is kept; continue with: qtrap run --resume " + path_;
  }

  /// How many sessions hold trials of each cell of the plan.
  std::map<std::string, std::int64_t> count_sessions() const {
    std::map<std::string, std::set<std::string>> sessions;
    for (const auto& trial : file_.trials) sessions[trial.cell_id].insert(trial.session_id);
    std::map<std::string, std::int64_t> counts;
    for (const auto& cell : plan_.cells) counts[cell.id()] = static_cast<std::int64_t>(sessions[cell.id()].size());
    return counts;
  }

  /// Whether the file holds a point of every scheme of `cell`.
  bool has_points(const profile::Cell& cell) const {
    const auto schemes = profile::schemes_with_anchor(plan_.campaign);
    return std::all_of(schemes.begin(), schemes.end(), [&](const auto& scheme) {
      const auto id = profile::make_point_id(cell, scheme);
      return std::any_of(file_.points.begin(), file_.points.end(),
                         [&](const auto& point) { return point.point_id == id; });
    });
  }

  /// Cells that go on, with what pools them.
  std::vector<pool::PoolInput> open_inputs() const {
    std::vector<profile::Cell> open;
    for (const auto& cell : plan_.cells) {
      if (!lost_cells_.contains(cell.id())) open.push_back(cell);
    }
    return make_inputs(open);
  }

  std::vector<pool::PoolInput> make_inputs(const std::vector<profile::Cell>& cells) const {
    std::vector<pool::PoolInput> inputs;
    inputs.reserve(cells.size());
    for (const auto& cell : cells) {
      const auto failed = failures_.find(cell.id());
      inputs.push_back({cell, &plan_.models.at(cell.model), &plan_.campaign, file_.sessions, file_.trials,
                        failed == failures_.end() ? std::map<std::string, Error>() : failed->second});
    }
    return inputs;
  }

  /// Sessions that every cell which goes on has.
  std::int64_t fewest_sessions() const {
    const auto done = count_sessions();
    std::optional<std::int64_t> fewest;
    for (const auto& cell : plan_.cells) {
      if (lost_cells_.contains(cell.id())) continue;
      const std::int64_t count = done.at(cell.id());
      fewest = std::min(fewest.value_or(count), count);
    }
    return fewest.value_or(0);
  }

  /// All planned looks whose sessions are in, those of a resumed file again: they follow from its trials.
  void take_looks() {
    if (!looks_) return;
    while (looks_->take(open_inputs(), fewest_sessions())) {
      line_.clear();
      if (!options_.quiet) program::tell(looks_->words());
    }
  }

  /// Sessions that a cell is to have before the next look, or at all.
  std::int64_t wanted_sessions() const { return looks_ ? looks_->wanted(fewest_sessions()) : plan_.campaign.sessions; }

  std::vector<profile::Cell> missing_cells() const {
    const auto done = count_sessions();
    const std::int64_t wanted = wanted_sessions();
    std::vector<profile::Cell> missing;
    for (const auto& cell : plan_.cells) {
      if (has_points(cell) || lost_cells_.contains(cell.id())) continue;
      if (done.at(cell.id()) < wanted) missing.push_back(cell);
    }
    return missing;
  }

  std::vector<std::string> worker_arguments(const std::vector<profile::Cell>& cells) const {
    program::DeviceOptions device = options_.device;
    device.cache = cache_;
    auto arguments = program::make_worker_arguments("run-session", plan_.device, device);
    arguments.insert(arguments.end(),
                     {"--campaign-json", plan_.campaign_json, "--seed", std::to_string(seed()), "--session-index",
                      std::to_string(file_.sessions.size()), "--meter", options_.meter, "--tuning", options_.tuning});
    if (sessions_before_campaign() == static_cast<std::int64_t>(file_.sessions.size()))
      arguments.emplace_back("--first");
    losses_.add_arguments(arguments);
    for (const auto& cell : cells) arguments.insert(arguments.end(), {"--cell", cell.id()});
    for (const auto& [model, memory] : plan_.memory)
      arguments.insert(arguments.end(), {"--resident", fmt::format("{}={}", resident_layers(model, memory), model)});
    return arguments;
  }

  /// Sessions of the file that belong to campaigns which this one refines.
  std::int64_t sessions_before_campaign() const {
    return std::count_if(file_.sessions.begin(), file_.sessions.end(),
                         [this](const auto& session) { return session.campaign_sha256 != plan_.campaign_sha256; });
  }

  /// A resumed file keeps its seed.
  std::uint64_t seed() const {
    return file_.sessions.empty() ? options_.seed.value_or(1) : static_cast<std::uint64_t>(file_.sessions.front().seed);
  }

  /// A resumed file keeps the number it was started with: PoCL's memory size varies between processes.
  std::int64_t resident_layers(const std::string& model, const chain::MemoryPlan& memory) const {
    for (const auto& trial : file_.trials) {
      if (trial.model == model && trial.resident_layers) return *trial.resident_layers;
    }
    return static_cast<std::int64_t>(memory.resident_layers);
  }

  std::size_t count_failures() const {
    std::size_t count = 0;
    for (const auto& [cell, schemes] : failures_) count += schemes.size();
    return count;
  }

  std::string first_failure() const {
    for (const auto& [cell, schemes] : failures_) {
      if (!schemes.empty())
        return fmt::format("{}/{}: {}", cell, schemes.begin()->first, schemes.begin()->second.message());
    }
    return "";
  }

  /// Empty, or what ended the session badly.
  std::string run_one_session(const std::vector<profile::Cell>& cells) {
    std::string error;
    std::string device_error;
    progress_ = {};
    const std::size_t trials_before = file_.trials.size();
    const std::size_t failures_before = count_failures();
    const program::ProcessCare care{options_.device.watchdog_s, [&] { return progress_.expected_s; }};
    const auto end = program::run_process(
        worker_arguments(cells),
        [&](program::MessageKind kind, const std::string& payload) {
          if (kind == program::MessageKind::kSession) take_session(payload);
          if (kind == program::MessageKind::kCell) take_cell(payload);
          if (kind == program::MessageKind::kFailure) take_failure(payload);
          if (kind == program::MessageKind::kError) error = payload;
          if (kind == program::MessageKind::kDeviceError) device_error = payload;
          if (kind == program::MessageKind::kActivity) take_progress(decode_progress(payload));
        },
        care);
    lose_failed_cells();
    tell_lost_cells();
    if (program::stop_was_requested()) return {};
    if (!error.empty()) return error;
    const bool over = progress_.activity == kSessionOver;
    if (!over && (!device_error.empty() || end.exit_code != program::kDone || end.signal != 0))
      return lose(device_error.empty() ? "its process " + end.words() : device_error);
    if (file_.trials.size() == trials_before && count_failures() == failures_before) return "it measured nothing";
    return {};
  }

  void take_progress(measure::Progress progress) {
    progress_ = std::move(progress);
    if (progress_.activity != kSessionOver) line_.show(progress_, sessions_before_campaign() + plan_.campaign.sessions);
  }

  /// Takes what the last worker was at when it died out of those to come; what was to be measured of it fails. Empty,
  /// or why that is not possible.
  std::string lose(const std::string& words) {
    const std::string place = describe_place(progress_);
    const std::string reason = fmt::format("{} ({})", words, place);
    const auto loss = losses_.take(progress_, reason);
    if (loss == Losses::Kind::kNothingNew) return fmt::format("{}: {}", place, words);
    const bool whole = loss == Losses::Kind::kCell;
    if (whole || loss == Losses::Kind::kScheme) {
      for (const auto& scheme : profile::schemes_with_anchor(plan_.campaign)) {
        if (whole || scheme == progress_.running)
          failures_[progress_.cell_id].insert_or_assign(scheme, runtime_error(reason, "", ""));
      }
    }
    line_.clear();
    if (!options_.quiet)
      program::say(escape_controls(fmt::format("qtrap: {}; the run goes on without it", reason)) + "\n");
    lose_failed_cells();
    tell_lost_cells();
    return {};
  }

  /// Of a resumed file: takes off what is told anew at the end. Only now: one that lacks nothing stays as it is.
  void begin_writing() {
    if (!std::exchange(is_untouched_, false)) return;
    if (auto done = output_->cut(file_.resume_bytes); !done) throw Failure(done.error());
    file_.points.resize(file_.resume_points);
    file_.end.reset();
    tell_lost_cells();
  }

  void write(const std::string& lines) {
    if (output_) {
      begin_writing();
      if (auto done = output_->append(lines); !done) throw Failure(done.error());
    } else {
      output_.emplace(AppendFile::create(path_, lines).value());
      if (!output_->locked() && !options_.quiet)
        program::say(escape_controls(fmt::format("qtrap: {}: {}", path_, kNoLock)) + "\n");
    }
  }

  void take_session(const std::string& line) {
    auto session = std::get<result::SessionRecord>(result::parse_line(line).value());
    const auto& device = session.device;
    if (device.id != plan_.device.id || device.name != plan_.device.name || device.driver != plan_.device.driver) {
      throw Failure(runtime_error(
          "a session measured another device",
          fmt::format("{}, {}; planned {}, {}", device.id, device.name, plan_.device.id, plan_.device.name),
          "check the driver (dmesg), then go on with --resume"));
    }
    session.argv = options_.argv;
    // Its process has not read the weights whole.
    if (plan_.weights) session.weights_sha256 = plan_.weights_sha256;
    if (looks_) state_plan(looks_->plan(), session);
    session.refines = refines_;
    session.hazards.insert(session.hazards.end(), plan_.device.choice.begin(), plan_.device.choice.end());
    for (const auto& [model, memory] : plan_.memory) {
      if (memory.in_cache)
        session.hazards.push_back(
            fmt::format("{}: the most compact weights ({} MiB) lie within 4x the last-level cache", model,
                        memory.smallest_set_bytes >> 20));
    }
    if (output_ && !output_->locked()) session.hazards.emplace_back(kNoLock);
    write(result::to_json_line(session).value());
    file_.sessions.push_back(std::move(session));
  }

  /// Schemes of the plan without a loss on its text.
  std::vector<std::string> unscored_schemes() const {
    std::vector<std::string> unscored;
    if (!has_text(plan_)) return unscored;
    for (const auto& scheme : profile::schemes_with_anchor(plan_.campaign)) {
      const auto same = [&](const auto& known) { return known.scheme == scheme; };
      if (std::none_of(file_.qualities.begin(), file_.qualities.end(), same)) unscored.push_back(scheme);
    }
    return unscored;
  }

  /// Losses on the plan's text, after the sessions. Empty, or why some are missing.
  std::string take_losses() {
    const auto schemes = unscored_schemes();
    if (schemes.empty() || file_.sessions.empty()) return {};
    line_.clear();
    if (!options_.quiet) program::tell(fmt::format("evaluating {} schemes on the text", schemes.size()));
    return run_scoring(plan_, options_.device, schemes, [&](result::QualityRecord record) {
      record.session_id = file_.sessions.back().session_id;
      write(result::to_json_line(record).value());
      file_.qualities.push_back(std::move(record));
    });
  }

  void take_cell(const std::string& lines) {
    write(lines);
    std::size_t start = 0;
    while (start < lines.size()) {
      const std::size_t end = lines.find('\n', start);
      auto record = result::parse_line(lines.substr(start, end - start)).value();
      if (auto* trial = std::get_if<result::TrialRecord>(&record)) file_.trials.push_back(std::move(*trial));
      start = end + 1;
    }
  }

  void take_failure(const std::string& payload) {
    const auto first = payload.find('\n');
    const auto second = payload.find('\n', first + 1);
    failures_[payload.substr(0, first)].insert_or_assign(payload.substr(first + 1, second - first - 1),
                                                         runtime_error(payload.substr(second + 1), "", ""));
  }

  /// Cells in which every scheme failed have no trials and never will: their points say so.
  void lose_failed_cells() {
    for (const auto& cell : plan_.cells) {
      const auto failed = failures_.find(cell.id());
      if (failed != failures_.end() && failed->second.contains(kAnchor)) lost_cells_.insert(cell.id());
    }
  }

  /// At once, for nothing else in the file says that a cell is lost; their points have no ratio that others share.
  void tell_lost_cells() {
    std::vector<profile::Cell> lost;
    for (const auto& cell : plan_.cells) {
      if (lost_cells_.contains(cell.id()) && !has_points(cell)) lost.push_back(cell);
    }
    write_points(lost);
  }

  /// What failed in the sessions of a resumed file is not tried again.
  void recall_failures() {
    for (const auto& point : file_.points) {
      if (point.status != result::PointStatus::kError) continue;
      failures_[point.cell_id].insert_or_assign(point.scheme, runtime_error(point.reason.value_or(""), "", ""));
    }
    lose_failed_cells();
  }

  /// Cells that are complete or lost and lack points.
  std::vector<profile::Cell> untold_cells() const {
    const auto done = count_sessions();
    const bool may_end = !looks_ || looks_->stopped();
    const std::int64_t wanted = wanted_sessions();
    std::vector<profile::Cell> untold;
    for (const auto& cell : plan_.cells) {
      const bool complete = may_end && done.at(cell.id()) >= wanted;
      if (!has_points(cell) && (complete || lost_cells_.contains(cell.id()))) untold.push_back(cell);
    }
    return untold;
  }

  /// In one piece after the last session, lost cells aside: what ratios share is known only then (judge.hpp). A killed
  /// run lacks the points, and --resume tells them from its trials.
  void write_points(const std::vector<profile::Cell>& cells) {
    if (file_.sessions.empty() || cells.empty()) return;  // a file begins with a session
    begin_writing();
    const double confidence = looks_ ? looks_->confidence() : kConfidence;
    std::string lines;
    std::vector<result::PointRecord> told;
    for (auto& point : pool::pool_cells(make_inputs(cells), confidence)) {
      const auto same = [&](const auto& known) { return known.point_id == point.point_id; };
      if (std::any_of(file_.points.begin(), file_.points.end(), same)) continue;
      lines += result::to_json_line(point).value();
      told.push_back(std::move(point));
    }
    if (lines.empty()) return;
    write(lines);
    file_.points.insert(file_.points.end(), told.begin(), told.end());
  }

  void write_end(result::Ending status, double wall_s) {
    if (!output_ || file_.sessions.empty()) return;  // nothing was measured: no file
    if (is_untouched_ && file_.end && file_.end->status == status) return;
    result::EndRecord end;
    end.session_id = file_.sessions.back().session_id;
    end.status = status;
    end.points_ok = result::count_points(file_, result::PointStatus::kOk);
    end.points_failed = result::count_points(file_, result::PointStatus::kError);
    end.wall_s = earlier_wall_s_ + wall_s;
    if (looks_) looks_->state(end);
    write(result::to_json_line(end).value());
    file_.end = end;
  }

  const RunOptions& options_;
  RunPlan plan_;
  std::string cache_;  ///< measure::to_text() of the device's
  std::string path_;
  std::optional<AppendFile> output_;
  bool is_untouched_ = false;  ///< a resumed file that nothing was written to yet
  double earlier_wall_s_ = 0;  ///< of the invocations before this one
  result::ResultFile file_;
  std::map<std::string, std::map<std::string, Error>> failures_;  ///< by cell, then scheme
  std::set<std::string> lost_cells_;
  std::optional<std::string> refines_;
  std::optional<Looks> looks_;
  ProgressLine line_;
  measure::Progress progress_;  ///< where the running session is
  Losses losses_;
};

}  // namespace

int run_sessions(const RunOptions& options, RunPlan plan, StatedPlan stated, OpenedResult* resumed) {
  return Run(options, std::move(plan), std::move(stated), resumed).execute();
}

}  // namespace qtrap::campaign
