// A clock that moves only when somebody waits on it: tests of samplers and protocols take no real time.
#pragma once

#include <atomic>

#include "core/clock.hpp"
#include "power/sampler.hpp"

namespace qtrap::test {

class VirtualTime final : public Clock, public power::Waiter {
 public:
  Seconds now() const override { return Seconds(now_s_.load()); }
  bool wait_until(Seconds time) override {
    if (time > now()) now_s_.store(time.value());
    return !stopped_.load();
  }
  void stop() override { stopped_.store(true); }
  void advance(Seconds by) { now_s_.store(now_s_.load() + by.value()); }

 private:
  std::atomic<double> now_s_{0};
  std::atomic<bool> stopped_{false};
};

}  // namespace qtrap::test
