// plan: what a campaign will be able to tell, before it runs. Needs no device.
#include <algorithm>
#include <cmath>
#include <map>

#include "campaign/run_plan.hpp"
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "core/statistics.hpp"
#include "fit/ratios.hpp"
#include "fit/result_rows.hpp"
#include "judge/planning.hpp"
#include "profile/cell.hpp"
#include "program/exit_code.hpp"
#include "program/output.hpp"
#include "report/plan_text.hpp"

namespace qtrap::cli {
namespace {

/// Of bench/results/pocl-3.1-amd-epyc-scale.jsonl.gz, as this command prints it: 36 ratios of 5 sessions.
constexpr judge::SpreadComponents kReference{0.0, 0.09, 0, 0, 0};

/// Blocks of a session: as many as the files have, else until the ratio of every scheme is known to target_ci within
/// it.
double expect_blocks(const profile::Campaign& campaign, const judge::SpreadComponents& spread) {
  constexpr double kTwoSided = 1.96;
  const double wanted = spread.ratios > 0 ? spread.blocks : std::pow(kTwoSided * spread.block / campaign.target_ci, 2);
  return std::clamp(std::ceil(wanted), static_cast<double>(campaign.min_trials),
                    static_cast<double>(campaign.max_trials));
}

/// Windows of one block of all cells and schemes [s]; none where the files lack one of them.
std::optional<double> find_block_seconds(const campaign::RunPlan& plan, const std::vector<result::ResultFile>& files) {
  std::map<std::pair<std::string, std::string>, std::map<result::TrialMode, std::vector<double>>> walls;
  for (const result::ResultFile& file : files) {
    for (const result::TrialRecord& trial : file.trials) {
      if (trial.mode == result::TrialMode::kBare || trial.mode == result::TrialMode::kProfiled)
        walls[{trial.cell_id, trial.scheme.value_or("")}][trial.mode].push_back(trial.wall_s);
    }
  }
  double sum = 0;
  for (const profile::Cell& cell : plan.cells) {
    for (const std::string& scheme : profile::schemes_with_anchor(plan.campaign)) {
      const auto found = walls.find({cell.id(), scheme});
      if (found == walls.end()) return std::nullopt;
      for (const auto& [mode, times] : found->second) sum += compute_median(times);
    }
  }
  return sum;
}

void check(const PlanOptions& options) {
  campaign::check_sought_ratio("--ratio", options.ratio);
  if (!(options.power > 0 && options.power < 1))
    throw Failure(usage_error("--power is out of range", std::to_string(options.power),
                              "give a probability above 0 and below 1, 0.8 say"));
}

}  // namespace

int run_plan(const PlanOptions& options) {
  check(options);
  const campaign::RunPlan plan = campaign::load_run_plan(options.run, "");
  const std::vector<result::ResultFile> files = read_results(options.files);
  const auto rows = fit::rows_from_results(files);
  const auto pairs = judge::pair_with_anchor(fit::observe(rows, fit::Quantity::kTime));
  report::PlanQuestion question;
  question.spread = kReference;
  if (!files.empty()) {
    const auto spread = judge::estimate_components(pairs);
    if (!spread)
      throw Failure(usage_error("the files tell no spread between sessions", options.files.front(),
                                "give a campaign of two sessions of two blocks at least, not all flagged"));
    question.spread = *spread;
  }
  question.campaign = plan.campaign.name;
  question.cells = static_cast<std::int64_t>(plan.cells.size());
  question.size = {
      static_cast<double>(plan.campaign.sessions), expect_blocks(plan.campaign, question.spread),
      static_cast<double>(std::max<std::size_t>(profile::schemes_with_anchor(plan.campaign).size(), 2) - 1)};
  question.ratio = options.ratio;
  question.power = options.power;
  question.block_s = find_block_seconds(plan, files);
  program::print(options.json ? report::to_json(question) : report::to_text(question));
  return program::kDone;
}

}  // namespace qtrap::cli
