#include "report/plan_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "report/table.hpp"
#include "result/file_fields.hpp"
#include "table/codec.hpp"

namespace qtrap::report {
namespace {

/// Numbers of sessions that the table shows: a few, the campaign's and the one that is needed.
std::set<std::int64_t> choose_sessions(const PlanQuestion& question, std::optional<std::int64_t> needed) {
  std::set<std::int64_t> shown{2, 3, 5, 8, 12, 20};
  if (question.size.sessions >= 2) shown.insert(static_cast<std::int64_t>(question.size.sessions));
  if (needed) shown.insert(*needed);
  return shown;
}

std::optional<std::int64_t> find_needed(const PlanQuestion& question) {
  return judge::find_sessions(question.spread, question.size, std::log(question.ratio), question.power,
                              kMostPlannedSessions);
}

Table make_table(const PlanQuestion& question, std::optional<std::int64_t> needed) {
  Table table;
  table.columns = {{"sessions", "sessions"},
                   {"minutes", "minutes of windows"},
                   {"half_width", "half width of a ratio's 95 % interval"},
                   {"detectable", fmt::format("smallest ratio seen with {:g} % power", 100 * question.power)},
                   {"note", "note"}};
  for (const std::int64_t sessions : choose_sessions(question, needed)) {
    judge::CampaignSize size = question.size;
    size.sessions = static_cast<double>(sessions);
    const judge::Forecast told = judge::forecast(question.spread, size, question.power);
    Value minutes;
    if (question.block_s) minutes = fmt::format("{:.1f}", size.sessions * size.blocks * *question.block_s / 60);
    std::string note;
    if (size.sessions == question.size.sessions) note = "the campaign";
    if (sessions == needed) note += fmt::format("{}sees {:g}", note.empty() ? "" : "; ", question.ratio);
    table.rows.push_back({sessions, minutes, fmt::format("{:.1f} %", 100 * std::expm1(told.half_width)),
                          fmt::format("{:.3f}", std::exp(told.detectable)), note});
  }
  return table;
}

std::string source_of(const judge::SpreadComponents& spread) {
  if (spread.ratios == 0)
    return "the reference campaign of the project, a shared 2-core CPU: give result files of your machine";
  return fmt::format("{} ratios of up to {} sessions in the files", spread.ratios, spread.sessions);
}

/// Which of the two is the better use of more time.
std::string advise(const PlanQuestion& question) {
  judge::CampaignSize more = question.size;
  more.blocks *= 2;
  more.sessions = std::max(2.0, more.sessions);
  const double blocks = judge::forecast(question.spread, more, question.power).half_width;
  more = question.size;
  more.sessions = 2 * std::max(2.0, more.sessions);
  const double sessions = judge::forecast(question.spread, more, question.power).half_width;
  return sessions < blocks ? "Twice the sessions narrow intervals more than twice the blocks.\n"
                           : "Twice the blocks narrow intervals more than twice the sessions: raise min_trials.\n";
}

}  // namespace

std::string to_text(const PlanQuestion& question) {
  const auto needed = find_needed(question);
  std::string text = fmt::format(
      "campaign {}: {} cells of {:g} schemes beside f16, {:g} sessions of about {:g} blocks\n"
      "log ratios spread by {:.1f} % between sessions and {:.1f} % between blocks ({})\n\n",
      question.campaign, question.cells, question.size.schemes, question.size.sessions, question.size.blocks,
      100 * question.spread.session, 100 * question.spread.block, source_of(question.spread));
  text += to_text(make_table(question, needed)) + "\n";
  text += needed
              ? fmt::format("A ratio of {:g} is told from 1 with {:g} % power from {} sessions on: --set sessions={}\n",
                            question.ratio, 100 * question.power, *needed, *needed)
              : fmt::format("A ratio of {:g} is not told from 1 with {:g} % power in {} sessions.\n", question.ratio,
                            100 * question.power, kMostPlannedSessions);
  if (question.size.sessions < 2) text += "One session decides nothing: its blocks do not tell how sessions differ.\n";
  return text + advise(question);
}

std::string to_json(const PlanQuestion& question) {
  result::PlanFile plan;
  plan.campaign = question.campaign;
  plan.cells = question.cells;
  plan.schemes = question.size.schemes;
  plan.sessions = question.size.sessions;
  plan.blocks = question.size.blocks;
  plan.spread_session = question.spread.session;
  plan.spread_block = question.spread.block;
  plan.spread_source = question.spread.ratios > 0 ? result::SpreadSource::kFiles : result::SpreadSource::kReference;
  plan.ratio = question.ratio;
  plan.power = question.power;
  plan.sessions_needed = find_needed(question);
  plan.block_s = question.block_s;
  for (const std::int64_t sessions : choose_sessions(question, plan.sessions_needed)) {
    judge::CampaignSize size = question.size;
    size.sessions = static_cast<double>(sessions);
    const judge::Forecast told = judge::forecast(question.spread, size, question.power);
    plan.forecasts.push_back({sessions, told.half_width, std::exp(told.detectable)});
  }
  return table::write_document(plan).value();
}

}  // namespace qtrap::report
