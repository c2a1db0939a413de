#include "chain/resident_model.hpp"

#include <cmath>

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

Result<ResidentLayer> make_layer(const scheme::PassMaker& maker, const profile::ModelProfile& model,
                                 const std::vector<WeightFormat>& formats, std::uint64_t layer_index,
                                 std::uint64_t seed) {
  device::Device& device = maker.device();
  ResidentLayer layer;
  const auto shapes = projection_shapes(model);
  for (const WeightFormat format : formats) {
    auto& slots = layer.projections[format];
    for (std::size_t i = 0; i < kProjectionCount; ++i) {
      auto weights = scheme::allocate_weights(device, format, shapes[i], maker.options().group_size);
      if (!weights) return weights.error();
      slots[i] = weights.value();
      const device::Buffer& f16 = layer.projections.at(format::kPlainFormat)[i].codes();
      const auto sigma = static_cast<float>(1.0 / std::sqrt(static_cast<double>(shapes[i].columns)));
      const Status done = format == format::kPlainFormat
                              ? run(device, maker.random_f16(f16, shapes[i].rows * shapes[i].columns, sigma, seed,
                                                             layer_index * kProjectionCount + i))
                              : scheme::fill_weights(maker, f16, slots[i]);
      if (!done) return done.error();
    }
  }
  for (auto member : {&ResidentLayer::attention_norm, &ResidentLayer::ffn_norm}) {
    auto ones = make_ones(device, static_cast<std::uint64_t>(model.hidden));
    if (!ones) return ones.error();
    layer.*member = ones.value();
  }
  device.finish();
  return layer;
}

}  // namespace

Result<ResidentModel> ResidentModel::make(const scheme::PassMaker& maker, const profile::ModelProfile& model,
                                          const Demand& demand, std::uint64_t resident_layers, std::uint64_t seed) {
  ResidentModel resident;
  resident.model = model;
  resident.layers_to_run = demand.layers_to_run;
  const auto formats = needed_formats(demand.schemes);  // f16 first: the others are made from it
  for (std::uint64_t i = 0; i < resident_layers; ++i) {
    auto layer = make_layer(maker, model, formats, i, seed);
    if (!layer) return layer.error();
    resident.layers.push_back(std::move(layer).value());
  }
  auto ones = make_ones(maker.device(), static_cast<std::uint64_t>(model.hidden));
  if (!ones) return ones.error();
  resident.final_norm = ones.value();
  return resident;
}

}  // namespace qtrap::chain
