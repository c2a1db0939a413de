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
#include <string_view>
#include <vector>

#include "chain/resident_model.hpp"
#include "core/result.hpp"
#include "measure/pace.hpp"
#include "measure/projection_check.hpp"
#include "scheme/pass.hpp"

namespace qtrap::measure {

/// What the checks of a scheme found.
struct SchemeCheck {
  std::vector<std::string> kernels;  ///< checked
  KernelCheck sum;                   ///< over its kernels; the first problem
  Seconds wall;
  std::optional<std::string> unchecked_reason;  ///< why not all of its kernels could be compared
};

class ResultCheck {
 public:
  /// That the layers multiply at once, and the head.
  struct Tokens {
    std::uint64_t layers = 1, head = 1;
  };
  /// All must outlive this. `draw` makes inputs and places differ between sessions.
  ResultCheck(const scheme::PassMaker& maker, const chain::ResidentModel& model, const Timing& timing, Tokens tokens,
              std::uint64_t draw)
      : maker_(&maker), model_(&model), timing_(&timing), tokens_(tokens), draw_(draw) {}

  /// Checks `kernels`, the names of all that the chain of `scheme` uses; one that was checked for another scheme is not
  /// run again. `budget` is what the comparisons may take beside the rows that are always checked. Where memory does
  /// not suffice or a reference does not build or run, the outcome holds what was compared before, and the reason.
  /// Throws DeviceError where the device is lost.
  SchemeCheck check(const scheme::SchemeInfo& scheme, const std::vector<std::string>& kernels, Seconds budget);

 private:
  Status check_alone(const std::vector<std::string>& kernels, std::map<std::string, KernelCheck>& found);
  Result<KernelCheck> check_alone(const scheme::KernelEntry& entry, const scheme::Extent& extent) const;
  struct Projection {
    scheme::SchemeInfo scheme;
    const scheme::Weights* weights;
    std::uint64_t tokens;
  };
  std::vector<Projection> list_projections(const scheme::SchemeInfo& scheme) const;
  Status check_projections(const scheme::SchemeInfo& scheme, Seconds budget, std::map<std::string, KernelCheck>& found);
  scheme::Extent extent_of(const scheme::OperationId& operation) const;

  const scheme::PassMaker* maker_;
  const chain::ResidentModel* model_;
  const Timing* timing_;
  Tokens tokens_;
  std::uint64_t draw_;
  std::map<std::string, KernelCheck> checks_;  ///< by kernel
};

/// Largest output_error that rounding explains: `layers` run `steps` times, `elements` values in the output.
/// In one step it grows with the fourth root of the layers, for the residual stream that takes up their errors grows
/// too. Over that root it was at most 0.0117 (8-bit weights), 0.0231 (8-bit weights and activations) and 0.148 (4-bit
/// weights) in one step of 1, 2, 4 and 8 layers of qwen3-0.6b and qwen2-0.5b and of 28 and 36 of qwen3-0.6b, 1.7b and
/// 4b, batch 1 to 64 (PoCL, and bench/results; of 1 layer 0.0091, 0.0164 and 0.126); of the formats with a header in 1,
/// 2, 4 and 8 layers of the two smallest, batch 1 and 8: q8_0 0.0079, q4_0 0.120, q4_1 0.114, q4_k 0.114, q6_k 0.028,
/// nf4 0.139, mxfp4 0.175, nvfp4 0.140, fp8 0.040, int3 0.311, int2 0.610; of e4m3 weights and activations in 1, 4 and
/// 8 layers of the two smallest, batch 1 and 8, 0.0564, of llm-int8 there 0.0181 where w8a8 had 0.0201. The bound
/// is 1.3 times that (SchemeInfo::step_error()), and more by 8 / sqrt(elements) for the scatter of short outputs. From
/// step to step it compounds, as each takes the last one's output in: 0.023, 0.092, 0.27, 0.56 and 1.17 after 1, 4, 8,
/// 12 and 16 steps (qwen3-0.6b, int8, batch 1), so by 1.59, 1.31, 1.20 and 1.20 a step. The bound allows 1.5
/// throughout, and so bounds the first steps alone: above 1.4 (two unrelated outputs) it bounds nothing.
/// f16 is its own anchor: 0.
/// A decoder's logits are further apart, as attention over a context adds less to the stream and its softmax turns
/// errors of queries into other weights: with the square root of the layers, over which they were at most 0.0170 (8-bit
/// weights), 0.0322 (8-bit weights and activations) and 0.221 (4-bit weights) in one step of 1 to 30 layers of
/// SmolLM2-135M's shape, batch 1 and 8, caches of 0 to 2,048 random positions (PoCL): 1.5 times the figures above.
double output_error_bound(const scheme::SchemeInfo& scheme, std::int64_t layers, std::int64_t steps,
                          std::int64_t elements, model::Workload workload = model::Workload::kProjections);

/// How far a chain's output is from that of f16 (relative L2).
struct OutputErrors {
  double first_step = 0;       ///< after the first step alone: nothing has compounded
  std::vector<double> by_hop;  ///< after each hop
};

/// Why the outputs of a chain cannot be right; none where they can. A hop is `tokens_per_hop` steps. Of
/// a decoder only the first step is judged. Of `trained` weights only that it is finite: a few columns of their
/// activations are far from the others, and then rounding explains more than of random ones; what a scheme does to such
/// a model is its loss (host/quality).
std::optional<std::string> judge_output(const scheme::SchemeInfo& scheme, const OutputErrors& errors,
                                        std::int64_t layers, std::int64_t tokens_per_hop, std::int64_t elements,
                                        model::Workload workload = model::Workload::kProjections, bool trained = false);

}  // namespace qtrap::measure
