#include "power/meters/estimate_meter.hpp"

#include <fmt/core.h>

#include "core/contract.hpp"

namespace qtrap::power {

namespace {

class EstimateMeter final : public Meter {
 public:
  EstimateMeter(Watts watts, const Clock& clock) : watts_(watts), clock_(clock) {
    info_.name = "tdp";
    info_.source = "--meter";
    info_.board = fmt::format("{:g} W assumed", watts.value());
    info_.has_power = true;
    info_.estimated = true;
    info_.limits.max_power = watts * 2;
  }
  const MeterInfo& info() const override { return info_; }
  Sample read() override {
    const Seconds now = clock_.now();
    return {absent_reading<Joules>(now, ReadStatus::kUnsupported), make_reading<Watts>(now, watts_.value())};
  }

 private:
  Watts watts_;
  const Clock& clock_;
  MeterInfo info_;
};

}  // namespace

std::shared_ptr<Meter> make_estimate_meter(Watts watts, const Clock& clock) {
  expects(watts > Watts(0), "an assumed power is above 0");
  return std::make_shared<EstimateMeter>(watts, clock);
}

}  // namespace qtrap::power
