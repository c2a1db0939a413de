// N*, the model size, B*, the batch, and H*, the hops of a chain, at which the ratio of a scheme to f16 crosses 1;
// either interpolated between measured sizes or from the fitted costs. A number is given only where the ratio is
// significantly above 1 at one size and significantly below at another; the interval is where the ratio's own interval
// holds 1, and what was not measured between the two.
//
// Paper: N* = phi B_W B / (alpha (pi - p)) as printed, N* = phi B_W / (alpha B (pi - p)) as derived anew
// (science.md): phi the size-independent cost per step the scheme adds [s], B_W bandwidth [byte/s], alpha (pi
// - p) the bytes its format saves per parameter, B the batch.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fit/decomposition.hpp"
#include "fit/ratios.hpp"

namespace qtrap::fit {

using result::Axis;
using result::CriticalMethod;
using result::CriticalStatus;
inline constexpr Axis kAxes[] = {Axis::kParams, Axis::kBatch, Axis::kHops};

/// Log ratio along an axis, sizes ascending and distinct, > 0. low and high are its interval; both empty
/// where there is none: then signs are taken as they are and the interval of a crossing is its two
/// neighbouring sizes.
struct Curve {
  std::vector<double> sizes;
  std::vector<double> log_ratio;
  std::vector<double> low;
  std::vector<double> high;
  /// That the ratio is 1, one per size; empty: unknown, and no one-sided statement is made.
  std::vector<double> p_values;
};

/// Where a curve crosses 0.
struct Crossing {
  CriticalStatus status = CriticalStatus::kNotIdentified;
  std::optional<double> value, low, high;  ///< all with kFound; low alone with kAbove, high alone with kBelow
  /// Trapped below the crossing, free above; false: the other way round. Of kFound, kAbove and kBelow.
  bool dissolves = true;
  std::string reason;  ///< why it is not identified, or not on both sides
};

/// Monotone interpolation (pooled adjacent violators, then Fritsch-Carlson cubics in log size). The interval of a
/// crossing is never narrower than the two decided sizes beside it, unless a size between them was measured: kernel
/// paths change in steps, and nobody looked there. One sign with undecided sizes at one end, and a p-value that counts
/// among the sizes (Bonferroni at 5 %): one-sided. Not identified: no size with a significant sign, undecided sizes at
/// both ends or between decided ones, or signs that change more than once.
Crossing find_crossing(const Curve& curve);

/// One entry of the fit file's critical_scale, critical_batch or critical_hops.
struct Critical {
  Axis axis = Axis::kParams;
  judge::CellKey cell;  ///< what stays fixed; model and params, batch or hops, whichever the axis is, are empty
  std::string scheme;
  Quantity quantity = Quantity::kTime;
  CriticalMethod method = CriticalMethod::kInterpolated;
  Crossing crossing;
  std::vector<double> sizes_used;
  /// Of fitted entries: the fitted log ratio at each of sizes_used, shifted; none where a cost there is not above 0.
  /// Empty without log_offset.
  std::vector<std::optional<double>> predicted;
  /// Of fitted entries: by how much the measured ratios of the scheme lie above the fitted ones, on the mean.
  std::optional<double> log_offset;
  IntervalBasis interval_basis = IntervalBasis::kBracket;
  std::optional<double> paper_printed,
      paper_rederived;  ///< none where phi or B_W is not identified or a term is <= 0
};

/// Interpolated entries: one per group of `ratios` along the axis.
std::vector<Critical> interpolate_critical(std::span<const Ratio> ratios, Axis axis);

/// The fits of one device; energy may have a reason instead of a fit.
struct DeviceFit {
  std::string device;
  Decomposition time;
  Decomposition energy;
};

/// Fitted entries of one quantity along an axis: the costs applied to the workloads of a family (measured ones, and
/// sizes nobody measured), counts interpolated in log size between its members, so that layers and width keep their own
/// course. The costs give the curve its shape alone: it is shifted by the mean log distance of the scheme's measured
/// `ratios` (one device and quantity, over sessions, unflagged) from the fitted ones, and its interval holds that
/// shift's. Schemes without an f16 twin in their cell are left out. None when the quantity has no fit.
std::vector<Critical> fit_critical(const DeviceFit& fit, std::span<const Workload> works, std::span<const Ratio> ratios,
                                   Quantity quantity, Axis axis);

/// Takes the status out of fitted entries that the measured ratios do not bear out: a fitted ratio outside the interval
/// of a measured one, signs that change more than once, or nothing decided over sessions. A small lack of fit moves a
/// crossing far: without this, ratios of exactly 1 everywhere gave an N* in 60 of 60 campaigns.
void refuse_contradicted(std::span<const Ratio> ratios, std::vector<Critical>& fitted);

/// Fills both paper forms of entries on the time axis from the fitted launch and synchronisation costs and
/// bandwidth.
void add_paper_forms(const Decomposition& time, std::span<const Workload> family, std::vector<Critical>& entries);

}  // namespace qtrap::fit
