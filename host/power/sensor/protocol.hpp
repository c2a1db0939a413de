// How to load a device so that its sensor can be believed: length of a trial, lead and tail to discard, and
// idle gaps that shift the work against a sensor which is blind for part of each period. Yang, Adamek,
// Armour, SC'24: at least 32 repetitions or 5 s, 4 trials, 4 to 8 evenly spaced phase shifts where window <
// period.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/philox.hpp"
#include "power/sensor/energy_window.hpp"
#include "power/sensor/load_response.hpp"
#include "power/sensor/sensor.hpp"

namespace qtrap::power {

/// One trial: `lead` repetitions, then `repetitions` in `groups` equal groups with an idle gap after each,
/// then `tail`. The window begins with the first repetition of the first group and ends with the last gap.
struct TrialPlan {
  int lead = 0;
  int repetitions = 0;  ///< a multiple of `groups`
  int groups = 1;
  int tail = 0;
  Seconds gap{0};  ///< after each group; 0 where no shift is needed
  Seconds total_gap() const { return gap * groups; }
};

/// Trials of one point: independent draws of the sensor's phase.
inline constexpr int kTrialsPerPoint = 4;

/// Plans a trial of a repetition that takes `repetition` (> 0). `least` is the shortest window.
TrialPlan plan_trial(const SensorTraits& sensor, Seconds repetition, Seconds least = Seconds(5));

/// A random idle time before a trial, uniform over one period of the sensor, so that trials meet it in
/// different phases.
Seconds draw_trial_gap(const SensorTraits& sensor, PhiloxStream& random);

/// A trial as it was played.
struct PlayedTrial {
  TrialPlan plan;
  LoadWindow window;
  std::vector<LoadInterval> repetitions;  ///< every one in order, lead and tail among them; its true begin and end
  Watts idle;                             ///< power between launches of a device in use, not that of a sleeping one
};

/// Energy of one repetition of a trial. `energy` is present exactly when `status` is kOk.
struct RepetitionEnergy {
  EnergyStatus status = EnergyStatus::kNoMeter;
  std::optional<Joules> energy;
  std::optional<EnergyMethod> method;
  bool folded = false;  ///< by repetition phase, because the sensor is blind for part of its period
  std::string detail;
  WindowEnergy window;  ///< energy of the whole window, gaps included, as a check
};

/// Energy of one repetition: (window - idle power x gaps) / repetitions by the counter or by a sensor that
/// sees all the time; by folding where the sensor is blind for part of it. O(samples).
RepetitionEnergy estimate_repetition_energy(std::span<const Sample> samples, const PlayedTrial& trial,
                                            const MeterInfo& info, const MeterSensors& sensors);

/// Folding (equivalent-time sampling): every reading is put at its phase within the repetition it saw, and
/// the mean is taken over the phase, not over the readings. So a blind sensor that meets some phases more
/// often than others gives them no more weight. Readings that saw a gap or the ends of the load are left out.
/// kTooShort with fewer than kFewestReadings readings, or where more than a quarter of the repetition was
/// never seen.
EnergyEstimate fold_repetitions(std::span<const Sample> samples, std::span<const LoadInterval> repetitions,
                                const MeterInfo& info, const SensorTraits& sensor);

}  // namespace qtrap::power
