// A board whose true power is known, seen through a sensor with known faults: the ground truth of the power
// tests and of bench/emulated_boards. true power -> first-order rise -> boxcar over W -> every T, `delay`
// late -> gain, noise, quantisation. Written on a time grid, on purpose unlike the closed forms of
// host/power/sensor/load_response.cpp that fit it.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/philox.hpp"
#include "power/meter.hpp"
#include "power/sensor/characterise.hpp"
#include "support/virtual_time.hpp"

namespace qtrap::test {

/// Constants of an emulated sensor. Times in s.
struct BoardModel {
  double period_s = 0.1;
  double window_s = 0.1;  ///< 0: the risen power at one instant, as behind an RC filter
  double delay_s = 0.008;
  double rise_s = 0.015;
  double gain = 1;
  double noise = 0.002;      ///< standard deviation of one reading, relative
  double quantum_w = 0.001;  ///< readings are multiples of it
  double idle_w = 60;
  bool has_power = true;
  bool has_counter = false;
  double counter_period_s = 0.02;
  double counter_quantum_j = 0.001;
  double counter_start_j = 1000;
  double counter_range_j = 0;  ///< 0: never wraps
};

class EmulatedBoard {
 public:
  EmulatedBoard(const BoardModel& model, std::uint64_t seed);

  /// Lets the board draw `power_w` for `duration_s` from where its trace ends.
  void draw(double duration_s, double power_w);
  /// Where the trace ends; readings are defined up to there.
  double end_s() const { return end_s_; }
  /// True energy between two moments of the trace: exact.
  double true_energy_j(double from_s, double to_s) const;

  /// The last power published at or before `at_s`.
  double power_w(double at_s) const;
  /// The last counter value published at or before `at_s`, quantised and wrapped.
  double counter_j(double at_s) const;

  const BoardModel& model() const { return model_; }

 private:
  double risen_energy_j(double at_s) const;

  BoardModel model_;
  PhiloxKey key_;
  double phase_s_;
  double end_s_ = 0;
  double cell_j_ = 0;                 ///< true energy in the cell that is being filled
  double level_w_;                    ///< risen power at the end of the last full cell
  std::vector<double> risen_j_{0.0};  ///< cumulative risen energy at the cell ends
  std::vector<double> knot_s_{0.0};   ///< the true trace: moments, and the cumulative energy there
  std::vector<double> knot_j_{0.0};
};

/// A meter that reads an emulated board at virtual time; labelled simulated.
class EmulatedMeter final : public power::Meter {
 public:
  EmulatedMeter(const EmulatedBoard& board, const Clock& clock);
  const power::MeterInfo& info() const override { return info_; }
  power::MeterInfo& edit() { return info_; }
  power::Sample read() override;

 private:
  const EmulatedBoard& board_;
  const Clock& clock_;
  power::MeterInfo info_;
};

/// A bench: a board, its meter and a virtual clock; loads are played and sampled in no real time.
class EmulatedBench {
 public:
  EmulatedBench(const BoardModel& model, std::uint64_t seed, double busy_w = 300);

  /// The PlayLoad of this bench: loads begin with up to 0.3 ms of jitter, samples every `poll_s` with jitter.
  power::PlayLoad player();
  /// Draws `power_w` for `duration_s` without sampling; the samples come with sample_to_end().
  void draw(double duration_s, double power_w) { board_.draw(duration_s, power_w); }
  /// Reads the meter from the virtual now to the end of the trace.
  std::vector<power::Sample> sample_to_end();

  EmulatedBoard& board() { return board_; }
  EmulatedMeter& meter() { return meter_; }
  VirtualTime& time() { return time_; }
  PhiloxStream& random() { return random_; }
  void set_poll(double poll_s) { poll_s_ = poll_s; }

 private:
  VirtualTime time_;
  EmulatedBoard board_;
  EmulatedMeter meter_;
  PhiloxStream random_;
  double busy_w_;
  double poll_s_ = 0.001;
};

}  // namespace qtrap::test
