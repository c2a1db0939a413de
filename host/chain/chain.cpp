#include "chain/chain.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "core/half.hpp"

namespace qtrap::chain {
namespace {

using scheme::Pass;

constexpr std::uint64_t kHalfBytes = 2;
/// Stream of the chain's seed, apart from those of the weights (layer * 7 + projection).
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

Result<std::vector<Pass>> make_layer_passes(const scheme::PassMaker& maker, const scheme::SchemePasses& scheme_passes,
                                            const profile::ModelProfile& model, const Activations& a,
                                            const std::array<scheme::Weights, kProjectionCount>& weights,
                                            const ResidentLayer& layer) {
  const auto hidden = static_cast<std::uint64_t>(model.hidden);
  const auto ffn = static_cast<std::uint64_t>(model.ffn);
  const auto heads = static_cast<std::uint64_t>(model.heads);
  const auto kv_heads = static_cast<std::uint64_t>(model.kv_heads);
  const auto head_dim = static_cast<std::uint64_t>(model.head_dim);
  PassList list;
  const auto project = [&](Projection projection, const device::Buffer& x, const device::Buffer& y) {
    list.add(scheme_passes.projection_passes(weights.at(static_cast<std::size_t>(projection)), x, y));
  };
  list.add(maker.rms_norm(a.x, layer.attention_norm, a.h, hidden, a.tokens));
  list.add(scheme_passes.input_passes(a.h, hidden));
  project(Projection::kQ, a.h, a.q);
  project(Projection::kK, a.h, a.k);
  project(Projection::kV, a.h, a.v);
  list.add(maker.expand_heads(a.v, a.attention, heads, kv_heads, head_dim, a.tokens));
  list.add(scheme_passes.input_passes(a.attention, heads * head_dim));
  project(Projection::kO, a.attention, a.y);
  list.add(maker.residual_add(a.x, a.y, a.tokens * hidden));
  list.add(maker.rms_norm(a.x, layer.ffn_norm, a.h, hidden, a.tokens));
  list.add(scheme_passes.input_passes(a.h, hidden));
  project(Projection::kGate, a.h, a.gate);
  project(Projection::kUp, a.h, a.up);
  list.add(maker.swiglu(a.gate, a.up, a.act, a.tokens * ffn));
  list.add(scheme_passes.input_passes(a.act, ffn));
  project(Projection::kDown, a.act, a.y);
  list.add(maker.residual_add(a.x, a.y, a.tokens * hidden));
  return list.take();
}

}  // namespace

Result<Activations> Activations::make(const scheme::PassMaker& maker, const profile::ModelProfile& model,
                                      std::uint64_t tokens, std::uint64_t seed) {
  device::Device& device = maker.device();
  Activations a;
  a.tokens = tokens;
  const auto shapes = projection_shapes(model);
  const auto hidden = static_cast<std::uint64_t>(model.hidden);
  const std::uint64_t q = shapes[0].rows;
  const std::uint64_t kv = shapes[1].rows;
  const auto ffn = static_cast<std::uint64_t>(model.ffn);
  const std::pair<device::Buffer Activations::*, std::uint64_t> buffers[] = {
      {&Activations::seed, hidden}, {&Activations::x, hidden},    {&Activations::h, hidden}, {&Activations::y, hidden},
      {&Activations::q, q},         {&Activations::attention, q}, {&Activations::k, kv},     {&Activations::v, kv},
      {&Activations::gate, ffn},    {&Activations::up, ffn},      {&Activations::act, ffn}};
  for (const auto& [member, width] : buffers) {
    auto buffer = device.make_buffer(kHalfBytes * tokens * width);
    if (!buffer) return buffer.error();
    a.*member = buffer.value();
  }
  auto numbers = device.make_buffer(sizeof(float) * tokens * hidden);
  if (!numbers) return numbers.error();
  auto random = maker.random_f32(numbers.value(), tokens * hidden, 1.0F, seed, kSeedTensor);
  if (!random) return random.error();
  auto cast = maker.cast_f32_f16(numbers.value(), a.seed, tokens * hidden);
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
  const auto shapes = projection_shapes(model.model);
  auto scheme_passes = scheme::SchemePasses::make(maker, scheme, activations.tokens, {shapes.begin(), shapes.end()});
  if (!scheme_passes) return scheme_passes.error();
  chain.scheme_passes_ = std::make_shared<scheme::SchemePasses>(std::move(scheme_passes).value());
  for (const ResidentLayer& layer : model.layers) {
    auto passes = make_layer_passes(maker, *chain.scheme_passes_, model.model, activations,
                                    layer.projections.at(scheme.weights), layer);
    if (!passes) return passes.error();
    chain.layer_passes_.push_back(std::move(passes).value());
  }
  PassList last;
  last.add(maker.rms_norm(activations.x, model.final_norm, activations.x,
                          static_cast<std::uint64_t>(model.model.hidden), activations.tokens));
  auto passes = last.take();
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

void Chain::enqueue_reset() { device_->copy(activations_.seed, activations_.x, activations_.x.size_bytes()); }

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
  const auto bits =
      device::read_vector<std::uint16_t>(*device_, activations_.x, activations_.x.size_bytes() / kHalfBytes);
  std::vector<float> values(bits.size());
  std::transform(bits.begin(), bits.end(), values.begin(), float_from_half);
  return values;
}

}  // namespace qtrap::chain
