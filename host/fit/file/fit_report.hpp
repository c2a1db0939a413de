// Everything one `qtrap fit` finds, as plain structs, and the same as the fit file.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fit/attribution.hpp"
#include "fit/balance/balance.hpp"
#include "fit/balance/operation_bound.hpp"
#include "fit/critical.hpp"
#include "fit/decomposition.hpp"
#include "fit/hop_slope.hpp"
#include "fit/paper_view.hpp"
#include "fit/ratios.hpp"
#include "fit/scaling.hpp"
#include "result/fit_file.hpp"
#include "result/result_file.hpp"

namespace qtrap::fit {

struct ReportOptions {
  FitOptions fit;                       ///< static_power: leave empty to take it from the idle windows
  Balances balances;                    ///< of the rows' devices; leave empty to take them from the files
  std::vector<Workload> family;         ///< sizes nobody measured, for the fitted N* and B*; may be empty
  std::optional<double> tdp_w;          ///< board TDP for the paper's view
  std::optional<IndexWeights> weights;  ///< of the user's own index
  std::map<std::pair<std::string, std::string>, double> accuracy;  ///< by (model, scheme); leave empty to
                                                                   ///< take exp(-KL divergence) of the files' losses
  std::optional<double> no_effect_margin;  ///< see judge::Options; none: that of the files, else 0.02
  std::optional<double> ratio_confidence;  ///< none: the strictest that the files' points were judged with, else that
                                           ///< of the fit
};

struct FitReport {
  std::vector<std::string> sessions;  ///< session_ids that entered
  std::vector<std::string> devices;
  std::uint64_t seed = 0;
  Decomposition time;  ///< with more than one device: a reason, for costs belong to a device
  Decomposition energy;
  /// One per (axis, device, scheme, what the axis leaves fixed, quantity): interpolated where that identifies a status,
  /// else fitted. `critical_other`: the other method's.
  std::vector<Critical> critical, critical_other;
  std::vector<Ratio> ratios;         ///< verdicts of time and energy, one per cell and scheme
  std::vector<Ratio> net_ratios;     ///< of net energy, beside the gross ones
  std::vector<HopSlope> hop_slopes;  ///< of time, then of energy
  std::vector<OperationBound> operation_bounds;
  std::vector<std::pair<Quantity, judge::Anchorless>>
      anchorless;                        ///< cells without an f16 anchor: no ratio of theirs is known
  std::vector<Attribution> attribution;  ///< of time, then of energy
  std::vector<Scaling> scaling;          ///< layers and parameters, of time, then of energy
  PaperView paper_view;
  std::vector<ParetoCell> pareto;
  std::vector<Balance> balances;  ///< ratios against the devices' flop per byte
};

/// Fits rows (of imported tables, say). kUsage error with the words of find_defect, several devices excepted.
Result<FitReport> make_fit_report(std::span<const Row> rows, const ReportOptions& options);

/// Fits result files: rows, static power, session ids and phase ratios come from them. Measured and imported files may
/// stand side by side; kUsage error besides those above: one device with different workloads.
Result<FitReport> make_fit_report(std::span<const result::ResultFile> files, const ReportOptions& options);

/// The fit file of a report.
result::FitFile to_fit_file(const FitReport& report);

}  // namespace qtrap::fit
