#include "power/meter.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace qtrap::power {
namespace {

Timed<Joules> at(double seconds, double joules) { return {Seconds(seconds), Joules(joules)}; }

TEST(EnergyDelta, IsTheDifferenceOfARisingCounter) {
  const EnergyDelta delta = compute_energy_delta(at(1, 100), at(2, 350), {});
  EXPECT_EQ(delta.status, DeltaStatus::kOk);
  EXPECT_DOUBLE_EQ(delta.value->value(), 250);
}

TEST(EnergyDelta, AddsTheRangeOnWraparound) {
  // 262143.32885 J is the range of a Skylake package: 262143 - 262100.32885 + 57 = 100 J.
  const CounterLimits limits{Joules(262143.32885), Watts(2000)};
  const EnergyDelta delta = compute_energy_delta(at(0, 262100.32885), at(1, 57), limits);
  EXPECT_EQ(delta.status, DeltaStatus::kWrapped);
  EXPECT_NEAR(delta.value->value(), 100, 1e-6);
}

TEST(EnergyDelta, CallsAFallWithoutARangeAReset) {
  const EnergyDelta delta = compute_energy_delta(at(0, 5000), at(1, 3), {});
  EXPECT_EQ(delta.status, DeltaStatus::kReset);
  EXPECT_FALSE(delta.value.has_value());
}

TEST(EnergyDelta, CallsAWrapTheBoardCannotDrawAReset) {
  // From 1000 J down to 900 J would be 262043 J within a second.
  const CounterLimits limits{Joules(262143.32885), Watts(2000)};
  EXPECT_EQ(compute_energy_delta(at(0, 1000), at(1, 900), limits).status, DeltaStatus::kReset);
}

TEST(EnergyDelta, CallsAJumpTheBoardCannotDrawImplausible) {
  const EnergyDelta delta = compute_energy_delta(at(0, 100), at(1, 1e6), {});
  EXPECT_EQ(delta.status, DeltaStatus::kImplausible);
  EXPECT_FALSE(delta.value.has_value());
}

TEST(EnergyDelta, AllowsLateEnergyAfterAShortTime) {
  // 300 W published once in 0.5 s arrives between two polls 1 ms apart.
  EXPECT_EQ(compute_energy_delta(at(0, 100), at(0.001, 250), {std::nullopt, Watts(600)}).status, DeltaStatus::kOk);
}

TEST(Reading, IsAbsentWhereTheNumberIsNone) {
  struct Case {
    double value;
    ReadStatus status;
  };
  for (const Case& c :
       {Case{0, ReadStatus::kZero}, Case{std::nan(""), ReadStatus::kNotFinite},
        Case{std::numeric_limits<double>::infinity(), ReadStatus::kNotFinite}, Case{-1, ReadStatus::kError}}) {
    const Reading<Watts> reading = make_reading<Watts>(Seconds(1), c.value);
    EXPECT_FALSE(reading.value.has_value()) << c.value;
    EXPECT_EQ(reading.status, c.status) << c.value;
  }
  EXPECT_EQ(make_reading<Watts>(Seconds(1), 250).value, Watts(250));
}

TEST(MeterInfo, IsIdentifiedByItsPciAddressBeforeItsName) {
  MeterInfo info;
  info.name = "nvml";
  info.board = "H100";
  EXPECT_EQ(info.id(), "nvml:H100");
  info.pci = "0000:3b:00.0";
  EXPECT_EQ(info.id(), "nvml:0000:3b:00.0");
}

TEST(Names, AreThoseOfTheContract) {
  EXPECT_EQ(to_string(EnergyMethod::kSimulated), "simulated");
  EXPECT_EQ(to_string(ReadStatus::kNotFinite), "not_finite");
  EXPECT_EQ(to_string(Scope::kPackageAndDram), "package+dram");
  EXPECT_EQ(to_string(DeltaStatus::kImplausible), "implausible");
}

}  // namespace
}  // namespace qtrap::power
