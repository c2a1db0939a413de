// How a ratio of times goes with the device: below a balance x, the flop that its vector units do while it reads a
// byte, the cast takes longer than the bytes and the ratio is c / x; above, the bytes decide and it is r0 whatever x:
//   r(x) = max(r0, c / x),   log r = log r0 + max(0, log x0 - log x),   c = r0 x0,
// so that a scheme with r0 < 1 costs as much as its reference at x = c. Fitted by least absolute deviations of the
// logs: a device that is off by ten moves it no further than one that is off by two. The minimum is exact: for a knee
// x0 the best r0 is a median, and between two devices the error is convex, so that its least value lies at a device, or
// where the medians of both sides meet.
//
// Intervals: bootstrap over devices, each drawn with replacement. It takes devices as independent; what a vendor's
// devices share shows in the vendors left out alone.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/statistics.hpp"
#include "result/words.hpp"

namespace qtrap::fit {

/// One device.
struct DeviceRatio {
  double log_balance = 0;  ///< log of flop per byte
  double log_ratio = 0;    ///< of times, scheme over reference
  std::string vendor;
};

struct BalanceCurve {
  double log_floor = 0;  ///< log r0
  double log_knee = 0;   ///< log x0, between the least and the largest balance
  /// Whether devices lie on both sides: on the knee's left c shows, on its right r0. Without either the other is a
  /// bound.
  bool shows_cast = false, shows_floor = false;

  double log_cast() const { return log_floor + log_knee; }  ///< log c
  double predict(double log_balance) const;                 ///< log ratio
};

/// The curve of the least sum of absolute errors, of several the one with the smallest knee. At least one device.
BalanceCurve fit_balance_curve(std::span<const DeviceRatio> devices);

/// Spearman's: Pearson's of the ranks, equal values sharing their mean rank. None with fewer than two devices, or
/// where all have one balance or one ratio.
std::optional<double> compute_rank_correlation(std::span<const DeviceRatio> devices);

/// The devices of one vendor, predicted from all others.
struct LeftOutVendor {
  std::string vendor;
  std::size_t devices = 0;
  double law_error = 0;       ///< mean |log measured - log predicted|
  double constant_error = 0;  ///< the same of the others' median ratio
};

struct BalanceLaw {
  std::size_t devices = 0, vendors = 0;
  double log_balance_least = 0, log_balance_most = 0;
  double median_ratio = 1;
  std::optional<Interval> median_interval, rank_correlation;  ///< with kLeastDevices
  std::vector<LeftOutVendor> left_out;                        ///< vendors whose others are enough for a curve, by name
  std::optional<double> law_error, constant_error;            ///< over all devices of `left_out`
  /// Of r0 and c as ratios and flop per byte; none without a law, and where devices on one side alone show it.
  std::optional<Interval> floor_ratio, cast_flop_per_byte;
  /// Where the ratio is 1. Found, above and below: within the devices' balances (see CriticalStatus).
  result::CriticalStatus status = result::CriticalStatus::kNotIdentified;
  std::optional<double> threshold, low, high;  ///< [flop/byte] value with kFound; low with it or kAbove, high or kBelow
  std::string reason;                          ///< why there is no law or no threshold; empty with both
  double confidence = kConfidence;             ///< of the intervals
};

struct BalanceOptions {
  std::uint64_t seed = 1;
  int replicates = 2000;  ///< >= 2
  int threads = 0;        ///< 0: as many as the machine has; the result does not depend on it
  double confidence = kConfidence;
  double no_effect_margin = 0.02;  ///< a floor of at most 1.02 is 1: see judge::Options
};

/// Fewer devices give no interval that means anything: two parameters, and a knee between them.
inline constexpr std::size_t kLeastDevices = 10;

/// A law stands where the devices are at least kLeastDevices, of two vendors at least, the rank correlation lies
/// below 0 with its interval, vendors left out in turn are nearer to the others' law than to the others' median, and
/// the cast shows in the estimate and in a share of `confidence` of the replicates.
/// Else there is none, and the reason says why. At least one device.
BalanceLaw fit_balance_law(std::span<const DeviceRatio> devices, const BalanceOptions& options = {});

}  // namespace qtrap::fit
