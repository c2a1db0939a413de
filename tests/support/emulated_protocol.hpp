// The measuring protocol of host/power, played on an emulated board: characterise, trials with phase shifts,
// energies per repetition; beside the truth, and beside what plain integration of the same sensor says. Used
// by the tests and by bench/emulated_boards, so that the printed table is what the tests check.
#pragma once

#include <string>
#include <vector>

#include "core/statistics.hpp"
#include "power/sensor/protocol.hpp"
#include "support/emulated_board.hpp"

namespace qtrap::test {

/// One repetition of a load: stretches of constant power.
struct Repetition {
  struct Phase {
    double duration_s;
    double power_w;
  };
  std::vector<Phase> phases;
  double duration_s() const;
  double energy_j() const;
};

/// A board of the table in host/power/README.md.
struct NamedBoard {
  std::string name;
  BoardModel model;
};

/// (20, 10), (100, 25), (100, 100), (100, 1000) ms and an RC board.
std::vector<NamedBoard> list_emulated_boards();

/// A repetition of 3 to 5 phases, 20 to 250 ms long, between 120 and 380 W.
Repetition draw_repetition(PhiloxStream& random);

/// One trial by the protocol; energies as estimated, gain included.
struct TrialOutcome {
  power::RepetitionEnergy estimate;
  power::PlayedTrial trial;
  double window_truth_j = 0;
  /// Energy of the window, put together from the repetitions and the gaps.
  double window_j() const;
};
TrialOutcome play_trial(EmulatedBench& bench, const power::MeterSensors& sensors, const Repetition& load, Watts idle);

/// Idle power of the board by its own sensor, over 5 s.
Watts measure_idle(EmulatedBench& bench, const power::MeterSensors& sensors);

/// What plain integration says of back-to-back repetitions for 5 s: trapezoid over the polled readings at
/// their own stamps, from an idle start; per repetition, gain included.
double play_naive(EmulatedBench& bench, const Repetition& load);

/// Everything the table needs of one board and one seed. Errors are relative to the truth, gain removed.
struct SeedOutcome {
  bool characterised = false;
  double period_error = 0;
  std::optional<double> window_error;  ///< of the rise, where the sensor is exponential
  std::vector<double> window_errors;   ///< each single 5 s window against its own true energy
  std::vector<double> naive_errors;    ///< the same loads, integrated plainly
  double ratio_error = 0;              ///< paired ratio of two loads, mean of the trials
  std::vector<bool> energy_covered;    ///< whether the nominal 95 % interval of each load's energy holds the truth
  bool ratio_covered = false;
};
SeedOutcome play_seed(const NamedBoard& board, std::uint64_t seed);

}  // namespace qtrap::test
