// What a sensor should show of a known on/off load: the load (0 or 1) through a first-order rise, averaged
// over a boxcar. Closed forms; the objective of the characterisation evaluates it some hundred thousand
// times.
#pragma once

#include <span>
#include <vector>

#include "core/units.hpp"

namespace qtrap::power {

/// One stretch of a load as it was really played, on the meter's clock.
struct LoadInterval {
  Seconds begin;
  Seconds end;
  bool busy = false;
};

/// The risen load of one run. Before the first interval and in gaps between intervals the load is at rest;
/// after the last one too.
class LoadResponse {
 public:
  /// `played` in order of time; `rise` is the time constant (0: none).
  LoadResponse(std::span<const LoadInterval> played, Seconds rise);

  /// Mean of the risen load over [end - window, end], 0 to 1; its value at `end` for a zero window.
  double mean(Seconds end, Seconds window) const;

 private:
  /// State where a stretch of constant load begins: y(begin), and its integral up to there.
  struct Knot {
    double begin_s;
    double target;
    double level;
    double integral_s;
  };
  const Knot* find(double at_s) const;
  double level(double at_s) const;
  double integral(double at_s) const;
  double decay(double elapsed_s) const;

  double rise_s_;
  std::vector<Knot> knots_;
};

}  // namespace qtrap::power
