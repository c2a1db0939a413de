// For each measured configuration: which part of its time or energy each term takes, what would change with
// fused kernels, free launches or another batch, and which part decides its ratio to f16. Everything here is
// `fitted`.
//
// Bytes come in two parts. Format bytes are what the format must move: those of the f16 twin less what
// narrower weights save. Pass bytes are the rest: scratch written and read by separate passes. Format bytes
// and operations are physics; pass bytes, dequantization, casts, launches and host waits belong to the kernel
// path.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fit/critical.hpp"
#include "fit/design.hpp"

namespace qtrap::fit {

using result::DecidingKind;
using result::kPartCount;
using result::Part;

/// Seconds or joules by part.
using Parts = std::array<double, kPartCount>;

/// What would happen if.
struct Counterfactual {
  std::string name;               ///< "fused", "zero_launch_cost" or "batch_<B>"
  double predicted = 0;           ///< of one chain [s or J]
  std::optional<Interval> ratio;  ///< to f16 under the same assumption; none without an anchor
};

struct Attribution {
  std::string point_id, device, scheme, model;
  double params = 0;
  double batch = 1;
  double steps = 1;  ///< of the chain: hops x tokens
  double hops = 1, tokens = 1, context = 0;
  result::Phase phase = result::Phase::kDecode;
  Quantity quantity = Quantity::kTime;
  double measured = 0;  ///< mean over sessions of the medians [s or J]
  double predicted = 0;
  Parts shares{};                            ///< of measured; with `unexplained` they sum to 1
  std::array<bool, kPartCount> separable{};  ///< false: the cost behind this share is not identified
  double unexplained = 0;                    ///< 1 - sum of shares; negative where the fit says more than was measured
  std::optional<Interval> ratio;             ///< measured, to f16; none without an anchor or an interval
  std::optional<double> fitted_ratio;        ///< the fit's, to f16; none without an anchor
  Verdict verdict = Verdict::kUndecided;
  std::string deciding_term;  ///< the part with the largest share in the difference to f16, e.g. "dequantize pass"
  /// None without an anchor, where nothing is decided and where the fitted ratio lies on the other side of 1 than the
  /// measured one.
  std::optional<DecidingKind> deciding_kind;
  bool deciding_identified = false;  ///< the cost behind the deciding term is identified
  /// The difference that the deciding term makes, over the anchor's fitted cost; none unless identified.
  std::optional<Interval> deciding_share;
  std::vector<Counterfactual> counterfactuals;
  std::string sentence;  ///< the above in words
};

/// One attribution per configuration of the design that is not a probe, in its order. Empty when the quantity
/// has no fit. `ratios`: those of the same rows and quantity.
std::vector<Attribution> attribute(const Design& design, const DeviceFit& fit, Quantity quantity,
                                   std::span<const Ratio> ratios);

}  // namespace qtrap::fit
