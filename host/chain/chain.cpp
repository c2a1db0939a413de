#include "chain/chain.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "core/contract.hpp"
#include "core/half.hpp"
#include "core/philox.hpp"

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

/// Makes the passes of lists of operations.
class StepPasses {
 public:
  StepPasses(const scheme::PassMaker& maker, const ResidentModel& model, const Activations& activations)
      : maker_(&maker), model_(&model), step_(&activations.step), a_(&activations) {}

  /// Projections by `projections`, from weights of `format`; `cache` and `layer`: of the run, where there is one.
  Result<std::vector<Pass>> make(const model::Operations& operations, const ResidentWeights& weights,
                                 const scheme::SchemePasses* projections, scheme::WeightFormat format,
                                 CacheFormat cache = CacheFormat::kF16, std::size_t layer = 0) const {
    PassList list;
    const std::vector<bool> is_new = model::find_new_inputs(operations);
    for (std::size_t i = 0; i < operations.size(); ++i) {
      const model::Operation& operation = operations[i];
      if (operation.kind == model::Kind::kAttend) {
        list.add(attend(operation, cache, layer));
      } else if (operation.kind != model::Kind::kProject) {
        list.add(make_alone(operation, weights));
      } else {
        const device::Buffer& x = a_->at(operation.inputs[0]);
        if (is_new[i]) list.add(projections->input_passes(x, step_->width(operation.inputs[0])));
        const scheme::Weights& matrix = weights.projections.at(format).at(*operation.weight);
        list.add(projections->projection_passes(matrix, x, a_->at(operation.output)));
      }
    }
    return list.take();
  }

 private:
  /// An input of an operation, of its own or part of a joined one.
  scheme::Columns columns(const model::Operation& operation, std::size_t input) const {
    const model::Place place = step_->place_of(operation.inputs.at(input));
    return {a_->at(place.whole), place.first, place.row};
  }

  Result<std::vector<Pass>> attend(const model::Operation& operation, CacheFormat format, std::size_t layer) const {
    const Context& context = *a_->context;
    const scheme::KvCache& cache = context.caches.at(format).at(layer);
    PassList list;
    const scheme::QueryKeyValue qkv{columns(operation, 0), columns(operation, 1), columns(operation, 2)};
    const device::Buffer& turned = a_->turned ? a_->turned : a_->at(operation.inputs[0]);
    list.add(maker_->rotate_store(qkv, turned, context.angles, context.position, cache, a_->attention, context.pairs));
    list.add(maker_->attend(turned, cache, context.position, a_->parts, a_->attention));
    list.add(maker_->combine_heads(a_->parts, a_->at(operation.output), a_->attention));
    return list.take();
  }

  /// Of an operation that is one pass, the same in every scheme.
  Result<Pass> make_alone(const model::Operation& operation, const ResidentWeights& weights) const {
    const auto in = [&](std::size_t i) -> const device::Buffer& { return a_->at(operation.inputs.at(i)); };
    const device::Buffer& out = a_->at(operation.output);
    const std::uint64_t width = step_->width(operation.output);
    const std::uint64_t tokens = a_->rows(operation.inputs[0]);
    const auto eps = static_cast<float>(model_->model.rms_eps);
    switch (operation.kind) {
      case model::Kind::kNorm:
        return maker_->rms_norm(in(0), weights.vectors.at(*operation.weight), out, width, tokens, eps);
      case model::Kind::kHeadNorm:
        return maker_->rms_norm_heads(columns(operation, 0), weights.vectors.at(*operation.weight), step_->head_dim,
                                      width / step_->head_dim, tokens, eps);
      case model::Kind::kBias:
        return maker_->add_bias(out, weights.vectors.at(*operation.weight), width, tokens);
      case model::Kind::kExpandHeads:
        return maker_->expand_heads(columns(operation, 0), out, width / step_->head_dim,
                                    step_->width(operation.inputs[0]) / step_->head_dim, step_->head_dim, tokens);
      case model::Kind::kAdd:
        return maker_->residual_add(in(0), in(1), tokens * width);
      case model::Kind::kGate:
        return maker_->swiglu(columns(operation, 0), columns(operation, 1), out, width, tokens);
      case model::Kind::kEmbed:
        return maker_->embed(model_->first.embedding, in(0), out, step_->weights.at(*operation.weight).rows, width,
                             tokens);
      case model::Kind::kLast:
        return maker_->embed(in(0), a_->last_rows, out, tokens, width, a_->rows(operation.output));
      case model::Kind::kChoose:
        return maker_->choose(in(0), out, a_->context->position, step_->width(operation.inputs[0]), tokens,
                              a_->attention.run);
      case model::Kind::kProject:
      case model::Kind::kAttend:
        break;
    }
    fail_contract("projections and attention are several passes");
  }

