// A clock for a load and the sampler beside it: each look of the load's thread moves it by a step, each wait to its
// end, and before it moves on the sampler has done everything that was due. Two threads, one order, no real time: how
// busy the machine is changes nothing.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "core/clock.hpp"
#include "power/sampler.hpp"

namespace qtrap::test {

class LockstepTime final : public Clock {
 public:
  /// The thread that makes it is the load's. `step` is what one look costs there; looks of other threads cost nothing.
  explicit LockstepTime(Seconds step = Seconds(1e-5)) : step_(step) {}

  Seconds now() const override {
    if (std::this_thread::get_id() == load_) move_to(read() + step_);
    return read();
  }

  power::Pacing pacing() {
    return {[this] { return std::make_unique<LoadWaiter>(*this); },
            [this] { return std::make_unique<SamplerWaiter>(*this); }};
  }

 private:
  /// The load waits: time passes, and the sampler with it.
  class LoadWaiter final : public power::Waiter {
   public:
    explicit LoadWaiter(const LockstepTime& time) : time_(time) {}
    bool wait_until(Seconds until) override {
      time_.move_to(until);
      return true;
    }
    void stop() override {}

   private:
    const LockstepTime& time_;
  };

  /// The sampler waits until the load's thread has moved the clock to where it is due. One sampler at a time.
  class SamplerWaiter final : public power::Waiter {
   public:
    explicit SamplerWaiter(const LockstepTime& time) : time_(time) {
      const std::lock_guard lock(time_.mutex_);
      time_.sampling_ = true;
      time_.due_.reset();
    }
    bool wait_until(Seconds until) override {
      std::unique_lock lock(time_.mutex_);
      time_.due_ = until;
      time_.changed_.notify_all();
      time_.changed_.wait(lock, [&] { return !time_.sampling_ || time_.now_ >= until; });
      time_.due_.reset();
      return time_.sampling_;
    }
    void stop() override {
      const std::lock_guard lock(time_.mutex_);
      time_.sampling_ = false;
      time_.changed_.notify_all();
    }

   private:
    const LockstepTime& time_;
  };

  Seconds read() const {
    const std::lock_guard lock(mutex_);
    return now_;
  }

  void move_to(Seconds until) const {
    std::unique_lock lock(mutex_);
    while (sampling_) {
      // The sampler is at work, or has not waited for the first time yet: time stands still.
      changed_.wait(lock, [&] { return !sampling_ || (due_ && *due_ > now_); });
      if (!sampling_ || *due_ > until) break;
      now_ = *due_;
      changed_.notify_all();
    }
    if (until > now_) now_ = until;
    changed_.notify_all();
  }

  const std::thread::id load_ = std::this_thread::get_id();
  const Seconds step_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable Seconds now_{1};
  mutable std::optional<Seconds> due_;
  mutable bool sampling_ = false;
};

}  // namespace qtrap::test
