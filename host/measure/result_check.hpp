// Whether the kernels of a scheme compute what they should, on the shapes and weights that are measured: each once per
// session, model and batch. A kernel that is fast and wrong gets no verdict.
// Matmul and dequantize kernels run on the first layer's weights of every projection beside the reference family
// (projection_check.hpp); all others run on a case of `verify` of the same width and tokens, against the host.
// Beside them the bound of output_error: what a scheme's rounding makes of the chain's output.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "chain/resident_model.hpp"
#include "core/result.hpp"
#include "measure/projection_check.hpp"

namespace qtrap::measure {

/// What the checks of a scheme found.
struct SchemeCheck {
  std::vector<std::string> kernels;  ///< checked
  KernelCheck sum;                   ///< over its kernels; the first problem
  Seconds wall;
};

class ResultCheck {
 public:
  /// All must outlive this. `draw` makes inputs and places differ between sessions.
  ResultCheck(const scheme::PassMaker& maker, const chain::ResidentModel& model, const Timing& timing,
              std::uint64_t tokens, std::uint64_t draw)
      : maker_(&maker), model_(&model), timing_(&timing), tokens_(tokens), draw_(draw) {}

  /// Checks `kernels`, the names of all that the chain of `scheme` uses; one that was checked for another scheme is not
  /// run again. `budget` is what the comparisons may take beside the rows that are always checked. kRuntime errors: out
  /// of memory, a reference kernel does not build.
  Result<SchemeCheck> check(const scheme::SchemeInfo& scheme, const std::vector<std::string>& kernels, Seconds budget);

 private:
  Status check_projections(const scheme::SchemeInfo& scheme, Seconds budget);
  Status check_alone(const scheme::KernelEntry& entry);
  scheme::Extent extent_of(std::string_view operation) const;

  const scheme::PassMaker* maker_;
  const chain::ResidentModel* model_;
  const Timing* timing_;
  std::uint64_t tokens_;
  std::uint64_t draw_;
  std::map<std::string, KernelCheck> checks_;  ///< by kernel
};

/// Largest output_error that rounding explains: `layers` run `steps` times, `elements` values in the output. Each layer
/// adds errors of random sign, so within a step the error grows with the root of their number, and from step to step it
/// compounds, for each takes the last one's output in (qwen3-0.6b, int8: 0.027, 0.092 and 0.27 after 1, 4 and 8 steps;
/// the bound allows 1.5 a step, and so bounds the first steps alone). In one step it is 0.0051 (8-bit weights), 0.0094
/// (8-bit weights and activations) and 0.064 (4-bit weights) at most in 84 points of five shapes, batch 1 and 8
/// (bench/results); the bound is 0.010, 0.018 and 0.11, and more by 8 / sqrt(elements) for the scatter of short
/// outputs. f16 is its own anchor: 0. Where the bound is above 1.4 (two unrelated outputs) it bounds nothing.
double output_error_bound(const scheme::SchemeInfo& scheme, std::int64_t layers, std::int64_t steps,
                          std::int64_t elements);

/// Why the outputs of a chain cannot be right; none where they can. `errors` is by hop of `tokens_per_hop` steps.
std::optional<std::string> judge_output(const scheme::SchemeInfo& scheme, const std::vector<double>& errors,
                                        std::int64_t layers, std::int64_t tokens_per_hop, std::int64_t elements);

}  // namespace qtrap::measure
