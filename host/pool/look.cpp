#include "pool/look.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace qtrap::pool {
namespace {

using result::Verdict;

void count(const std::optional<Verdict>& verdict, const std::optional<double>& detectable, double ratio,
           LookCount& counted) {
  if (!verdict || verdict == Verdict::kNoMeter) return;
  ++counted.ratios;
  if (verdict != Verdict::kUndecided) return;
  ++counted.undecided;
  if (!detectable || *detectable > ratio) ++counted.unseen;
}

}  // namespace

LookCount count_undecided(std::span<const result::PointRecord> points, double ratio) {
  const double above = std::max(ratio, 1 / ratio);
  LookCount counted;
  for (const result::PointRecord& point : points) {
    if (point.status != result::PointStatus::kOk) continue;
    count(point.verdict_time, point.time_ratio_detectable, above, counted);
    count(point.verdict_energy, point.energy_ratio_detectable, above, counted);
  }
  return counted;
}

std::optional<LookStop> decide_look(const LookCount& count, bool last) {
  if (count.undecided == 0) return LookStop::kDecided;
  if (count.unseen == 0) return LookStop::kSeen;
  return last ? std::optional(LookStop::kSessions) : std::nullopt;
}

std::vector<result::TrialRecord> keep_first_sessions(std::span<const result::TrialRecord> trials,
                                                     std::span<const profile::Cell> cells, std::int64_t sessions) {
  std::map<std::string, std::set<std::string>> seen;  // sessions by cell
  for (const profile::Cell& cell : cells) seen[cell.id()];
  std::vector<result::TrialRecord> kept;
  for (const result::TrialRecord& trial : trials) {
    const auto cell = seen.find(trial.cell_id);
    if (cell == seen.end()) continue;
    const bool room = static_cast<std::int64_t>(cell->second.size()) < sessions;
    if (!room && !cell->second.contains(trial.session_id)) continue;
    cell->second.insert(trial.session_id);
    kept.push_back(trial);
  }
  return kept;
}

}  // namespace qtrap::pool
