#include "campaign/looks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/result.hpp"
#include "result/words.hpp"

namespace qtrap::campaign {
namespace {

constexpr double kError = 0.05;

void check(const RunOptions& options, bool planned, const profile::Campaign& campaign) {
  if (options.until) check_sought_ratio("--until", *options.until);
  if (options.max_sessions && !planned)
    throw Failure(usage_error("--max-sessions is given without --until", std::to_string(*options.max_sessions),
                              "add --until RATIO, or fix the number with --set sessions=N"));
  if (planned && campaign.sessions < 2)
    throw Failure(usage_error("--until decides nothing in one session", std::to_string(campaign.sessions),
                              "give --max-sessions of 2 at least"));
}

std::vector<double> sessions_of(const std::vector<judge::Look>& looks, std::size_t count) {
  std::vector<double> sessions;
  for (std::size_t i = 0; i < count; ++i) sessions.push_back(static_cast<double>(looks[i].sessions));
  return sessions;
}

}  // namespace

std::optional<LookPlan> plan_looks(const RunOptions& options, const RunPlan& plan, const result::SessionRecord& next,
                                   const result::ResultFile* resumed) {
  const auto ratio = options.until || resumed == nullptr ? options.until : resumed->sessions.back().until_ratio;
  check(options, ratio.has_value(), plan.campaign);
  if (!ratio) return std::nullopt;
  const auto schemes = static_cast<std::int64_t>(profile::schemes_with_anchor(plan.campaign).size()) - 1;
  if (schemes == 0)
    throw Failure(usage_error("--until has no ratio to decide", plan.campaign.name, "add a scheme beside f16"));
  const auto method = find_word<EnergyMethod>(next.meter.method.value_or(""));
  const bool reads_energy = next.meter.status == "ok" && method && result::is_read_by_sensor(*method);
  const auto ratios = static_cast<std::int64_t>(plan.cells.size()) * schemes * (reads_energy ? 2 : 1);
  return LookPlan{
      *ratio, kError, ratios,
      judge::plan_looks({plan.campaign.sessions, static_cast<double>(ratios), static_cast<double>(schemes), kError})};
}

void state_plan(const LookPlan& plan, result::SessionRecord& session) {
  session.until_ratio = plan.ratio;
  session.until_error = plan.error;
  session.until_ratios = plan.ratios;
  session.until_looks = sessions_of(plan.looks, plan.looks.size());
  session.until_spent.emplace();
  session.until_boundaries.emplace();
  for (const judge::Look& look : plan.looks) {
    session.until_spent->push_back(look.spent * static_cast<double>(plan.ratios));
    session.until_boundaries->push_back(look.boundary);
  }
}

std::string describe_looks(const LookPlan& plan) {
  std::vector<std::string> places;
  for (const judge::Look& look : plan.looks)
    places.push_back(fmt::format("{} (|z| {:.2f})", look.sessions, look.boundary));
  return fmt::format(
      "until {:g} is told from 1: looks after sessions {}\n{} ratios share an error of {:g} % over all looks "
      "(O'Brien-Fleming type)\n",
      plan.ratio, fmt::join(places, ", "), plan.ratios, 100 * plan.error);
}

bool Looks::take(std::vector<pool::PoolInput> inputs, std::int64_t sessions) {
  if (taken_.size() == plan_.looks.size() || inputs.empty()) return false;
  const judge::Look& look = plan_.looks[taken_.size()];
  if (sessions < look.sessions) return false;
  std::vector<profile::Cell> cells;
  cells.reserve(inputs.size());
  for (const pool::PoolInput& input : inputs) cells.push_back(input.cell);
  const auto trials = pool::keep_first_sessions(inputs.front().trials, cells, look.sessions);
  for (pool::PoolInput& input : inputs) input.trials = trials;
  taken_.push_back(pool::count_undecided(pool::pool_cells(inputs, 1 - look.level), plan_.ratio));
  stop_ = pool::decide_look(taken_.back(), taken_.size() == plan_.looks.size());
  return true;
}

std::int64_t Looks::wanted(std::int64_t fewest) const {
  return stopped() ? last().sessions : std::min(fewest + 1, plan_.looks.back().sessions);
}

double Looks::confidence() const { return taken_.empty() ? kConfidence : 1 - last().level; }

std::string Looks::words() const {
  const pool::LookCount& count = taken_.back();
  std::string text = fmt::format("look after {} of at most {} sessions: {} of {} ratios undecided", last().sessions,
                                 plan_.looks.back().sessions, count.undecided, count.ratios);
  if (count.undecided > 0) text += fmt::format("; in {} of them {:g} could go unseen", count.unseen, plan_.ratio);
  return text;
}

void Looks::state(result::EndRecord& end) const {
  end.looks = sessions_of(plan_.looks, taken_.size());
  end.looks_undecided.emplace();
  end.looks_unseen.emplace();
  for (const pool::LookCount& one : taken_) {
    end.looks_undecided->push_back(static_cast<double>(one.undecided));
    end.looks_unseen->push_back(static_cast<double>(one.unseen));
  }
  end.stopped_by = stop_;
}

}  // namespace qtrap::campaign
