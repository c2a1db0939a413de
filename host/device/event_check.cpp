#include "device/event_check.hpp"

#include <fmt/format.h>

#include "core/contract.hpp"

namespace qtrap::device {
namespace {

constexpr double kMostEventTimeOverWall = 1.02;
constexpr double kLeastEventTimeOverWork = 0.8;

double to_us(Seconds time) { return 1e6 * time.value(); }

}  // namespace

EventTimerCheck judge_event_timer(Seconds wall, Seconds empty, const std::optional<EventTime>& stamps) {
  if (!stamps) return {false, "the driver has no stamps for a launch that ended"};
  if (stamps->start < Seconds(0) || stamps->end < stamps->start)
    return {false, fmt::format("a launch ends {:.0f} us before it starts", to_us(stamps->start - stamps->end)), true};
  const Seconds event = stamps->end - stamps->start;
  if (event > wall * kMostEventTimeOverWall)
    return {false, fmt::format("events say {:.0f} us where only {:.0f} us passed", to_us(event), to_us(wall)), true};
  const std::string found =
      fmt::format("a kernel of {:.0f} us by the host clock took {:.0f} us by its events", to_us(wall), to_us(event));
  if (!(event > kShortestTrustedKernel)) return {false, found};
  if (event < (wall - empty) * kLeastEventTimeOverWork)
    return {false, fmt::format("{}, though an empty launch takes only {:.0f} us", found, to_us(empty))};
  return {true, found};
}

EventTimerCheck combine_timer_checks(std::span<const EventTimerCheck> checks) {
  expects(!checks.empty(), "a timer is judged by a launch at least");
  for (const auto member : {&EventTimerCheck::impossible, &EventTimerCheck::trusted}) {
    for (const EventTimerCheck& one : checks) {
      if (one.*member) return one;
    }
  }
  return checks.back();
}

}  // namespace qtrap::device
