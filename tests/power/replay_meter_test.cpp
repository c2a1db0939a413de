#include "power/meters/replay_meter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "power/meters/estimate_meter.hpp"
#include "support/power_fakes.hpp"
#include "support/virtual_time.hpp"

namespace qtrap::power {
namespace {

using testing::HasSubstr;

class Replay : public testing::Test {
 protected:
  Result<std::shared_ptr<Meter>> open(const std::string& text) {
    files_.write("trace.csv", text);
    return open_replay_meter(files_.root() / "trace.csv", time_);
  }
  test::FakeSysfs files_;
  test::VirtualTime time_;
};

TEST_F(Replay, HoldsEachRowUntilTheNextAndIsLabelledSimulated) {
  const auto meter = open("time_s,energy_j,power_w\n0,100,50\n1,150,75\n2,225,80").value();
  EXPECT_TRUE(meter->info().simulated);
  time_.advance(Seconds(1.5));
  const Sample sample = meter->read();
  EXPECT_EQ(sample.energy.value, Joules(150));
  EXPECT_EQ(sample.power.value, Watts(75));
  EXPECT_EQ(sample.power.at, Seconds(1.5));
}

TEST_F(Replay, StartsOverWithACounterThatGoesOn) {
  const auto meter = open("time_s,energy_j,power_w\n0,100,50\n1,150,75").value();
  // One round takes 2 s and gains 50 J; 4.5 s is 0.5 s into the third.
  time_.advance(Seconds(4.5));
  EXPECT_EQ(meter->read().energy.value, Joules(200));
}

TEST_F(Replay, GivesAbsentReadingsWhereTheTraceHasNone) {
  const auto meter = open("time_s,energy_j,power_w\n0,,50\n1,,\n2,,70").value();
  EXPECT_FALSE(meter->info().has_energy);
  time_.advance(Seconds(1.2));
  EXPECT_EQ(meter->read().power.status, ReadStatus::kVanished);
  EXPECT_EQ(meter->read().energy.status, ReadStatus::kUnsupported);
}

TEST_F(Replay, RefusesABadTraceAndQuotesTheRow) {
  struct Case {
    const char* text;
    const char* message;
  };
  for (const Case& c : {Case{"t,e,p\n0,1,1\n1,2,2", "time_s,energy_j,power_w"},
                        Case{"time_s,energy_j,power_w\n0,1,1\n1,2", "line 3: 1,2"},
                        Case{"time_s,energy_j,power_w\n0,1,1\n1,x,2", "line 3: 1,x,2"},
                        Case{"time_s,energy_j,power_w\n1,1,1\n1,2,2", "rising"},
                        Case{"time_s,energy_j,power_w\n,1,1\n1,2,2", "line 2: ,1,1"},
                        Case{"time_s,energy_j,power_w\n0,1,1", "two rows"}}) {
    const auto meter = open(c.text);
    ASSERT_FALSE(meter.ok()) << c.text;
    EXPECT_EQ(meter.error().kind, ErrorKind::kUsage);
    EXPECT_THAT(meter.error().message(), HasSubstr(c.message));
  }
  EXPECT_FALSE(open_replay_meter(files_.root() / "none.csv", time_).ok());
}

TEST_F(Replay, TakesWindowsLineEnds) { EXPECT_TRUE(open("time_s,energy_j,power_w\r\n0,1,1\r\n1,2,2\r").ok()); }

TEST(EstimateMeter, ReadsItsConstantAndIsLabelledEstimated) {
  const test::VirtualTime time;
  const auto meter = make_estimate_meter(Watts(350), time);
  EXPECT_TRUE(meter->info().estimated);
  EXPECT_FALSE(meter->info().has_energy);
  EXPECT_EQ(meter->read().power.value, Watts(350));
  EXPECT_EQ(meter->read().energy.status, ReadStatus::kUnsupported);
}

}  // namespace
}  // namespace qtrap::power
