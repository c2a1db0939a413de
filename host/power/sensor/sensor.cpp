#include "power/sensor/sensor.hpp"

#include <algorithm>

namespace qtrap::power {

Seconds SensorTraits::lag() const {
  return delay + window_or_zero() / 2 + (shape == SensorShape::kBoxcar ? rise : Seconds(0));
}

Seconds choose_poll(const MeterSensors& sensors, Seconds fastest) {
  const Seconds shorter = std::min(sensors.counter.period, sensors.power.period);
  if (shorter == Seconds(0)) return Seconds(0.02);
  return std::clamp(shorter / 10, fastest, Seconds(0.02));
}

MeterSensors assume_sensors(const MeterInfo& info) {
  if (info.estimated) return {};  // a constant has neither lag nor window
  SensorTraits sensor;
  sensor.period = Seconds(0.1);
  sensor.window = sensor.period;
  sensor.rise = Seconds(0.025);
  MeterSensors sensors{sensor, sensor};
  if (info.power_field == "average") sensors.power.window = Seconds(1.0);
  return sensors;
}

}  // namespace qtrap::power
