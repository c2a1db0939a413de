#include "power/sensor/load_response.hpp"

#include <algorithm>
#include <cmath>

namespace qtrap::power {

LoadResponse::LoadResponse(std::span<const LoadInterval> played, Seconds rise) : rise_s_(rise.value()) {
  knots_.reserve(2 * played.size());
  const auto add = [this](double at_s, double target) {
    if (knots_.empty()) {
      knots_.push_back({at_s, target, 0, 0});
    } else {
      const Knot next{at_s, target, level(at_s), integral(at_s)};
      knots_.push_back(next);
    }
  };
  for (const LoadInterval& interval : played) {
    if (!interval.busy) continue;
    add(interval.begin.value(), 1);
    add(interval.end.value(), 0);
  }
}

const LoadResponse::Knot* LoadResponse::find(double at_s) const {
  const auto after = std::upper_bound(knots_.begin(), knots_.end(), at_s,
                                      [](double time_s, const Knot& knot) { return time_s < knot.begin_s; });
  return after == knots_.begin() ? nullptr : &*(after - 1);
}

double LoadResponse::decay(double elapsed_s) const { return rise_s_ > 0 ? std::exp(-elapsed_s / rise_s_) : 0.0; }

double LoadResponse::level(double at_s) const {
  const Knot* knot = find(at_s);
  if (knot == nullptr) return 0;
  return knot->target + (knot->level - knot->target) * decay(at_s - knot->begin_s);
}

double LoadResponse::integral(double at_s) const {
  const Knot* knot = find(at_s);
  if (knot == nullptr) return 0;
  const double elapsed_s = at_s - knot->begin_s;
  return knot->integral_s + knot->target * elapsed_s + rise_s_ * (knot->level - knot->target) * (1 - decay(elapsed_s));
}

double LoadResponse::mean(Seconds end, Seconds window) const {
  if (window <= Seconds(0)) return level(end.value());
  return (integral(end.value()) - integral((end - window).value())) / window.value();
}

}  // namespace qtrap::power
