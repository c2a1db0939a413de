// Windows of a small chain on whatever device OpenCL offers, by events and by the host's clock.
#include "measure/trial.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "support/device_fixture.hpp"
#include "support/tiny_model.hpp"

namespace qtrap::measure {
namespace {

profile::ModelProfile tiny() { return test::tiny_model({}); }

class OnDeviceTrial : public test::DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (IsSkipped()) return;
    const scheme::PassMaker maker(*device_, {"", 128});
    const auto scheme = scheme::find_scheme("w8a16-split").value();
    model_ = chain::ResidentModel::make(maker, tiny(), {{scheme}, {1}, 128, 0.5, 2}, 2, 1).value();
    activations_ = chain::Activations::make(maker, tiny(), 1, 1).value();
    chain_.emplace(chain::Chain::make(maker, model_, activations_, scheme).value());
  }

  Timing timing(bool events) { return {&*device_, &clock_, events}; }

  static double sum(const Window& window) {
    return std::accumulate(window.phases.begin(), window.phases.end(), window.gap).value();
  }

  const profile::Cell cell_{"tiny", 1, 3, 2, 0};
  MonotonicClock clock_;
  chain::ResidentModel model_;
  chain::Activations activations_;
  std::optional<chain::Chain> chain_;
};

TEST_F(OnDeviceTrial, HostTimingCountsEveryLaunchAndClosesExactly) {
  const Window window = run_profiled(timing(false), *chain_, cell_, 2);
  EXPECT_EQ(window.events, chain_->step_costs().launches * 2 * 6);
  EXPECT_NEAR(sum(window), window.wall.value(), 1e-9 + 1e-6 * window.wall.value());
  EXPECT_GT(window.phases.at(static_cast<std::size_t>(scheme::Role::kDequantize)), Seconds(0));
  EXPECT_EQ(window.phases.at(static_cast<std::size_t>(scheme::Role::kAttention)), Seconds(0));
}

TEST_F(OnDeviceTrial, EventsCountEveryLaunchAndStayInsideTheWall) {
  if (!device_->check_event_timer().trusted) GTEST_SKIP() << "this driver's event stamps are not trusted";
  const Window window = run_profiled(timing(true), *chain_, cell_, 2);
  EXPECT_EQ(window.events, chain_->step_costs().launches * 2 * 6);
  EXPECT_LE(sum(window), 1.001 * window.wall.value());
  EXPECT_GT(window.phases.at(static_cast<std::size_t>(scheme::Role::kMatmul)), Seconds(0));
}

TEST_F(OnDeviceTrial, AHopInManyBatchesCountsEveryLaunchAndComputesTheSame) {
  run_bare(timing(true), *chain_, cell_, 1);
  const auto whole = chain_->read_output();
  Timing batched = timing(true);
  batched.batch = 1;  // a wait after every layer
  run_bare(batched, *chain_, cell_, 1);
  EXPECT_EQ(chain_->read_output(), whole);
  const Window window = run_profiled(batched, *chain_, cell_, 1);
  EXPECT_EQ(window.events, 6 * chain_->step_costs().launches);
  EXPECT_EQ(chain_->read_output(), whole);
}

TEST_F(OnDeviceTrial, AStopEndsALongHopInsideIt) {
  int asked = 0;
  const std::function<bool()> stop = [&] { return ++asked > 10; };
  Timing stopping = timing(true);
  stopping.batch = 1;
  stopping.stop_requested = &stop;
  const profile::Cell endless{"tiny", 1, 1, std::int64_t{1} << 40, 0};
  run_bare(stopping, *chain_, endless, 1);
  asked = 0;
  EXPECT_LT(run_profiled(stopping, *chain_, endless, 1).events, 20 * chain_->step_costs().launches);
  asked = 0;
  Timing by_host = stopping;
  by_host.events_trusted = false;
  EXPECT_LT(run_profiled(by_host, *chain_, {"tiny", 1, 1, 1000, 0}, 1).events, 11U);
}

TEST_F(OnDeviceTrial, BareAndProfiledWindowsComputeTheSame) {
  run_bare(timing(true), *chain_, cell_, 1);
  const auto bare = chain_->read_output();
  run_profiled(timing(true), *chain_, cell_, 1);
  EXPECT_EQ(chain_->read_output(), bare);
  run_profiled(timing(false), *chain_, cell_, 1);
  EXPECT_EQ(chain_->read_output(), bare);
}

}  // namespace
}  // namespace qtrap::measure
