// The paper's way of counting beside ours: TDP x time energies against measured ones, the casting overhead
// ratio in both forms, how often the two ways disagree; and which schemes are worth having at all (Pareto).
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fit/row.hpp"

namespace qtrap::fit {

/// One configuration with measured time and energy.
struct PaperPoint {
  std::string point_id, device, model, scheme;
  double batch = 1;
  result::Phase phase = result::Phase::kDecode;
  std::optional<double> energy_tdp_j;      ///< TDP x time of one chain; none without a TDP
  double energy_gross_j = 0;               ///< mean over sessions of the medians
  std::optional<double> energy_ratio_tdp;  ///< to f16: by TDP x time this is the ratio of times
  std::optional<double> energy_ratio;      ///< to f16, measured
  std::optional<double> cor_operational;   ///< time ratio - 1; none for the anchor and without one
  std::optional<double> cor_phase;         ///< (cast + quantize + dequantize) / matmul; none where not profiled
};

struct PaperView {
  std::vector<PaperPoint> points;  ///< one per configuration that has energy, probes left out
  std::size_t compared = 0;        ///< points with both ratios
  std::size_t disagreements = 0;   ///< of these: one way says more than f16, the other less
};

/// `tdp_w`: the board's TDP [W], > 0; `cor_phase`: by point_id, where known.
PaperView compare_with_paper(std::span<const Row> rows, std::optional<double> tdp_w,
                             const std::map<std::string, double>& cor_phase);

/// Exponents of the user's own index; each >= 0. There are no defaults: a weighting is a judgement.
struct IndexWeights {
  double throughput = 0;
  double energy = 0;
  double accuracy = 0;
};

/// One scheme in one cell, relative to f16: above 1 is better in every criterion.
struct ParetoPoint {
  std::string scheme;
  double throughput = 1;                  ///< tokens/s over those of f16
  std::optional<double> frugality;        ///< energy per token of f16 over this one's
  std::optional<double> accuracy;         ///< accuracy over that of f16
  std::vector<std::string> dominated_by;  ///< schemes at least as good in all shared criteria and better in one
  /// throughput^wt x frugality^we x accuracy^wa: qtrap's weighted index, not the paper's Sustainability
  /// Index, whose formula is unknown. None without weights or where a weighted criterion is missing.
  std::optional<double> weighted_index;
};

struct ParetoCell {
  std::string device, cell, model;
  double batch = 1;
  result::Phase phase = result::Phase::kDecode;
  std::vector<ParetoPoint> points;  ///< f16 first
};

/// One cell per (device, cell) with an f16 anchor. `accuracy`: by (model, scheme), where measured, any unit,
/// > 0.
std::vector<ParetoCell> compare_schemes(std::span<const Row> rows,
                                        const std::map<std::pair<std::string, std::string>, double>& accuracy,
                                        const std::optional<IndexWeights>& weights);

}  // namespace qtrap::fit
