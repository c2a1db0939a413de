// The table of host/power/README.md: how well the period and window of emulated sensors are found, and what
// energies and ratios the protocol gets from them, beside plain integration of the same readings. All of it
// simulated. Usage: emulated_boards [SEEDS]   (default 50; virtual time, about 2 min)
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <fmt/core.h>

#include "support/emulated_protocol.hpp"

namespace {

using qtrap::test::NamedBoard;
using qtrap::test::SeedOutcome;

double worst(const std::vector<double>& errors) {
  double most = 0;
  for (const double error : errors) most = std::max(most, std::abs(error));
  return 100 * most;
}

double rms(const std::vector<double>& errors) {
  double sum = 0;
  for (const double error : errors) sum += error * error;
  return 100 * std::sqrt(sum / static_cast<double>(errors.size()));
}

double share(std::size_t part, std::size_t whole) {
  return 100 * static_cast<double>(part) / static_cast<double>(whole);
}

void print_board(const NamedBoard& board, std::uint64_t seeds) {
  std::vector<double> periods, windows, energies, naive, ratios;
  std::size_t covered = 0, intervals = 0, ratios_covered = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const SeedOutcome outcome = qtrap::test::play_seed(board, seed);
    if (!outcome.characterised) {
      fmt::print("{}: seed {} could not be characterised\n", board.name, seed);
      continue;
    }
    periods.push_back(outcome.period_error);
    if (outcome.window_error) windows.push_back(*outcome.window_error);
    energies.insert(energies.end(), outcome.window_errors.begin(), outcome.window_errors.end());
    naive.insert(naive.end(), outcome.naive_errors.begin(), outcome.naive_errors.end());
    ratios.push_back(outcome.ratio_error);
    for (const bool hit : outcome.energy_covered) covered += hit ? 1 : 0;
    intervals += outcome.energy_covered.size();
    ratios_covered += outcome.ratio_covered ? 1 : 0;
  }
  fmt::print(
      "| {} | {:.2f} % | {:.1f} % | {:.2f} % ({:.2f} %) | {:.1f} % ({:.1f} %) | {:.2f} % | {:.0f} % | {:.0f} "
      "% |\n",
      board.name, worst(periods), worst(windows), worst(energies), rms(energies), worst(naive), rms(naive),
      worst(ratios), share(covered, intervals), share(ratios_covered, ratios.size()));
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t seeds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 50;
  fmt::print("{} seeds; worst error (root mean square)\n\n", seeds);
  fmt::print(
      "| board (T, W) | T | W or rise | 5 s window | plain integration | paired ratio | 95 % of energy | 95 "
      "% of ratio |\n");
  fmt::print("|---|---|---|---|---|---|---|---|\n");
  for (const NamedBoard& board : qtrap::test::list_emulated_boards()) {
    print_board(board, seeds);
    std::fflush(stdout);
  }
}
