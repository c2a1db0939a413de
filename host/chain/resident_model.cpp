#include "chain/resident_model.hpp"

#include <cmath>
#include <utility>

#include "core/half.hpp"

namespace qtrap::chain {
namespace {

using scheme::WeightFormat;

constexpr std::uint64_t kHalfBytes = 2;

Status run(device::Device& device, const Result<scheme::Pass>& pass) {
  if (!pass) return pass.error();
  device.enqueue(pass.value().launch);
  return Done{};
}

Result<device::Buffer> make_ones(device::Device& device, std::uint64_t count) {
  auto buffer = device.make_buffer(kHalfBytes * count);
  if (buffer) device.fill(buffer.value(), half_from_float(1.0F));
  return buffer;
}

/// The weights of the projections are numbers of the streams from `first_stream`, one each, in the order of operations.
class WeightMaker {
 public:
  WeightMaker(const scheme::PassMaker& maker, const model::Step& step, std::vector<WeightFormat> formats,
              std::uint64_t seed)
      : maker_(&maker), step_(&step), formats_(std::move(formats)), seed_(seed) {}

  Result<ResidentWeights> make(const model::Operations& operations, std::uint64_t first_stream) const {
    ResidentWeights weights;
    for (const WeightFormat format : formats_) {
      std::uint64_t stream = first_stream;
      for (const model::Weight name : model::list_weights(operations, model::Kind::kProject)) {
        const auto [rows, columns] = step_->weights.at(name);
        auto made = scheme::allocate_weights(maker_->device(), format, {rows, columns}, maker_->options().group_size);
        if (!made) return made.error();
        weights.projections[format].emplace(name, made.value());
        const Status done = fill(made.value(), weights.projections.at(format::kPlainFormat).at(name), stream++);
        if (!done) return done.error();
      }
    }
    for (const model::Weight name : model::list_weights(operations, model::Kind::kNorm)) {
      auto ones = make_ones(maker_->device(), step_->weights.at(name).columns);
      if (!ones) return ones.error();
      weights.norms.emplace(name, ones.value());
    }
    maker_->device().finish();
    return weights;
  }

 private:
  Status fill(const scheme::Weights& weights, const scheme::Weights& plain, std::uint64_t stream) const {
    if (weights.format != format::kPlainFormat) return scheme::fill_weights(*maker_, plain.codes(), weights);
    const auto [rows, columns] = weights.shape;
    const auto sigma = static_cast<float>(1.0 / std::sqrt(static_cast<double>(columns)));
    return run(maker_->device(), maker_->random_f16(weights.codes(), rows * columns, sigma, seed_, stream));
  }

  const scheme::PassMaker* maker_;
  const model::Step* step_;
  std::vector<WeightFormat> formats_;  ///< f16 first: the others are made from it
  std::uint64_t seed_;
};

}  // namespace

Result<ResidentModel> ResidentModel::make(const scheme::PassMaker& maker, const profile::ModelProfile& model,
                                          const Demand& demand, std::uint64_t resident_layers, std::uint64_t seed) {
  ResidentModel resident;
  resident.model = model;
  resident.step = model::make_step(model);
  resident.layers_to_run = demand.layers_to_run;
  const model::Step& step = resident.step;
  const WeightMaker weights(maker, step, needed_formats(demand.schemes), seed);
  const std::uint64_t streams = model::list_weights(step.layer, model::Kind::kProject).size();
  for (std::uint64_t i = 0; i < resident_layers; ++i) {
    auto layer = weights.make(step.layer, i * streams);
    if (!layer) return layer.error();
    resident.layers.push_back(std::move(layer).value());
  }
  auto final = weights.make(step.final, static_cast<std::uint64_t>(model.layers) * streams);
  if (!final) return final.error();
  resident.final = std::move(final).value();
  return resident;
}

}  // namespace qtrap::chain
