#include "report/hazards.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "core/text.hpp"
#include "result/closure.hpp"

namespace qtrap::report {
namespace {

/// Kinds of a session's hazards that are shown; a longest text of one.
constexpr std::size_t kShownKinds = 3;
constexpr std::size_t kLongestHazard = 120;

bool closes_badly(const result::PointRecord& point) {
  return std::fabs(point.closure_time.value_or(0)) > result::kDoubtfulClosure;
}

bool rests_on_flagged(const result::PointRecord& point) {
  return point.status == result::PointStatus::kOk && point.trials > 0 && point.trials_flagged == point.trials;
}

std::string spaced(std::string word) {
  std::replace(word.begin(), word.end(), '_', ' ');
  return word;
}

/// Flagged trials and the points that rest on them alone.
std::vector<std::string> trial_hazards(const result::ResultFile& file) {
  std::map<std::string, int> flagged;
  for (const auto& trial : file.trials) {
    for (const auto& flag : trial.flags) ++flagged[flag];
  }
  std::vector<std::string> hazards;
  hazards.reserve(flagged.size());
  for (const auto& [flag, count] : flagged)
    hazards.push_back(fmt::format("{} in {} of {} trials (flagged)", spaced(flag), count, file.trials.size()));
  const auto doubtful = std::count_if(file.points.begin(), file.points.end(), rests_on_flagged);
  if (doubtful > 0)
    hazards.push_back(
        fmt::format("{} of {} points rest on flagged trials alone and get no verdict", doubtful, file.points.size()));
  const auto open = std::count_if(file.points.begin(), file.points.end(), closes_badly);
  if (open > 0)
    hazards.push_back(fmt::format("in {} of {} points phases and gaps are more than 5 % from the wall (closure_time)",
                                  open, file.points.size()));
  std::map<std::string, int> low;
  for (const auto& point : file.points) {
    if (point.roof_status == result::RoofStatus::kCeilingTooLow) ++low[point.roof_ceiling.value_or("of bytes")];
  }
  for (const auto& [ceiling, count] : low)
    hazards.push_back(fmt::format("the ceiling {} was measured too low: {} of {} points are faster than 1.1 times it",
                                  ceiling, count, file.points.size()));
  return hazards;
}

/// "2 of 9 energy windows lost (too_short 2)"; empty where none was.
std::string lost_energies(const result::ResultFile& file) {
  std::map<std::string_view, int> lost;
  int windows = 0;
  for (const auto& trial : file.trials) {
    if (trial.mode == result::TrialMode::kProfiled ||
        (trial.energy_status == EnergyStatus::kNoMeter && !trial.energy_reason))
      continue;
    ++windows;
    if (trial.energy_status != EnergyStatus::kOk) ++lost[word_of(trial.energy_status)];
  }
  std::string kinds;
  int sum = 0;
  for (const auto& [status, count] : lost) {
    kinds += fmt::format("{}{} {}", kinds.empty() ? "" : ", ", status, count);
    sum += count;
  }
  return sum > 0 ? fmt::format("{} of {} energy windows lost ({})", sum, windows, kinds) : std::string();
}

/// How idle power moved over the sessions; empty without two idle windows in one.
std::string idle_drift(const result::ResultFile& file) {
  std::map<std::string, std::vector<double>> idle;
  for (const auto& trial : file.trials) {
    if (trial.mode == result::TrialMode::kIdle && trial.phase == "idle" && trial.energy_gross_j)
      idle[trial.session_id].push_back(*trial.energy_gross_j / trial.wall_s);
  }
  std::string text;
  for (const auto& [session, watts] : idle) {
    if (watts.size() < 2) continue;
    text += fmt::format("{}{:.1f} to {:.1f} W", text.empty() ? "" : ", ", watts.front(), watts.back());
  }
  return text.empty() ? text : "idle power from start to end of each session: " + text;
}

std::vector<std::string> energy_hazards(const result::ResultFile& file) {
  std::vector<std::string> hazards;
  std::map<std::string, int> notable;
  for (const auto& trial : file.trials) {
    for (const auto& flag : trial.energy_flags) ++notable[flag];
  }
  for (const auto& [flag, count] : notable) {
    if (flag != "folded") hazards.push_back(fmt::format("energy: {} in {} trials", flag, count));
  }
  for (auto text : {lost_energies(file), idle_drift(file)}) {
    if (!text.empty()) hazards.push_back(std::move(text));
  }
  if (!file.sessions.empty() && file.sessions.back().meter.status != "ok") {
    // The reason lists what was looked for, after a colon: that is what `meters` is for.
    const auto& meter = file.sessions.back().meter;
    const std::string reason = meter.reason.value_or(meter.status);
    hazards.push_back(fmt::format("no energy: {} (see `qtrap meters`)", reason.substr(0, reason.find(": "))));
  }
  return hazards;
}

/// A hazard without its figures: "load average 1.75" and "load average 1.79" are of one kind.
std::string kind_of(const std::string& hazard) {
  std::string kind;
  std::copy_if(hazard.begin(), hazard.end(), std::back_inserter(kind),
               [](unsigned char c) { return std::isdigit(c) == 0 && c != '.'; });
  return kind;
}

/// What the sessions recorded, each kind once.
std::vector<std::string> session_hazards(const result::ResultFile& file) {
  std::vector<std::string> firsts;
  std::map<std::string, std::vector<std::string>> by_kind;  ///< different texts
  for (const auto& session : file.sessions) {
    for (const auto& hazard : session.hazards) {
      auto& texts = by_kind[kind_of(hazard)];
      if (texts.empty()) firsts.push_back(hazard);
      if (std::find(texts.begin(), texts.end(), hazard) == texts.end()) texts.push_back(hazard);
    }
  }
  std::vector<std::string> hazards;
  for (const auto& first : firsts) {
    const std::size_t more = by_kind.at(kind_of(first)).size() - 1;
    const std::string shown = cut_to_width(first, kLongestHazard);
    hazards.push_back(more == 0 ? shown : fmt::format("{} (and {} like it)", shown, more));
  }
  return hazards;
}

}  // namespace

std::string make_hazard_lines(const result::ResultFile& file) {
  std::vector<std::string> sessions = session_hazards(file);
  std::size_t count = sessions.size();
  if (sessions.size() > kShownKinds) {
    sessions.resize(kShownKinds);
    sessions.push_back(fmt::format("{} more in the file; see `qtrap devices` and `qtrap meters`", count - kShownKinds));
  }
  std::vector<std::string> lines;
  for (const auto& hazards : {trial_hazards(file), energy_hazards(file)}) {
    count += hazards.size();
    if (!hazards.empty()) lines.push_back(escape_controls(fmt::format("{}", fmt::join(hazards, "; "))));
  }
  if (!sessions.empty()) lines.push_back(escape_controls(fmt::format("{}", fmt::join(sessions, "; "))));
  if (lines.empty()) return "No hazards recorded.\n";
  return fmt::format("{} hazard{}: {}.\n", count, count == 1 ? "" : "s", fmt::join(lines, ";\n"));
}

}  // namespace qtrap::report
