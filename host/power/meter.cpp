#include "power/meter.hpp"

#include <cmath>

#include "core/contract.hpp"

namespace qtrap::power {

namespace {

// A counter may publish up to this long after the energy was drawn, so a short spacing may show a long one's
// energy.
constexpr Seconds kPublicationLag{1.0};

}  // namespace

template <class Unit>
Reading<Unit> make_reading(Seconds at, double value) {
  if (!std::isfinite(value)) return absent_reading<Unit>(at, ReadStatus::kNotFinite);
  if (value == 0) return absent_reading<Unit>(at, ReadStatus::kZero);
  if (value < 0) return absent_reading<Unit>(at, ReadStatus::kError);
  return {at, Unit(value), ReadStatus::kOk};
}

template Reading<Joules> make_reading<Joules>(Seconds, double);
template Reading<Watts> make_reading<Watts>(Seconds, double);

EnergyDelta compute_energy_delta(const Timed<Joules>& earlier, const Timed<Joules>& later,
                                 const CounterLimits& limits) {
  expects(earlier.at <= later.at, "counter values are in order of time");
  const Joules most = limits.max_power * (later.at - earlier.at + kPublicationLag);
  const Joules difference = later.value - earlier.value;
  if (difference >= Joules(0)) {
    if (difference > most) return {DeltaStatus::kImplausible, std::nullopt};
    return {DeltaStatus::kOk, difference};
  }
  if (limits.range && difference + *limits.range >= Joules(0) && difference + *limits.range <= most) {
    return {DeltaStatus::kWrapped, difference + *limits.range};
  }
  return {DeltaStatus::kReset, std::nullopt};
}

std::string MeterInfo::id() const { return name + ":" + (pci ? *pci : uuid ? *uuid : board); }

}  // namespace qtrap::power
