#include "campaign/run.hpp"

// Checks what was asked for against the machine and the file, then leaves it to run_sessions.
#include <fmt/format.h>

#include <utility>

#include "campaign/looks.hpp"
#include "campaign/refine.hpp"
#include "campaign/resume.hpp"
#include "campaign/run_plan.hpp"
#include "campaign/run_sessions.hpp"
#include "campaign/scoring.hpp"
#include "core/text.hpp"
#include "program/exit_code.hpp"
#include "program/output.hpp"
#include "program/standard_streams.hpp"
#include "result/result_file.hpp"

namespace qtrap::campaign {
namespace {

void check_options(const RunOptions& options) {
  if (options.seed) check_seed(*options.seed);
  if (options.campaign.empty() && options.resume.empty())
    throw Failure(usage_error("no campaign given", "", "name one of profiles/campaigns, e.g. `qtrap run quick`"));
  if (!options.resume.empty() && !options.out.empty())
    throw Failure(usage_error("--out and --resume exclude each other", options.out, "give one of them"));
  if (options.resume == program::kStandardOutput)
    throw Failure(usage_error("a stream cannot be resumed", options.resume, "name the file that took the records"));
}

/// Refuses what --refine decides by itself.
void check_refine(const RunOptions& options) {
  const std::pair<const char*, bool> others[] = {
      {"a campaign", !options.campaign.empty()}, {"--resume", !options.resume.empty()},
      {"--out", !options.out.empty()},           {"--set", !options.overrides.empty()},
      {"--until", options.until.has_value()},    {"--max-sessions", options.max_sessions.has_value()}};
  for (const auto& [name, given] : others) {
    if (given)
      throw Failure(usage_error("--refine goes by its file alone", name,
                                "leave it out: schemes, limits and sessions are those of the file's campaign"));
  }
}

/// Measures the plan of `campaign_json` (empty: the options' campaign) into a new file, or what `resumed` lacks of it.
int measure_plan(const RunOptions& options, const std::string& campaign_json, StatedPlan stated,
                 std::optional<OpenedResult> resumed) {
  const result::ResultFile* records = resumed ? &resumed->records : nullptr;
  RunPlan plan = make_run_plan(options, campaign_json);
  // Also of a new run: a meter or a tuning file that does not fit is refused before anything is measured.
  result::SessionRecord next = describe_next_session(options, plan, records);
  stated.looks = plan_looks(options, plan, next, records);
  if (stated.looks) state_plan(*stated.looks, next);
  next.refines = stated.refines;
  if (records != nullptr) {
    if (auto same = check_resumable(*records, options.resume, next); !same) throw Failure(same.error());
    if (auto fits = check_layers(*records, options.resume, plan.models); !fits) throw Failure(fits.error());
  }
  if (has_text(plan)) (void)read_text(plan);  // one that is too short is refused before anything is measured
  if (options.dry_run) {
    program::print(describe_plan(plan) + (stated.looks ? describe_looks(*stated.looks) : ""));
    return program::kDone;
  }
  return run_sessions(options, std::move(plan), std::move(stated), resumed ? &*resumed : nullptr);
}

/// A finished file, opened so that what is appended follows its points: they stand as they were told.
OpenedResult open_for_refining(const std::string& path) {
  OpenedResult opened = open_for_resume(path).value();
  result::ResultFile& records = opened.records;
  if (!records.end || records.end->status != result::Ending::kComplete)
    throw Failure(usage_error("a run that is not finished has no crossing to narrow", path,
                              "finish it first: qtrap run --resume " + path));
  if (records.sessions.front().origin != result::Origin::kMeasured || !records.sessions.front().campaign_sha256)
    throw Failure(usage_error("the file was not measured by a campaign", path, "name the result file of a run"));
  if (records.sessions.front().until_ratio)
    throw Failure(usage_error("a run with --until has spent its error on the ratios it planned", path,
                              "measure the sizes between by a campaign of their own"));
  records.resume_bytes = records.bytes_before_end;
  records.resume_points = records.points.size();
  return opened;
}

int run_refinements(RunOptions options) {
  check_refine(options);
  options.resume = options.refine;
  std::optional<OpenedResult> opened = open_for_refining(options.resume);
  const result::SessionRecord first = opened->records.sessions.front();
  const auto refinements = plan_refinements(opened->records, options.resume);
  std::string words;
  for (const Refinement& one : refinements) words += one.words;
  if (words.empty()) words = "nothing to refine: no crossing lies between two sizes with another between them\n";
  if (options.dry_run || refinements.empty()) {
    program::print(words);
    return program::kDone;
  }
  if (!options.quiet) program::say(escape_controls(words, "\n"));
  StatedPlan stated;
  stated.refines = first.campaign_sha256;
  int worst = program::kDone;  // one point that failed, of the file's own campaign too, does not keep the rest from
                               // being measured
  for (const Refinement& one : refinements) {
    write_models(one);
    if (!opened) opened = open_for_refining(options.resume);
    const int code = measure_plan(options, profile::to_json(one.campaign), stated, std::exchange(opened, std::nullopt));
    if (code == program::kInterrupted) return code;
    if (code != program::kDone) worst = code;
  }
  return worst;
}

}  // namespace

void check_seed(std::uint64_t seed) {
  if (seed > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    throw Failure(usage_error("seed is too large", std::to_string(seed), "choose one below 2^63"));
}

void check_sought_ratio(const char* option, double ratio) {
  if (!(ratio > 0) || ratio == 1 || !std::isfinite(ratio))
    throw Failure(usage_error(fmt::format("{} is no ratio to look for", option), fmt::format("{}", ratio),
                              "give a ratio above 0 that is not 1, 1.05 say"));
}

int run_campaign(const RunOptions& options) {
  if (!options.refine.empty()) return run_refinements(options);
  check_options(options);
  std::optional<OpenedResult> resumed;
  if (!options.resume.empty()) resumed.emplace(open_for_resume(options.resume).value());
  StatedPlan stated;
  std::string campaign_json;
  if (resumed) {
    const result::SessionRecord& last = resumed->records.sessions.back();
    stated.refines = last.refines;
    if (options.campaign.empty()) campaign_json = last.campaign_json;
  }
  return measure_plan(options, campaign_json, std::move(stated), std::move(resumed));
}

}  // namespace qtrap::campaign
