#include "chain/chain.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "core/contract.hpp"
#include "core/half.hpp"

namespace qtrap::chain {
namespace {

using scheme::Pass;

constexpr std::uint64_t kHalfBytes = 2;
/// Stream of the chain's seed, apart from those of the weights (one for each projection of each layer).
constexpr std::uint64_t kSeedTensor = std::uint64_t{1} << 62;

/// Appends passes; keeps the first error.
class PassList {
 public:
  void add(Result<Pass> pass) {
    if (!pass) return fail(pass.error());
    passes_.push_back(std::move(pass).value());
  }
  void add(Result<std::vector<Pass>> passes) {
    if (!passes) return fail(passes.error());
    for (Pass& pass : std::move(passes).value()) passes_.push_back(std::move(pass));
  }
  Result<std::vector<Pass>> take() {
    if (error_) return *error_;
    return std::move(passes_);
  }

 private:
  void fail(const Error& error) {
    if (!error_) error_ = error;
  }
  std::vector<Pass> passes_;
  std::optional<Error> error_;
};

/// Makes the passes of lists of operations in one scheme.
class StepPasses {
 public:
  StepPasses(const scheme::PassMaker& maker, const scheme::SchemePasses& scheme_passes,
             const scheme::SchemeInfo& scheme, const model::Step& step, const Activations& activations)
      : maker_(&maker), scheme_passes_(&scheme_passes), format_(scheme.weights), step_(&step), a_(&activations) {}

  Result<std::vector<Pass>> make(const model::Operations& operations, const ResidentWeights& weights) const {
    PassList list;
    const std::vector<bool> is_new = model::find_new_inputs(operations);
    for (std::size_t i = 0; i < operations.size(); ++i) {
      const model::Operation& operation = operations[i];
      if (operation.kind != model::Kind::kProject) {
        list.add(make_alone(operation, weights));
        continue;
      }
      const device::Buffer& x = a_->at(operation.inputs[0]);
      if (is_new[i]) list.add(scheme_passes_->input_passes(x, step_->width(operation.inputs[0])));
      const scheme::Weights& matrix = weights.projections.at(format_).at(*operation.weight);
      list.add(scheme_passes_->projection_passes(matrix, x, a_->at(operation.output)));
    }
    return list.take();
  }

 private:
  /// Of an operation that is the same in every scheme.
  Result<Pass> make_alone(const model::Operation& operation, const ResidentWeights& weights) const {
    const auto in = [&](std::size_t i) -> const device::Buffer& { return a_->at(operation.inputs.at(i)); };
    const device::Buffer& out = a_->at(operation.output);
    const std::uint64_t width = step_->width(operation.output);
    switch (operation.kind) {
      case model::Kind::kNorm:
        return maker_->rms_norm(in(0), weights.norms.at(*operation.weight), out, width, a_->tokens);
      case model::Kind::kExpandHeads:
        return maker_->expand_heads(in(0), out, width / step_->head_dim,
                                    step_->width(operation.inputs[0]) / step_->head_dim, step_->head_dim, a_->tokens);
      case model::Kind::kAdd:
        return maker_->residual_add(in(0), in(1), a_->tokens * width);
      case model::Kind::kGate:
        return maker_->swiglu(in(0), in(1), out, a_->tokens * width);
      case model::Kind::kProject:
        break;
    }
    fail_contract("a projection's passes are made by its scheme");
  }

  const scheme::PassMaker* maker_;
  const scheme::SchemePasses* scheme_passes_;
  scheme::WeightFormat format_;
  const model::Step* step_;
  const Activations* a_;
};

}  // namespace

Result<Activations> Activations::make(const scheme::PassMaker& maker, const profile::ModelProfile& model,
                                      std::uint64_t tokens, std::uint64_t seed) {
  device::Device& device = maker.device();
  Activations a;
  a.tokens = tokens;
  const model::Step step = model::make_step(model);
  const std::uint64_t width = step.width(model::Tensor::kStream);
  const auto allocate = [&](std::uint64_t columns, device::Buffer& to) -> Status {
    auto buffer = device.make_buffer(kHalfBytes * tokens * columns);
    if (!buffer) return buffer.error();
    to = buffer.value();
    return Done{};
  };
  if (const Status done = allocate(width, a.seed); !done) return done.error();
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    if (const Status done = allocate(step.widths[i], a.tensors[i]); !done) return done.error();
  }
  auto numbers = device.make_buffer(sizeof(float) * tokens * width);
  if (!numbers) return numbers.error();
  auto random = maker.random_f32(numbers.value(), tokens * width, 1.0F, seed, kSeedTensor);
  if (!random) return random.error();
  auto cast = maker.cast_f32_f16(numbers.value(), a.seed, tokens * width);
  if (!cast) return cast.error();
  device.enqueue(random.value().launch);
  device.enqueue(cast.value().launch);
  device.finish();
  return a;
}

