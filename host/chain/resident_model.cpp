#include "chain/resident_model.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "core/contract.hpp"
#include "core/half.hpp"
#include "weights/file.hpp"
#include "weights/type.hpp"
#include "weights/values.hpp"

namespace qtrap::chain {
namespace {

using scheme::WeightFormat;

constexpr std::uint64_t kHalfBytes = 2;

Status run(device::Device& device, const Result<scheme::Pass>& pass) {
  if (!pass) return pass.error();
  device.enqueue(pass.value().launch);
  return Done{};
}

/// Where a tensor lies in a source.
struct Place {
  model::Weight weight;
  std::uint64_t layer = 0;  ///< 0 outside of layers
};

const weights::Tensor* find_tensor(const weights::Decoder& source, Place place) {
  if (place.weight == model::Weight::kHead) return source.tensors.find_head();
  const auto role = find_word<weights::Role>(to_string(place.weight));
  expects(role.has_value(), "every weight of a step is a role of a file's tensors");
  return source.tensors.find(*role, static_cast<std::int64_t>(place.layer));
}

/// Makes weights of lists of operations. Random ones of the projections are numbers of the streams from `first_stream`,
/// one each, in the order of operations; of joined ones one for each part. `apart`: of which parts have their shapes.
class WeightMaker {
 public:
  WeightMaker(const scheme::PassMaker& maker, const model::Step& step, const model::Step& apart, std::uint64_t seed,
              const weights::Decoder* source)
      : maker_(&maker), step_(&step), apart_(&apart), source_(source), seed_(seed) {}

  /// `formats`: f16 first, for the others are made from it.
  Result<ResidentWeights> make(const model::Operations& operations, std::uint64_t layer, std::uint64_t first_stream,
                               const std::vector<WeightFormat>& formats) const {
    ResidentWeights weights;
    for (const WeightFormat format : formats) {
      std::uint64_t stream = first_stream;
      for (const model::Weight name : model::list_weights(operations, model::Kind::kProject)) {
        const auto [rows, columns] = step_->weights.at(name);
        auto made = scheme::allocate_weights(maker_->device(), format, {rows, columns}, maker_->options().group_size);
        if (!made) return made.error();
        weights.projections[format].emplace(name, made.value());
        const device::Buffer& plain = weights.projections.at(format::kPlainFormat).at(name).codes();
        const Status done = fill(made.value(), plain, {name, layer}, stream);
        if (!done) return done.error();
        stream += model::parts_of(name).size();
      }
    }
    for (const model::Weight name : model::list_vectors(operations)) {
      auto vector = make_vector({name, layer});
      if (!vector) return vector.error();
      weights.vectors.emplace(name, vector.value());
    }
    maker_->device().finish();
    return weights;
  }

  /// f16 rows of an embedding, random ones of unit variance.
  Result<device::Buffer> make_embedding(model::Weight name, std::uint64_t stream) const {
    const auto [rows, columns] = step_->weights.at(name);
    auto buffer = maker_->device().make_buffer(kHalfBytes * rows * columns);
    if (!buffer) return buffer;
    const Status done = fill_plain(buffer.value(), {name, 0}, stream, 1.0F);
    if (!done) return done.error();
    maker_->device().finish();
    return buffer;
  }

 private:
  Status fill(const scheme::Weights& weights, const device::Buffer& plain, Place place, std::uint64_t stream) const {
    if (weights.format == format::kPlainFormat) {
      return fill_parts(weights, place, stream);
    }
    const std::vector<model::Weight> parts = model::parts_of(place.weight);
    const auto lies = [&](model::Weight part) { return find_native({part, place.layer}, weights.format) != nullptr; };
    if (std::none_of(parts.begin(), parts.end(), lies)) return scheme::fill_weights(*maker_, plain, weights);
    auto host = read_parts(weights.format, place);
    if (!host) return host.error();
    scheme::upload_weights(maker_->device(), host.value(), weights);
    return Done{};
  }

  /// Of f16: each part is made at the beginning, the last first, and brought to its rows, which begin behind as many.
  Status fill_parts(const scheme::Weights& weights, Place place, std::uint64_t stream) const {
    const auto sigma = static_cast<float>(1.0 / std::sqrt(static_cast<double>(weights.shape.columns)));
    const std::vector<model::Weight> parts = model::parts_of(place.weight);
    std::uint64_t row = weights.shape.rows;
    for (std::size_t i = parts.size(); i-- > 0;) {
      const auto [rows, columns] = apart_->weights.at(parts[i]);
      row -= rows;
      const Status done = fill_plain(weights.codes(), {parts[i], place.layer}, stream + i, sigma);
      if (!done) return done.error();
      if (row == 0) continue;
      expects(row >= rows, "a part begins behind as many rows as it has");
      const std::uint64_t row_bytes = kHalfBytes * columns;
      maker_->device().copy(weights.codes(), weights.codes(), rows * row_bytes, row * row_bytes);
    }
    return Done{};
  }

  /// A tensor of the source that lies there in `format`; null: none does.
  const weights::Tensor* find_native(Place place, WeightFormat format) const {
    const weights::Tensor* tensor = source_ == nullptr ? nullptr : find_tensor(*source_, place);
    return tensor != nullptr && tensor->type->native == format ? tensor : nullptr;
  }

