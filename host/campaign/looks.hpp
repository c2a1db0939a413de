// `run --until`: sessions are added until every ratio is decided, or a ratio looked for would have been seen, or the
// planned most are in. Each look after a session spends a planned part of the error (judge/spending.hpp).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "campaign/run.hpp"
#include "campaign/run_plan.hpp"
#include "judge/spending.hpp"
#include "pool/look.hpp"
#include "pool/pool.hpp"
#include "result/records.hpp"
#include "result/result_file.hpp"

namespace qtrap::campaign {

/// What each session of the file states before any is measured.
struct LookPlan {
  double ratio = 0;  ///< to be told from 1
  double error = 0;  ///< of any ratio at any look
  std::int64_t ratios = 0;
  std::vector<judge::Look> looks;
};

/// The plan of `--until`, or of the resumed file (null: a new run); none without either. `next`: with the meter that
/// will read. Throws Failure (usage) for a ratio that is none to look for, for `--max-sessions` without it, and where
/// nothing could be decided.
std::optional<LookPlan> plan_looks(const RunOptions& options, const RunPlan& plan, const result::SessionRecord& next,
                                   const result::ResultFile* resumed);

/// Writes the plan into a session.
void state_plan(const LookPlan& plan, result::SessionRecord& session);

/// For --dry-run: two lines.
std::string describe_looks(const LookPlan& plan);

/// The looks that were taken.
class Looks {
 public:
  explicit Looks(LookPlan plan) : plan_(std::move(plan)) {}

  const LookPlan& plan() const { return plan_; }

  /// Takes the next planned look if `sessions` are in: pools `inputs`, whose trials are all of the file, at its level.
  /// False: it is not due. What it showed is in words().
  bool take(std::vector<pool::PoolInput> inputs, std::int64_t sessions);

  /// Sessions that every cell is to have: one more than the `fewest` any has, until it stops.
  std::int64_t wanted(std::int64_t fewest) const;
  bool stopped() const { return stop_.has_value(); }
  /// Of the intervals of points that are told now.
  double confidence() const;
  std::string words() const;

  /// Writes the looks into the end of a file.
  void state(result::EndRecord& end) const;

 private:
  const judge::Look& last() const { return plan_.looks[taken_.size() - 1]; }  ///< once one was taken

  LookPlan plan_;
  std::vector<pool::LookCount> taken_;
  std::optional<pool::LookStop> stop_;
};

}  // namespace qtrap::campaign