Result<Chain> Chain::make(const scheme::PassMaker& maker, const ResidentModel& model, const Activations& activations,
                          const scheme::SchemeInfo& scheme) {
  Chain chain;
  chain.device_ = &maker.device();
  chain.scheme_ = scheme;
  chain.activations_ = activations;
  chain.layers_to_run_ = model.layers_to_run;
  auto scheme_passes = scheme::SchemePasses::make(maker, scheme, activations.tokens, projection_shapes(model.step));
  if (!scheme_passes) return scheme_passes.error();
  chain.scheme_passes_ = std::make_shared<scheme::SchemePasses>(std::move(scheme_passes).value());
  const StepPasses step(maker, *chain.scheme_passes_, scheme, model.step, activations);
  for (const ResidentWeights& weights : model.layers) {
    auto passes = step.make(model.step.layer, weights);
    if (!passes) return passes.error();
    chain.layer_passes_.push_back(std::move(passes).value());
  }
  auto passes = step.make(model.step.final, model.final);
  if (!passes) return passes.error();
  chain.final_passes_ = std::move(passes).value();
  chain.for_each_pass([&](const Pass& pass) {
    chain.step_costs_ += pass.costs;
    chain.step_roles_.push_back(pass.role);
  });
  return chain;
}

void Chain::for_each_pass(const std::function<void(const Pass&)>& visit) const {
  for (std::uint64_t layer = 0; layer < layers_to_run_; ++layer) {
    for (const Pass& pass : layer_passes_[layer % layer_passes_.size()]) visit(pass);
  }
  for (const Pass& pass : final_passes_) visit(pass);
}

std::vector<std::string> Chain::kernels_used() const {
  std::set<std::string> names;
  for_each_pass([&](const Pass& pass) { names.insert(pass.kernel); });
  return {names.begin(), names.end()};
}

std::string Chain::matrix_unit() const {
  std::string_view unit = "none";
  for_each_pass([&](const Pass& pass) {
    if (pass.matrix_unit != "none") unit = pass.matrix_unit;
  });
  return std::string(unit);
}

void Chain::reset() {
  enqueue_reset();
  device_->finish();
}

void Chain::enqueue_reset() {
  device_->copy(activations_.seed, activations_.stream(), activations_.stream().size_bytes());
}

bool Chain::enqueue_steps(std::uint64_t steps, bool profiled, const AfterLayer& after_layer) {
  std::uint64_t launches = 0;
  const auto enqueue = [&](const std::vector<Pass>& passes) {
    for (const Pass& pass : passes) profiled ? device_->enqueue_profiled(pass.launch) : device_->enqueue(pass.launch);
    launches += passes.size();
  };
  for (std::uint64_t step = 0; step < steps; ++step) {
    for (std::uint64_t layer = 0; layer < layers_to_run_; ++layer) {
      enqueue(layer_passes_[layer % layer_passes_.size()]);
      // Submit layer by layer: the device starts while the host still enqueues.
      device_->flush();
      if (after_layer && !after_layer(std::exchange(launches, 0))) return false;
    }
    enqueue(final_passes_);
  }
  device_->flush();
  return true;
}

std::vector<float> Chain::read_output() const {
  const device::Buffer& stream = activations_.stream();
  const auto bits = device::read_vector<std::uint16_t>(*device_, stream, stream.size_bytes() / kHalfBytes);
  std::vector<float> values(bits.size());
  std::transform(bits.begin(), bits.end(), values.begin(), float_from_half);
  return values;
}

}  // namespace qtrap::chain
