// Event stamps as plain numbers: each way in which a driver's have been seen wrong, in a hop of 97 launches.
#include "measure/stamps.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace qtrap::measure {
namespace {

using device::EventTime;
using ::testing::HasSubstr;

constexpr std::size_t kLaunches = 97;
const std::vector<scheme::Role> kRoles{scheme::Role::kDequantize, scheme::Role::kMatmul};

/// Launches of 100 us with 10 us between them, from an origin of days.
std::vector<std::optional<EventTime>> sound() {
  std::vector<std::optional<EventTime>> events;
  for (std::size_t i = 0; i < kLaunches; ++i) {
    const Seconds start(250000.0 + 110e-6 * static_cast<double>(i));
    events.emplace_back(EventTime{start, start + Seconds(100e-6)});
  }
  return events;
}
// 96 steps of 110 us, the last launch, and a wait of 40 us.
const Seconds kWall(96 * 110e-6 + 100e-6 + 40e-6);

HopTimes judge(const std::vector<std::optional<EventTime>>& events, Seconds wall = kWall) {
  HopStamps stamps(kRoles);
  stamps.add(events);
  return stamps.judge(wall);
}

TEST(Stamps, OfASoundHopAddUpByRole) {
  const HopTimes times = judge(sound());
  EXPECT_EQ(times.fault, "");
  EXPECT_EQ(times.launches, kLaunches);
  EXPECT_NEAR(times.phases.at(static_cast<std::size_t>(scheme::Role::kDequantize)).value(), 49 * 100e-6, 1e-8);
  EXPECT_NEAR(times.phases.at(static_cast<std::size_t>(scheme::Role::kMatmul)).value(), 48 * 100e-6, 1e-8);
  EXPECT_NEAR(times.gap.value(), 96 * 10e-6, 1e-8);
}

TEST(Stamps, InBatchesSayTheSameAsAtOnce) {
  const auto events = sound();
  HopStamps stamps(kRoles);
  stamps.add(std::span(events).first(31));
  stamps.add(std::span(events).subspan(31));
  const HopTimes times = stamps.judge(kWall);
  EXPECT_EQ(times.phases, judge(events).phases);
  EXPECT_EQ(times.gap, judge(events).gap);
}

TEST(Stamps, OneBadAmongMany) {
  struct Case {
    const char* what;
    void (*spoil)(std::vector<std::optional<EventTime>>&);
    const char* words;
  };
  const Case cases[] = {
      {"an end before its start, by a wrapped counter", [](auto& e) { e[40]->end = e[40]->start - Seconds(1906.5); },
       "launch 41 of 97 ends 1906500000 us before it starts"},
      {"a stamp that jumps ahead and back",
       [](auto& e) {
         e[40] = EventTime{e[40]->start + Seconds(1906), e[40]->end + Seconds(1906)};
       },
       "launch 42 of 97 starts"},
      {"a huge end", [](auto& e) { e[40]->end = Seconds(1.3e11); }, "launch 41 of 97 took"},
      {"a zero start", [](auto& e) { e[40]->start = Seconds(0); }, "launch 41 of 97 took"},
      {"both zero",
       [](auto& e) {
         e[40] = EventTime{Seconds(0), Seconds(0)};
       },
       "launch 41 of 97 starts"},
      {"none from the driver", [](auto& e) { e[40].reset(); }, "launch 41 has no stamps"},
      {"none for the first", [](auto& e) { e[0].reset(); }, "launch 1 has no stamps"},
      {"a last one that ends late", [](auto& e) { e[96]->end = e[96]->end + Seconds(0.005); }, "97 launches span"},
  };
  for (const Case& one : cases) {
    auto events = sound();
    one.spoil(events);
    EXPECT_THAT(judge(events).fault, HasSubstr(one.words)) << one.what;
  }
}

TEST(Stamps, ThatAreAllFourTimesTooLongDoNotFitTheHop) {
  auto events = sound();
  for (auto& event : events) event = EventTime{Seconds(4 * event->start.value()), Seconds(4 * event->end.value())};
  EXPECT_THAT(judge(events).fault, HasSubstr("97 launches span"));
}

TEST(Stamps, OfCoarseGrainOrANeighbouringClockAreSound) {
  auto grained = sound();
  for (auto& event : grained) {
    event->start = Seconds(1e-6 * std::floor(1e6 * event->start.value()));
    event->end = Seconds(1e-6 * std::floor(1e6 * event->end.value()));
  }
  EXPECT_EQ(judge(grained).fault, "");
  // A device clock one percent fast: the hop's 10.7 ms become 10.8.
  auto fast = sound();
  for (auto& event : fast) event = EventTime{Seconds(1.01 * event->start.value()), Seconds(1.01 * event->end.value())};
  EXPECT_EQ(judge(fast).fault, "");
}

}  // namespace
}  // namespace qtrap::measure
