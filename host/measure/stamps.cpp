#include "measure/stamps.hpp"

#include <fmt/format.h>

#include "core/contract.hpp"

namespace qtrap::measure {
namespace {

double to_us(Seconds time) { return 1e6 * time.value(); }

}  // namespace

void HopStamps::add(std::span<const std::optional<device::EventTime>> events) {
  for (const auto& event : events) {
    const std::uint64_t launch = times_.launches++;
    if (!event || event->start < Seconds(0)) {
      if (times_.fault.empty()) times_.fault = fmt::format("launch {} has no stamps", launch + 1);
      continue;
    }
    const Seconds duration = event->end - event->start;
    times_.phases.at(static_cast<std::size_t>(roles_[launch % roles_.size()])) += duration;
    busy_ += duration;
    longest_.take(duration, launch);
    backward_.take(event->start - event->end, launch);
    if (last_) overlap_.take(last_->end - event->start, launch);
    if (!first_) first_ = event;
    last_ = event;
  }
}

HopTimes HopStamps::judge(Seconds wall) const {
  expects(times_.launches > 0, "a hop has a launch");
  HopTimes times = times_;
  if (!times.fault.empty() || !first_) return times;
  const Seconds slack = wall * kStampShare + kStampSlack;
  const Seconds most = wall + slack;
  const Seconds span = last_->end - first_->start;
  times.gap = span - busy_;
  const auto of = [&](const Worst& worst) { return fmt::format("launch {} of {}", worst.launch + 1, times.launches); };
  if (backward_.by > Seconds(0)) {
    times.fault = fmt::format("{} ends {:.0f} us before it starts", of(backward_), to_us(backward_.by));
  } else if (longest_.by > most) {
    times.fault = fmt::format("{} took {:.0f} us in a hop of {:.0f} us", of(longest_), to_us(longest_.by), to_us(wall));
  } else if (overlap_.by > slack) {
    times.fault = fmt::format("{} starts {:.0f} us before the one before it ends", of(overlap_), to_us(overlap_.by));
  } else if (span > most) {
    times.fault =
        fmt::format("{} launches span {:.0f} us in a hop of {:.0f} us", times.launches, to_us(span), to_us(wall));
  } else if (busy_ > most) {
    times.fault =
        fmt::format("{} launches took {:.0f} us in a hop of {:.0f} us", times.launches, to_us(busy_), to_us(wall));
  }
  return times;
}

}  // namespace qtrap::measure
