// Energy of one window of time, from the raw samples around it. Two independent routes: the counter's value
// interpolated at the window's ends between its updates, and the power readings moved back by the sensor's
// lag and integrated by trapezoid with interpolated edges. A reading counts only where its own averaging
// window, rise included, lies inside the load; where none does, the answer is `unattributable`, never a
// number. The window must hold a steady load (repetitions of the same work, begin and end on repetition
// boundaries): the part seen stands for the whole. Corrections of Yang, Adamek, Armour, SC'24 (arXiv
// 2312.02741).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "power/meter.hpp"
#include "power/sensor/sensor.hpp"

namespace qtrap::power {

/// The window [begin, end] and the span [load_begin, load_end] around it, in which the same load ran (its
/// lead and tail). Monotonic times; load_begin <= begin < end <= load_end.
struct LoadWindow {
  Seconds begin;
  Seconds end;
  Seconds load_begin;
  Seconds load_end;
};

/// One route's answer. `energy` is present exactly when `status` is kOk, and is then finite and above 0.
struct EnergyEstimate {
  EnergyStatus status = EnergyStatus::kNoMeter;
  std::optional<Joules> energy;
  std::size_t readings = 0;  ///< publications that counted
  double covered = 0;        ///< share of the window they span, 0 to 1
  bool wrapped = false;      ///< the counter wrapped inside the window; allowed for
  std::string detail;        ///< why there is no energy; empty when ok
};

/// Both routes and the answer taken: the counter where it is ok, else the integrated power, else none.
struct WindowEnergy {
  EnergyStatus status = EnergyStatus::kNoMeter;
  std::optional<Joules> energy;
  std::optional<EnergyMethod> method;  ///< present exactly when status is kOk
  EnergyEstimate counter;
  EnergyEstimate integrated;
  std::optional<double> disagreement;  ///< integrated / counter - 1, where both are ok
  std::vector<std::string> flags;      ///< counter_wrapped, counter_<status>, methods_disagree (by over 5 %)
  std::string detail;                  ///< why there is no energy
};

/// Fewest publications a window must hold on either route.
inline constexpr std::size_t kFewestReadings = 8;

/// Values at the moments they were published: of the polled samples, those whose value changed, and repeats
/// where a value stayed for more than a period; stamped half a poll before they were seen. A zero `period`
/// keeps every sample.
std::vector<Timed<Watts>> find_publications(std::span<const Sample> samples, Seconds period);

/// Energy of the window. `samples` in order of time; they should begin before load_begin and go on for the
/// sensor's lag after `end`. Costs O(samples); runs after the window, never inside it.
WindowEnergy estimate_window_energy(std::span<const Sample> samples, const LoadWindow& window, const MeterInfo& info,
                                    const MeterSensors& sensors);

}  // namespace qtrap::power
