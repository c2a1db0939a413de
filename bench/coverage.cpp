// How honest the fit's intervals are: campaigns with known truth (tests/fit/truth_study.hpp), per cost and critical
// size the median error and how often the 95 % interval holds the truth. Usage: coverage [SEEDS]
#include <cstdio>
#include <cstdlib>

#include "core/statistics.hpp"
#include "fit/truth_study.hpp"

namespace {

using namespace qtrap::fit;

void print_tallies(const std::map<std::string, truth::Tally>& tallies, int seeds) {
  for (const auto& [name, tally] : tallies) {
    std::printf("| %s | %zu of %d | %.2f %% | %.1f %% |\n", name.c_str(), tally.errors.size(), seeds,
                100 * qtrap::compute_median(tally.errors), 100 * tally.coverage());
  }
}

void print_study(const char* title, const synthetic::Options& options, Quantity quantity, int seeds) {
  const truth::Study found = truth::study(options, quantity, seeds);
  std::printf("\n%s\n| of | identified | median error | interval holds the truth |\n|---|---|---|---|\n", title);
  print_tallies(found.costs, seeds);
  // The true size is that of campaigns whose counts and costs are as they stand.
  if (options.collinear || options.misfit > 0) return;
  for (const auto& [name, tally] : found.sizes) print_tallies({{"N* " + name, tally}}, seeds);
  for (const auto& [what, statuses] : found.statuses) {
    for (const auto& [status, count] : statuses) std::printf("%s: %s %d\n", what.c_str(), status.c_str(), count);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int seeds = argc > 1 ? std::atoi(argv[1]) : truth::kSeeds;
  const synthetic::Options plain = truth::make_options(3);
  print_study("Time, 3 sessions, 10 % between, 1 % within", plain, Quantity::kTime, seeds);
  print_study("Time, 5 sessions", truth::make_options(5), Quantity::kTime, seeds);
  synthetic::Options energy = plain;
  energy.energy = true;
  print_study("Energy, 3 sessions", energy, Quantity::kEnergy, seeds);
  synthetic::Options placed = truth::make_options(5);
  placed.placement = 0.03;
  print_study("Time, 5 sessions, placement effects of 3 %", placed, Quantity::kTime, seeds);
  synthetic::Options misfit = plain;
  misfit.between = 0.02;
  misfit.misfit = 0.03;
  print_study("Time, 3 sessions, 2 % between, lack of fit of 3 %", misfit, Quantity::kTime, seeds);
  synthetic::Options collinear = plain;
  collinear.collinear = true;
  print_study("Time, collinear casts and dequantizations", collinear, Quantity::kTime, seeds);
  return 0;
}
