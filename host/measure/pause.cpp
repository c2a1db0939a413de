#include "measure/pause.hpp"

#include <chrono>
#include <ctime>

namespace qtrap::measure {
namespace {

constexpr std::chrono::milliseconds kBeat(50);

}  // namespace

Seconds read_boot_time() {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return Seconds(static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec));
}

void PauseLog::beat(Seconds now, Seconds boot) {
  if (last_) {
    const Seconds passed = now - last_->now;
    const Seconds suspended = boot - last_->boot - passed;
    if (passed > kLongestBeat || suspended > kClockSlack) pause_end_ = now;
  }
  last_ = Beat{now, boot};
}

PauseWatch::PauseWatch(const Clock& clock) : clock_(&clock), thread_([this] { run(); }) {}

PauseWatch::~PauseWatch() {
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void PauseWatch::run() {
  std::unique_lock lock(mutex_);
  do {
    log_.beat(clock_->now(), read_boot_time());
  } while (!ended_.wait_for(lock, kBeat, [this] { return end_; }));
}

bool PauseWatch::stood_still_since(Seconds begin) {
  const std::lock_guard lock(mutex_);
  log_.beat(clock_->now(), read_boot_time());  // the thread may not have woken since a pause that has just ended
  return log_.stood_still_since(begin);
}

}  // namespace qtrap::measure
