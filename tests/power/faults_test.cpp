// Faults of a meter in the middle of a window, injected below the vendor library's interface and seen through
// the whole path: dlopen, sampler, energy window. None may end as 0, NaN or a number without a status.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "power/meters/nvml.hpp"
#include "power/meters/nvml_api.hpp"
#include "power/sampler.hpp"
#include "power/sensor/energy_window.hpp"
#include "support/power_fakes.hpp"
#include "support/virtual_time.hpp"

namespace qtrap::power {
namespace {

using testing::Contains;

class Faults : public testing::Test {
 protected:
  Faults() {
    test::FakeBoard board;
    board.name = "NVIDIA A100";
    board.bus = 1;
    board.energy_j = [this] { return energy_j_(time_.now().value()); };
    board.instant_w = [this] { return power_w_(time_.now().value()); };
    library_->boards = {board};
    meter_ =
        find_nvml(MeterEnvironment::simulated("/nonexistent", test::fake_libraries("complete")), time_).at(0).meter;
  }

  /// 8 s of sampling at 5 ms; the window is [1, 6.5] s inside a load over [0.2, 7.5] s.
  WindowEnergy measure() {
    const Seconds start = time_.now();
    const Recording recording = record_until(*meter_, time_, time_, Seconds(0.005), start + Seconds(8));
    const LoadWindow window{start + Seconds(1), start + Seconds(6.5), start + Seconds(0.2), start + Seconds(7.5)};
    WindowEnergy answer =
        estimate_window_energy(recording.samples, window, meter_->info(), assume_sensors(meter_->info()));
    check_invariants(answer);
    return answer;
  }

  static void check_invariants(const WindowEnergy& answer) {
    for (const auto& [status, energy] :
         {std::pair(answer.status, answer.energy), std::pair(answer.counter.status, answer.counter.energy),
          std::pair(answer.integrated.status, answer.integrated.energy)}) {
      EXPECT_EQ(status == EnergyStatus::kOk, energy.has_value());
      if (!energy) continue;
      EXPECT_TRUE(std::isfinite(energy->value()));
      EXPECT_GT(energy->value(), 0);
    }
    EXPECT_EQ(answer.method.has_value(), answer.energy.has_value());
    if (answer.method) {
      EXPECT_EQ(*answer.method, EnergyMethod::kSimulated);
    }
    if (!answer.energy) {
      EXPECT_FALSE(answer.detail.empty());
    }
  }

  void break_at_three(const std::function<void(test::FakeBoard&)>& fault) {
    const auto healthy = power_w_;
    power_w_ = [this, healthy, fault](double now_s) {
      if (now_s >= 3 && !broken_) {
        broken_ = true;
        fault(library_->boards[0]);
      }
      return healthy(now_s);
    };
  }

  test::FakeLibrary library_{test::fake_libraries("complete") / "libnvidia-ml.so.1"};
  test::VirtualTime time_;
  // Published every 20 ms, 250 W with some ripple.
  std::function<double(double)> energy_j_ = [](double now_s) { return 5000 + 250 * std::floor(now_s * 50) / 50; };
  std::function<double(double)> power_w_ = [](double now_s) {
    return 250 + 0.1 * std::fmod(std::floor(now_s * 50), 5);
  };
  bool broken_ = false;
  std::shared_ptr<Meter> meter_;
};

TEST_F(Faults, NoneGivesTheTrueEnergy) {
  const WindowEnergy answer = measure();
  ASSERT_EQ(answer.status, EnergyStatus::kOk) << answer.detail;
  EXPECT_NEAR(answer.energy->value(), 250 * 5.5, 4);
  EXPECT_TRUE(answer.flags.empty());
}

TEST_F(Faults, ResetOfTheCounterFallsBackToThePowerAndSaysSo) {
  energy_j_ = [](double now_s) { return now_s < 3 ? 5000 + 250 * now_s : 250 * (now_s - 3) + 1; };
  const WindowEnergy answer = measure();
  EXPECT_EQ(answer.counter.status, EnergyStatus::kReset);
  EXPECT_THAT(answer.flags, Contains("counter_reset"));
  EXPECT_NEAR(answer.energy.value().value(), 250 * 5.5, 5);
}

TEST_F(Faults, StuckCounterIsImplausible) {
  energy_j_ = [](double) { return 5000.0; };
  EXPECT_EQ(measure().counter.status, EnergyStatus::kImplausible);
}

TEST_F(Faults, CounterThatJumpsIsImplausible) {
  energy_j_ = [](double now_s) { return 5000 + 250 * now_s + (now_s > 3 ? 1e7 : 0); };
  EXPECT_EQ(measure().counter.status, EnergyStatus::kImplausible);
}

TEST_F(Faults, BothChannelsBrokenLeaveNoEnergy) {
  energy_j_ = [](double) { return 5000.0; };
  power_w_ = [](double) { return 250.0; };
  const WindowEnergy answer = measure();
  EXPECT_EQ(answer.status, EnergyStatus::kImplausible);
  EXPECT_FALSE(answer.energy.has_value());
}

TEST_F(Faults, BoardThatVanishesLeavesNoEnergy) {
  break_at_three([](test::FakeBoard& board) { board.status = nvml::kGpuIsLost; });
  const WindowEnergy answer = measure();
  EXPECT_EQ(answer.status, EnergyStatus::kNoMeter);
  EXPECT_THAT(answer.detail, testing::HasSubstr("vanished"));
}

TEST_F(Faults, PermissionTakenAwayLeavesNoEnergy) {
  break_at_three([](test::FakeBoard& board) { board.status = nvml::kNoPermission; });
  EXPECT_THAT(measure().detail, testing::HasSubstr("denied"));
}

TEST_F(Faults, ErrorCodeLeavesNoEnergy) {
  break_at_three([](test::FakeBoard& board) { board.status = 999; });
  EXPECT_THAT(measure().detail, testing::HasSubstr("error"));
}

TEST_F(Faults, NanAndZeroAreNoReadings) {
  library_->boards[0].double_values = true;
  energy_j_ = [](double now_s) { return now_s > 3 ? std::nan("") : 5000 + 250 * now_s; };
  power_w_ = [](double now_s) { return now_s > 3 ? 0.0 : 250 + now_s; };
  const WindowEnergy answer = measure();
  EXPECT_EQ(answer.status, EnergyStatus::kNoMeter);
  EXPECT_THAT(answer.counter.detail, testing::HasSubstr("not_finite"));
  EXPECT_THAT(answer.integrated.detail, testing::HasSubstr("zero"));
}

TEST_F(Faults, SingleZeroOfTheCounterIsLeftOut) {
  const auto healthy = energy_j_;
  energy_j_ = [healthy](double now_s) { return std::abs(now_s - 3) < 0.003 ? 0.0 : healthy(now_s); };
  const WindowEnergy answer = measure();
  ASSERT_EQ(answer.counter.status, EnergyStatus::kOk) << answer.counter.detail;
  EXPECT_NEAR(answer.energy->value(), 250 * 5.5, 4);
}

TEST_F(Faults, WorkAgainAfterTheFaultIsOver) {
  library_->boards[0].status = nvml::kGpuIsLost;
  EXPECT_EQ(measure().status, EnergyStatus::kNoMeter);
  library_->boards[0].status = nvml::kSuccess;
  EXPECT_EQ(measure().status, EnergyStatus::kOk);
}

}  // namespace
}  // namespace qtrap::power
