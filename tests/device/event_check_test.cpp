// The judgement of a device's event stamps on plain numbers: a kernel of 1 ms where an empty launch takes 100 us.
#include "device/event_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace qtrap::device {
namespace {

using ::testing::HasSubstr;

const Seconds kWall(1000e-6);
const Seconds kEmpty(100e-6);

EventTimerCheck judge(Seconds start, Seconds end) { return judge_event_timer(kWall, kEmpty, EventTime{start, end}); }

TEST(EventCheck, TrustsWhatFillsTheWallButForTheLaunch) {
  EXPECT_TRUE(judge(Seconds(5), Seconds(5) + Seconds(900e-6)).trusted);
  EXPECT_TRUE(judge(Seconds(5), Seconds(5) + Seconds(730e-6)).trusted) << "0.8 x (1000 - 100) us = 720 us";
}

TEST(EventCheck, StampsOfAQuarterAreNotTrusted) {
  const auto check = judge(Seconds(5), Seconds(5) + Seconds(225e-6));
  EXPECT_FALSE(check.trusted);
  EXPECT_THAT(check.reason, HasSubstr("took 225 us by its events, though an empty launch takes only 100 us"));
}

TEST(EventCheck, RefusesEveryOtherWayOfBeingWrong) {
  EXPECT_THAT(judge(Seconds(5), Seconds(5) + Seconds(4000e-6)).reason, HasSubstr("4000 us where only 1000 us"));
  EXPECT_THAT(judge(Seconds(5), Seconds(4)).reason, HasSubstr("1000000 us before it starts"));
  EXPECT_FALSE(judge(Seconds(0), Seconds(0)).trusted) << "all stamps zero";
  EXPECT_FALSE(judge_event_timer(kWall, kEmpty, std::nullopt).trusted);
}

TEST(EventCheck, OneLaunchThatAgreesIsEnoughAndOneThatCannotBeRefutesAll) {
  const auto event = [](double us) { return judge(Seconds(5), Seconds(5 + us * 1e-6)); };
  const auto combined = [&](const std::vector<double>& us) {
    std::vector<EventTimerCheck> checks;
    checks.reserve(us.size());
    for (const double one : us) checks.push_back(event(one));
    return combine_timer_checks(checks);
  };
  EXPECT_TRUE(combined({200, 900, 300}).trusted) << "the host was busy in two of three";
  EXPECT_FALSE(combined({200, 300}).trusted);
  // Stamps of four times the truth, and a busy host: one wall is stretched by four, too.
  EXPECT_FALSE(combined({900, 4000, 900}).trusted);
  EXPECT_THAT(combined({900, 4000, 900}).reason, HasSubstr("4000 us where only 1000 us"));
}

}  // namespace
}  // namespace qtrap::device
