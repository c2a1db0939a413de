// What `qtrap plan` prints: how narrow a campaign's intervals will be and what it will see, by its number of sessions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "judge/planning.hpp"

namespace qtrap::report {

struct PlanQuestion {
  std::string campaign;
  judge::CampaignSize size;  ///< as the campaign has it
  std::int64_t cells = 1;
  judge::SpreadComponents spread;  ///< `ratios` 0: the shipped reference's
  double ratio = 1.05;             ///< to be told from 1; > 0, not 1
  double power = 0.8;              ///< > 0, < 1
  std::optional<double> block_s;   ///< windows of one block of all cells and schemes; none where no file has them
};

/// Sessions beyond which `plan` looks for none.
inline constexpr std::int64_t kMostPlannedSessions = 100;

std::string to_text(const PlanQuestion& question);
/// The plan file's text, "\n" at the end; throws Failure on a number that is not finite.
std::string to_json(const PlanQuestion& question);

}  // namespace qtrap::report