  /// All parts in `format`, as they lie or quantized, rows under rows.
  Result<format::HostWeights> read_parts(WeightFormat format, Place place) const {
    std::optional<format::HostWeights> whole;
    for (const model::Weight weight : model::parts_of(place.weight)) {
      auto part = read_part(format, {weight, place.layer});
      if (!part) return part;
      if (!whole) {
        whole = std::move(part).value();
        continue;
      }
      whole->shape.rows += part.value().shape.rows;
      for (std::size_t i = 0; i < whole->parts.size(); ++i) {
        const std::vector<std::uint8_t>& rows = part.value().parts.at(i);
        whole->parts.at(i).insert(whole->parts.at(i).end(), rows.begin(), rows.end());
      }
    }
    return std::move(whole).value();
  }
  Result<format::HostWeights> read_part(WeightFormat format, Place place) const {
    const weights::Tensor* tensor = find_native(place, format);
    if (tensor != nullptr) {
      auto native = weights::read_native(source_->file, *tensor, weights::all_rows(*tensor));
      source_->file.forget(*tensor);
      return native;
    }
    const auto halves = read(place);
    if (!halves) return halves.error();
    const auto [rows, columns] = apart_->weights.at(place.weight);
    return format::quantize(halves.value(), format, {rows, columns}, maker_->options().group_size);
  }

  Status fill_plain(const device::Buffer& to, Place place, std::uint64_t stream, float sigma) const {
    if (source_ == nullptr) {
      const auto [rows, columns] = apart_->weights.at(place.weight);
      return run(maker_->device(), maker_->random_f16(to, rows * columns, sigma, seed_, stream));
    }
    const auto halves = read(place);
    if (!halves) return halves.error();
    device::write_vector(maker_->device(), to, halves.value());
    return Done{};
  }

  Result<device::Buffer> make_vector(Place place) const {
    device::Device& device = maker_->device();
    auto buffer = device.make_buffer(kHalfBytes * step_->weights.at(place.weight).columns);
    if (!buffer) return buffer;
    if (source_ == nullptr) {
      device.fill(buffer.value(), half_from_float(model::is_bias(place.weight) ? 0.0F : 1.0F));
      return buffer;
    }
    std::vector<std::uint16_t> whole;
    for (const model::Weight weight : model::parts_of(place.weight)) {
      const auto part = read({weight, place.layer});
      if (!part) return part.error();
      whole.insert(whole.end(), part.value().begin(), part.value().end());
    }
    device::write_vector(device, buffer.value(), whole);
    return buffer;
  }

  /// A tensor of the source as f16.
  Result<std::vector<std::uint16_t>> read(Place place) const {
    const weights::Tensor* tensor = find_tensor(*source_, place);
    expects(tensor != nullptr, "a file that was found to be a decoder has every tensor of its step");
    std::vector<std::uint16_t> halves(tensor->elements);
    const Status done = weights::read_rows(source_->file, *tensor, weights::all_rows(*tensor), halves);
    if (!done) return done.error();
    source_->file.forget(*tensor);
    return halves;
  }

  const scheme::PassMaker* maker_;
  const model::Step* step_;
  const model::Step* apart_;
  const weights::Decoder* source_;  ///< null: random
  std::uint64_t seed_;
};

/// The embedding of a decoder: the head itself where they are tied.
Status add_embedding(const WeightMaker& weights, ResidentModel& resident, std::uint64_t stream) {
  for (const model::Weight name : model::list_weights(resident.step.first, model::Kind::kEmbed)) {
    if (name == model::Weight::kHead) {
      resident.first.embedding = resident.final.projections.at(format::kPlainFormat).at(name).codes();
      continue;
    }
    auto embedding = weights.make_embedding(name, stream);
    if (!embedding) return embedding.error();
    resident.first.embedding = embedding.value();
  }
  return Done{};
}

}  // namespace

Result<ResidentModel> ResidentModel::make(const scheme::PassMaker& maker, const profile::ModelProfile& model,
                                          const Demand& demand, std::uint64_t resident_layers, std::uint64_t seed,
                                          const weights::Decoder* source) {
  ResidentModel resident;
  resident.model = model;
  resident.step = model::make_step(model, demand.workload, demand.join);
  resident.layers_to_run = demand.layers_to_run;
  resident.native_head = demand.native_head;
  const model::Step& step = resident.step;
  const model::Step apart = model::make_step(model, demand.workload);
  const WeightMaker weights(maker, step, apart, seed, source);
  const std::vector<WeightFormat> formats = needed_formats(demand.schemes);
  const std::uint64_t streams = model::list_weights(apart.layer, model::Kind::kProject).size();
  for (std::uint64_t i = 0; i < resident_layers; ++i) {
    auto layer = weights.make(step.layer, i, i * streams, formats);
    if (!layer) return layer.error();
    resident.layers.push_back(std::move(layer).value());
  }
  const std::uint64_t after_layers = static_cast<std::uint64_t>(model.layers) * streams;
  auto final = weights.make(step.final, 0, after_layers, head_formats(demand));
  if (!final) return final.error();
  resident.final = std::move(final).value();
  const Status done = add_embedding(weights, resident, after_layers + 1);
  if (!done) return done.error();
  return resident;
}

}  // namespace qtrap::chain
