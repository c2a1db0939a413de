// A chain of one scheme on a device: the passes of a step with their arguments set, played T times per hop and H hops
// per chain on one in-order queue. The host waits at the end of a hop; inside a long one only for what lies far back.
// A step of a decoder takes up its context where the last one left it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chain/context.hpp"
#include "chain/resident_model.hpp"
#include "core/result.hpp"
#include "model/step.hpp"
#include "scheme/pass.hpp"

namespace qtrap::chain {

/// Activations of `tokens` tokens in lockstep, f16, row-major [token][column]; shared by the chains of all schemes.
struct Activations {
  model::Step step;
  std::uint64_t tokens = 0;
  model::Tensor input = model::Tensor::kStream;  ///< what a chain begins with
  device::Buffer seed;                           ///< the first of them
  std::array<device::Buffer, model::kTensorCount> tensors;
  std::shared_ptr<const Context> context;  ///< of a decoder
  scheme::AttentionShape attention;        ///< of its tokens
  device::Buffer parts;                    ///< workspace of its attention
  device::Buffer turned;                   ///< its query rotated, where that is part of another; else in its place
  device::Buffer last_rows;                ///< u32: of a prompt, the row of each sequence's last token

  /// Tokens that a tensor holds.
  std::uint64_t rows(model::Tensor tensor) const { return step.is_of_last(tensor) ? attention.sequences : tokens; }
  /// Of a tensor that is no part of another.
  const device::Buffer& at(model::Tensor tensor) const { return tensors.at(static_cast<std::size_t>(tensor)); }
  const device::Buffer& stream() const { return at(model::Tensor::kStream); }

  /// Of projections alone. Allocates all and fills the seed from the generator (f32 numbers, cast to f16 on the
  /// device).
  static Result<Activations> make(const scheme::PassMaker& maker, const profile::ModelProfile& model,
                                  std::uint64_t tokens, std::uint64_t seed, Join join = Join::kNone);
  /// Of a decoder's step: `run` new tokens of each of the context's sequences, which follow each other. The seed's
  /// tokens are drawn from the generator.
  static Result<Activations> make(const scheme::PassMaker& maker, const model::Step& step,
                                  std::shared_ptr<const Context> context, std::uint64_t run, std::uint64_t seed);
};

class Chain {
 public:
  /// Builds all passes of the activations' step. kRuntime errors: kernel build, workspace does not fit.
  static Result<Chain> make(const scheme::PassMaker& maker, const ResidentModel& model, const Activations& activations,
                            const scheme::SchemeInfo& scheme);

  const scheme::SchemeInfo& scheme() const { return scheme_; }
  /// Costs of one step, analytic; a decoder's without what it reads of its caches.
  const scheme::Costs& step_costs() const { return step_costs_; }
  /// Costs of `steps` steps, of which the first finds `filled` positions in the context.
  scheme::Costs compute_costs(std::uint64_t filled, std::uint64_t steps) const;
  /// Multiply-adds of the head in a step, and the scheme that makes them; none of projections.
  std::uint64_t head_macs() const { return head_macs_; }
  const std::optional<scheme::SchemeInfo>& head() const { return head_; }
  /// Role of each launch of a step, in order: step_roles().size() == step_costs().launches.
  const std::vector<scheme::Role>& step_roles() const { return step_roles_; }
  /// Distinct kernel entries, sorted.
  std::vector<std::string> kernels_used() const;
  /// The matrix unit that its kernels use, or "none".
  std::string matrix_unit() const;

  /// Puts the seed into the first input, and a context back to its start, and waits.
  void reset();
  /// The same on the bare queue, before what is enqueued there next; does not wait.
  void enqueue_reset();
  /// Puts tokens of a decoder, [sequence][run], in place of what the last step left; waits.
  void set_tokens(const std::vector<std::uint32_t>& ids);
  using AfterLayer = std::function<bool(std::uint64_t launches)>;
  /// Enqueues `steps` steps on the bare or the profiled queue; does not wait.
  /// `after_layer` is told, layer by layer, how many launches were submitted since it was told last; where it returns
  /// false the steps end there, and so does this with false.
  bool enqueue_steps(std::uint64_t steps, bool profiled, const AfterLayer& after_layer = {});
  /// Calls `visit` for every launch of one step, in order (for tests and tables).
  void for_each_pass(const std::function<void(const scheme::Pass&)>& visit) const;
  /// The stream, or the logits of a decoder, as f32 on the host, [tokens][width], of a prompt [sequences][width];
  /// waits.
  std::vector<float> read_output() const;
  /// The tokens that a decoder chose, or was given; of a prompt those that follow it; waits.
  std::vector<std::uint32_t> read_tokens() const;

 private:
  Chain() = default;
  device::Device* device_ = nullptr;
  scheme::SchemeInfo scheme_{};
  Activations activations_;
  std::uint64_t layers_to_run_ = 0;
  std::vector<scheme::Pass> first_passes_;
  std::vector<std::vector<scheme::Pass>> layer_passes_;  ///< by resident layer; with a context by each that runs
  std::vector<scheme::Pass> final_passes_;
  std::shared_ptr<scheme::SchemePasses> scheme_passes_;  ///< owns the workspace
  std::shared_ptr<scheme::SchemePasses> head_passes_;    ///< the same of a decoder's head
  scheme::Costs step_costs_;
  std::uint64_t bytes_per_position_ = 0;
  std::uint64_t head_macs_ = 0;
  std::optional<scheme::SchemeInfo> head_;
  std::vector<scheme::Role> step_roles_;
};

}  // namespace qtrap::chain
