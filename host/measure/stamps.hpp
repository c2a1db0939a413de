// The event stamps of one hop, judged before they count. One bad stamp among thousands moves a phase by hours and the
// sum of all not at all, so each is looked at. Plain numbers: no device. A launch is sound when both stamps are there,
// 0 <= start <= end, it starts no earlier than the one before it ended (the queue is in order) and it lasts no longer
// than the hop. A hop is sound when all its launches are, and when neither their sum nor the time from the first start
// to the last end exceeds the wall. Slack: kStampShare of the wall, for clocks of two rates, and kStampSlack, for
// stamps of coarse grain.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/units.hpp"
#include "device/device.hpp"
#include "scheme/scheme.hpp"

namespace qtrap::measure {

inline constexpr double kStampShare = 0.02;
inline constexpr Seconds kStampSlack(100e-6);

/// What the launches of a hop took by their stamps, or why that cannot be believed.
struct HopTimes {
  std::array<Seconds, scheme::kRoleCount> phases{};  ///< durations summed by role
  Seconds gap;                                       ///< between launches, from an end to the next start
  std::uint64_t launches = 0;
  std::string fault;  ///< empty: sound; else phases and gap mean nothing
};

class HopStamps {
 public:
  /// `roles` are those of the launches of a step, which repeat; they must outlive this.
  explicit HopStamps(std::span<const scheme::Role> roles) : roles_(roles) {}
  /// The stamps of the next launches, in order.
  void add(std::span<const std::optional<device::EventTime>> events);
  /// The hop's times; `wall` is the host's, from the first enqueueing to the finish. Needs one launch at least.
  HopTimes judge(Seconds wall) const;

 private:
  /// The launch for which a quantity was largest.
  struct Worst {
    Seconds by;
    std::uint64_t launch = 0;
    void take(Seconds candidate, std::uint64_t at) {
      if (candidate > by) *this = {candidate, at};
    }
  };
  std::span<const scheme::Role> roles_;
  HopTimes times_;
  Seconds busy_;
  std::optional<device::EventTime> first_, last_;
  Worst longest_;   ///< launch
  Worst overlap_;   ///< with the launch before
  Worst backward_;  ///< from start to end
};

}  // namespace qtrap::measure
