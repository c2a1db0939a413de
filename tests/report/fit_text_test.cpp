#include "report/fit_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace qtrap::report {
namespace {

using fit::CriticalStatus;
using ::testing::HasSubstr;
using ::testing::Not;

/// A law of 40 devices, without status.
fit::FitReport make_report() {
  fit::Balance one;
  one.cell.model = "stencil";
  one.scheme = "cast";
  one.reference = "f32";
  one.law.devices = 40;
  one.law.vendors = 2;
  one.law.log_balance_least = std::log(2);
  one.law.log_balance_most = std::log(96);
  one.law.floor_ratio = Interval{0.5, 0.4, 0.6};
  one.law.cast_flop_per_byte = Interval{12, 11, 13};
  one.law.rank_correlation = Interval{-0.6, -0.7, -0.5};
  fit::FitReport report;
  report.time.reason = report.energy.reason = "a test";
  report.balances = {one};
  return report;
}

TEST(FitText, SaysWhereASchemeCostsMore) {
  struct Case {
    CriticalStatus status;
    std::optional<double> threshold, low, high;
    const char* reason;
    const char* text;
  };
  const Case cases[] = {
      {CriticalStatus::kFound, 12, 11, 13, "", "Costs more below 12 [11, 13] flop/byte; ratio"},
      {CriticalStatus::kAbove, {}, 11, {}, "why", "Costs more below 11 flop/byte at least (why); ratio"},
      {CriticalStatus::kBelow, {}, {}, 13, "why", "Costs more below 13 flop/byte at most (why); ratio"},
      {CriticalStatus::kTrappedEverywhere, {}, {}, {}, "", "Costs more at any balance; ratio"},
      {CriticalStatus::kNeverTrapped, {}, {}, {}, "", "Costs more at no balance that these devices have; ratio"},
      {CriticalStatus::kNotIdentified, {}, {}, {}, "why", "No threshold: why; ratio"},
  };
  for (const Case& one : cases) {
    fit::FitReport report = make_report();
    fit::BalanceLaw& law = report.balances[0].law;
    law.status = one.status;
    law.threshold = one.threshold;
    law.low = one.low;
    law.high = one.high;
    law.reason = one.reason;
    const std::string text = make_fit_text(report);
    EXPECT_THAT(text, HasSubstr(one.text));
    EXPECT_THAT(text, HasSubstr("ratio the larger of 0.5 [0.4, 0.6] and 12 [11, 13] / (flop/byte)\n"));
    EXPECT_THAT(text, HasSubstr("cast over f32, stencil, B 1, 1×1: 40 devices (gpu) of 2 vendors, 2 to 96 flop/byte"));
    EXPECT_THAT(text, HasSubstr("  rank correlation -0.60 [-0.70, -0.50]\n"));
  }
}

TEST(FitText, SaysWhyThereIsNoLaw) {
  fit::FitReport report = make_report();
  fit::BalanceLaw& law = report.balances[0].law;
  law.floor_ratio = law.cast_flop_per_byte = std::nullopt;
  law.reason = "all alike";
  law.median_ratio = 1.25;
  EXPECT_THAT(make_fit_text(report), HasSubstr("  No law: all alike; median ratio 1.25\n"));
  law.devices = 3;
  const std::string text = make_fit_text(report);
  EXPECT_THAT(text, HasSubstr("device's balance: no law, for at most 3 devices share a cell; it needs 10.\n"));
  EXPECT_THAT(text, Not(HasSubstr("all alike")));
  report.balances.clear();
  EXPECT_THAT(make_fit_text(report), Not(HasSubstr("balance")));
}

}  // namespace
}  // namespace qtrap::report
