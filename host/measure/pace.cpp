#include "measure/pace.hpp"

#include <algorithm>
#include <utility>

namespace qtrap::measure {

std::uint64_t choose_batch(std::uint64_t launches, Seconds wall) {
  const double in_time = static_cast<double>(launches) * (kBatchTime / wall);
  return static_cast<std::uint64_t>(std::clamp(in_time, 1.0, static_cast<double>(kMostInBatch)));
}

Pace::Pace(const Timing& timing, std::function<void(std::uint64_t)> wait)
    : timing_(timing), wait_(std::move(wait)), batch_begin_(timing.clock->now()) {
  if (wait_) return;
  wait_ = [device = timing.device](std::uint64_t) {
    device->mark();
    device->wait_for_marks(1);
  };
}

bool Pace::operator()(std::uint64_t launches) {
  in_batch_ += launches;
  if (in_batch_ < timing_.batch) return true;
  wait_(std::exchange(in_batch_, 0));
  const Seconds now = timing_.clock->now();
  if ((now - batch_begin_) * 4 < kBatchTime) timing_.batch = std::min(2 * timing_.batch, kMostInBatch);
  batch_begin_ = now;
  return !timing_.stopped();
}

}  // namespace qtrap::measure