  const scheme::PassMaker* maker_;
  const ResidentModel* model_;
  const model::Step* step_;
  const Activations* a_;
};

/// Buffers of all tensors of the step that have a width and are no part of another.
Status allocate(device::Device& device, Activations& a) {
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    const auto tensor = static_cast<model::Tensor>(i);
    if (a.step.widths[i] == 0 || a.step.parts.contains(tensor)) continue;
    auto buffer = device.make_buffer(model::element_bytes(tensor) * a.rows(tensor) * a.step.widths[i]);
    if (!buffer) return buffer.error();
    a.tensors[i] = buffer.value();
  }
  auto seed = device.make_buffer(a.at(a.input).size_bytes());
  if (!seed) return seed.error();
  a.seed = seed.value();
  return Done{};
}

}  // namespace

Result<Activations> Activations::make(const scheme::PassMaker& maker, const profile::ModelProfile& model,
                                      std::uint64_t tokens, std::uint64_t seed, Join join) {
  device::Device& device = maker.device();
  Activations a;
  a.tokens = tokens;
  a.step = model::make_step(model, model::Workload::kProjections, join);
  if (const Status done = allocate(device, a); !done) return done.error();
  const std::uint64_t width = a.step.width(a.input);
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

Result<Activations> Activations::make(const scheme::PassMaker& maker, const model::Step& step,
                                      std::shared_ptr<const Context> context, std::uint64_t run, std::uint64_t seed) {
  device::Device& device = maker.device();
  Activations a;
  a.step = step;
  a.attention = attention_shape(device.info(), step, {context->sequences, run, context->capacity});
  a.context = std::move(context);
  a.tokens = a.attention.tokens();
  a.input = model::Tensor::kToken;
  if (const Status done = allocate(device, a); !done) return done.error();
  auto parts = device.make_buffer(a.attention.part_bytes());
  if (!parts) return parts.error();
  a.parts = parts.value();
  if (step.parts.contains(model::Tensor::kQuery)) {
    auto turned = device.make_buffer(kHalfBytes * a.tokens * step.width(model::Tensor::kQuery));
    if (!turned) return turned.error();
    a.turned = turned.value();
  }
  if (step.width(model::Tensor::kLast) > 0) {
    std::vector<std::uint32_t> places(a.attention.sequences);
    for (std::uint64_t s = 0; s < places.size(); ++s) places[s] = static_cast<std::uint32_t>((s + 1) * run - 1);
    auto last = device.make_buffer(sizeof(std::uint32_t) * places.size());
    if (!last) return last.error();
    a.last_rows = last.value();
    device::write_vector(device, a.last_rows, places);
  }
  std::vector<std::uint32_t> ids(a.tokens);
  const auto vocab = static_cast<std::uint32_t>(step.width(model::Tensor::kLogits));
  PhiloxStream stream(seed, kSeedTensor);
  for (std::uint32_t& id : ids) id = stream() % vocab;
  device::write_vector(device, a.seed, ids);
  return a;
}

Result<Chain> Chain::make(const scheme::PassMaker& maker, const ResidentModel& model, const Activations& activations,
                          const scheme::SchemeInfo& scheme) {
  Chain chain;
  chain.device_ = &maker.device();
  chain.scheme_ = scheme;
  chain.activations_ = activations;
  chain.layers_to_run_ = model.layers_to_run;
  const model::Step& operations = activations.step;
  const auto make_projections = [&](const scheme::SchemeInfo& info, const model::Operations& list, std::uint64_t tokens,
                                    std::shared_ptr<scheme::SchemePasses>& to) -> Status {
    const auto shapes = projection_shapes(operations, list);
    if (shapes.empty()) return Done{};
    auto made = scheme::SchemePasses::make(maker, info, tokens, shapes);
    if (!made) return made.error();
    to = std::make_shared<scheme::SchemePasses>(std::move(made).value());
    return Done{};
  };
  Status made = make_projections(scheme, operations.layer, activations.tokens, chain.scheme_passes_);
  if (!made) return made.error();
  const scheme::SchemeInfo head = head_scheme(scheme, model.native_head);
  made = make_projections(head, operations.final, activations.rows(model::Tensor::kLogits), chain.head_passes_);
  if (!made) return made.error();
  const StepPasses step(maker, model, activations);
  const std::size_t layers = activations.context ? model.layers_to_run : model.layers.size();
  for (std::size_t layer = 0; layer < layers; ++layer) {
    auto passes = step.make(operations.layer, model.layers[layer % model.layers.size()], chain.scheme_passes_.get(),
                            scheme.weights, scheme.cache, layer);
    if (!passes) return passes.error();
    chain.layer_passes_.push_back(std::move(passes).value());
  }
  auto first = step.make(operations.first, model.first, nullptr, format::kPlainFormat);
  if (!first) return first.error();
  chain.first_passes_ = std::move(first).value();
  auto final = step.make(operations.final, model.final, chain.head_passes_.get(), head.weights);
  if (!final) return final.error();
  chain.final_passes_ = std::move(final).value();
  if (activations.context) {
    chain.head_ = head;
    for (Pass& pass : chain.final_passes_) {
      pass.role = scheme::Role::kHead;
      chain.head_macs_ += pass.costs.macs;
    }
  }
  chain.for_each_pass([&](const Pass& pass) {
    chain.step_costs_ += pass.costs;
    chain.bytes_per_position_ += pass.bytes_per_position;
    chain.step_roles_.push_back(pass.role);
  });
  return chain;
}

scheme::Costs Chain::compute_costs(std::uint64_t filled, std::uint64_t steps) const {
  scheme::Costs costs;
  for (std::uint64_t step = 0; step < steps; ++step) costs += step_costs_;
  // Step i reads the positions filled + run (i + 1).
  const std::uint64_t run = activations_.attention.run;
  costs.bytes += bytes_per_position_ * (steps * filled + run * steps * (steps + 1) / 2);
  return costs;
}

void Chain::for_each_pass(const std::function<void(const Pass&)>& visit) const {
  for (const Pass& pass : first_passes_) visit(pass);
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
  device_->copy(activations_.seed, activations_.at(activations_.input), activations_.seed.size_bytes());
  if (const auto& context = activations_.context)
    device_->copy(context->start, context->position, context->start.size_bytes());
}

void Chain::set_tokens(const std::vector<std::uint32_t>& ids) {
  expects(activations_.context != nullptr && ids.size() == activations_.tokens, "a decoder is given all of its tokens");
  device::write_vector(*device_, activations_.at(model::Tensor::kToken), ids);
}

bool Chain::enqueue_steps(std::uint64_t steps, bool profiled, const AfterLayer& after_layer) {
  std::uint64_t launches = 0;
  const auto enqueue = [&](const std::vector<Pass>& passes) {
    for (const Pass& pass : passes) profiled ? device_->enqueue_profiled(pass.launch) : device_->enqueue(pass.launch);
    launches += passes.size();
  };
  for (std::uint64_t step = 0; step < steps; ++step) {
    enqueue(first_passes_);
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
  const device::Buffer& output =
      activations_.at(activations_.context ? model::Tensor::kLogits : model::Tensor::kStream);
  const auto bits = device::read_vector<std::uint16_t>(*device_, output, output.size_bytes() / kHalfBytes);
  std::vector<float> values(bits.size());
  std::transform(bits.begin(), bits.end(), values.begin(), float_from_half);
  return values;
}

std::vector<std::uint32_t> Chain::read_tokens() const {
  const bool prefills = activations_.step.width(model::Tensor::kChosen) > 0;
  const model::Tensor chosen = prefills ? model::Tensor::kChosen : model::Tensor::kToken;
  return device::read_vector<std::uint32_t>(*device_, activations_.at(chosen), activations_.rows(chosen));
}

}  // namespace qtrap::chain
