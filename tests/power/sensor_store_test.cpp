#include "power/sensor/sensor_store.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/file.hpp"
#include "power/environment.hpp"
#include "support/power_fakes.hpp"

namespace qtrap::power {
namespace {

class SensorStore : public testing::Test {
 protected:
  SensorStore() {
    info_.name = "nvml";
    info_.board = "NVIDIA\tA100";
    info_.driver = "550.54";
    info_.power_field = "instant";
    found_.sensor.period = Seconds(0.1003);
    found_.sensor.window = Seconds(0.0251);
    found_.sensor.delay = Seconds(0.0125);
    found_.sensor.rise = Seconds(0.03);
    found_.confidence = Confidence::kHigh;
    file_ = folder_.root() / "sensors.tsv";
  }
  test::FakeSysfs folder_;
  std::filesystem::path file_;
  MeterInfo info_;
  Characterisation found_;
};

TEST_F(SensorStore, GivesBackWhatWasStoredForBoardDriverAndChannel) {
  ASSERT_TRUE(store_sensor(file_, info_, MeterChannel::kPower, found_).ok());
  const auto sensor = load_sensor(file_, info_, MeterChannel::kPower).value();
  ASSERT_TRUE(sensor.has_value());
  EXPECT_EQ(sensor->period, Seconds(0.1003));
  EXPECT_EQ(sensor->window, Seconds(0.0251));
  EXPECT_EQ(sensor->delay, Seconds(0.0125));
  EXPECT_EQ(sensor->rise, Seconds(0.03));
  EXPECT_TRUE(sensor->characterised);
  EXPECT_FALSE(load_sensor(file_, info_, MeterChannel::kCounter).value().has_value());
  info_.driver = "560.00";
  EXPECT_FALSE(load_sensor(file_, info_, MeterChannel::kPower).value().has_value());
}

TEST_F(SensorStore, ReplacesAnEntryAndKeepsTheOthers) {
  MeterInfo other = info_;
  other.board = "Tesla T4";
  ASSERT_TRUE(store_sensor(file_, other, MeterChannel::kPower, found_).ok());
  ASSERT_TRUE(store_sensor(file_, info_, MeterChannel::kPower, found_).ok());
  found_.sensor.shape = SensorShape::kExponential;
  found_.sensor.window.reset();
  found_.sensor.rise = Seconds(0.84);
  ASSERT_TRUE(store_sensor(file_, info_, MeterChannel::kPower, found_).ok());
  const auto sensor = load_sensor(file_, info_, MeterChannel::kPower).value();
  EXPECT_EQ(sensor->shape, SensorShape::kExponential);
  EXPECT_FALSE(sensor->window.has_value());
  EXPECT_EQ(load_sensor(file_, other, MeterChannel::kPower).value()->window, Seconds(0.0251));
}

TEST_F(SensorStore, KeepsNoSensorThatCannotBeReliedOn) {
  found_.confidence = Confidence::kLow;
  ASSERT_TRUE(store_sensor(file_, info_, MeterChannel::kPower, found_).ok());
  EXPECT_FALSE(load_sensor(file_, info_, MeterChannel::kPower).value().has_value());
}

TEST_F(SensorStore, RefusesASimulatedMeter) {
  info_.simulated = true;
  EXPECT_FALSE(store_sensor(file_, info_, MeterChannel::kPower, found_).ok());
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(SensorStore, AssumesWhatIsNotStored) {
  EXPECT_FALSE(find_sensors(file_, info_).value().power.characterised);
  ASSERT_TRUE(store_sensor(file_, info_, MeterChannel::kPower, found_).ok());
  const MeterSensors sensors = find_sensors(file_, info_).value();
  EXPECT_TRUE(sensors.power.characterised);
  EXPECT_FALSE(sensors.counter.characterised);
}

TEST_F(SensorStore, RefusesAFileThatIsNone) {
  folder_.write("sensors.tsv", "anything else");
  EXPECT_FALSE(load_sensor(file_, info_, MeterChannel::kPower).ok());
  EXPECT_FALSE(store_sensor(file_, info_, MeterChannel::kPower, found_).ok());
  ASSERT_TRUE(std::filesystem::remove(file_));
  ASSERT_TRUE(store_sensor(file_, info_, MeterChannel::kPower, found_).ok());
  std::string text = read_first_line(file_).value();
  for (const char* constants : {"nan\t\t0\t0", "0.1\t\t1e9\t0", "0.1\t1e9\t0\t0", "0.1\t\t0\t-1"}) {
    folder_.write("sensors.tsv",
                  fmt::format("{}\nNVIDIA A100\tnvml 550.54\tpower instant\tboxcar\t{}\thigh", text, constants));
    const auto bad = load_sensor(file_, info_, MeterChannel::kPower);
    ASSERT_FALSE(bad.ok()) << constants;
    EXPECT_THAT(bad.error().message(), testing::HasSubstr("NVIDIA A100"));
  }
}

}  // namespace
}  // namespace qtrap::power
