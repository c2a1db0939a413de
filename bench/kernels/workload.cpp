#include "workload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.hpp"
#include "core/half.hpp"
#include "scheme/catalogue/ceiling_kernels.hpp"
#include "scheme/pass_factory.hpp"

namespace qtrap::bench {
namespace {

using device::Access;
using device::Buffer;
using device::BufferArg;
using scheme::Pass;
using scheme::Role;
using scheme::WeightFormat;
using scheme::Weights;

constexpr std::uint64_t kCacheFactor = 4;
constexpr std::uint64_t kAssumedCache = std::uint64_t{32} << 20;  // where the device does not report one
constexpr float kWeightDeviation = 0.02F;
constexpr std::uint64_t kSeed = 20261122;
constexpr std::uint64_t kInputTensor = 1U << 20;
constexpr double kPeerSettleSeconds = 0.06;  // OpenBLAS's threads spin for 2^26 cycles after a call

std::uint32_t vectors(const Buffer& buffer) {
  return static_cast<std::uint32_t>(buffer.size_bytes() / scheme::CeilingKernels::kVectorBytes);
}

/// The read that bounds a matmul pass, by the format of its weights.
std::string bounding_read(const std::string& kernel) {
  const scheme::KernelEntry* entry = scheme::find_named(kernel);
  return fmt::format("read {}", format::info(entry->operation.weights.value()).name);
}

std::vector<const format::FormatInfo*> chosen_formats(const std::vector<std::string>& names) {
  std::vector<const format::FormatInfo*> chosen;
  std::vector<std::string> unknown = names;
  for (const format::FormatInfo& format : format::all_formats()) {
    const bool named = std::erase(unknown, format.name) > 0;
    if (names.empty() || named || format.format == format::kPlainFormat) chosen.push_back(&format);
  }
  if (!unknown.empty())
    throw Failure(
        usage_error("no such weight format", unknown.front(), "name formats as schemes do, e.g. int4 or q4_k"));
  return chosen;
}

}  // namespace

Workload::Workload(device::Device& device, scheme::ProjectionShape shape, std::uint32_t group_size,
                   const std::vector<std::string>& formats)
    : device_(&device), maker_(device, {"", group_size}), shape_(shape), formats_(chosen_formats(formats)) {
  for (const scheme::SchemeInfo& info : scheme::all_schemes()) {
    if (std::any_of(formats_.begin(), formats_.end(), [&](const auto* f) { return f->format == info.weights; }))
      schemes_.push_back(&info);
  }
  const std::uint64_t values = shape.rows * shape.columns;
  for (const format::FormatInfo* chosen : formats_) {
    const format::FormatInfo& format = *chosen;
    std::vector<Weights>& all = weights_[format.format];
    const std::uint64_t codes = format.parts.front().bytes(shape, group_size);
    for (std::size_t i = 0; i < matrix_count(codes); ++i) {
      all.push_back(scheme::allocate_weights(device, format.format, shape, group_size).value());
      if (format.format == format::kPlainFormat) {
        run(maker_.random_f16(all.back().codes(), values, kWeightDeviation, kSeed, i).value());
      } else if (i == 0 || format.header_option.empty()) {
        scheme::fill_weights(maker_, plain_weights(i), all.back()).value();
      } else {  // the same bits in another place: quantizing on the host takes seconds
        scheme::upload_weights(device, scheme::download_weights(device, all.front(), group_size), all.back());
      }
    }
  }
}

const Buffer& Workload::plain_weights(std::size_t i) const {
  const std::vector<Weights>& all = matrices(format::kPlainFormat);
  return all[i % all.size()].codes();
}

Buffer Workload::buffer(std::uint64_t bytes) { return device_->make_buffer(bytes).value(); }

void Workload::run(const Pass& pass) {
  device_->enqueue(pass.launch);
  device_->finish();
}

std::size_t Workload::matrix_count(std::uint64_t bytes) const {
  const std::uint64_t cache = device_->info().cache_bytes > 0 ? device_->info().cache_bytes : kAssumedCache;
  return static_cast<std::size_t>(std::max<std::uint64_t>(2, (kCacheFactor * cache) / bytes + 1));
}

const std::vector<Weights>& Workload::matrices(WeightFormat format) const { return weights_.at(format); }

Case Workload::launches(std::string name, std::string kind, std::vector<std::vector<Pass>> passes_per_matrix) {
  Case made{std::move(name), std::move(kind), "", 0, 0, {}, [device = device_] { device->finish(); }, 0};
  for (const Pass& pass : passes_per_matrix.front()) {
    made.bytes += static_cast<double>(pass.costs.bytes);
    made.macs += static_cast<double>(pass.costs.macs);
  }
  for (const std::vector<Pass>& passes : passes_per_matrix) {
    std::vector<device::Launch> queue;
    queue.reserve(passes.size());
    for (const Pass& pass : passes) queue.push_back(pass.launch);
    made.calls.push_back([device = device_, queue] {
      for (const device::Launch& launch : queue) device->enqueue(launch);
    });
  }
  return made;
}

Pass Workload::ceiling_pass(scheme::Ceiling ceiling, const std::vector<device::Argument>& arguments) {
  const scheme::CeilingKernels kernels(device_->info());
  const auto program = kernels.program(ceiling).value();
  auto kernel = device_->make_kernel(scheme::CeilingKernels::kFile, program.entry, program.options).value();
  kernel.set_arguments(arguments);
  return {Role::kOther, program.entry, "none", {kernel, kernels.size()}, {}, {}};
}

Case Workload::read_case(const std::string& name, const std::vector<Buffer>& buffers) {
  const scheme::CeilingKernels kernels(device_->info());
  const Buffer out = buffer(kernels.items() * sizeof(std::uint32_t));
  std::vector<std::vector<Pass>> launches_of_buffers;
  for (const Buffer& in : buffers) {
    launches_of_buffers.push_back({ceiling_pass(
        scheme::Ceiling::kRead, {BufferArg{in, Access::kRead}, BufferArg{out, Access::kWrite}, vectors(in), 1U})});
    launches_of_buffers.back().back().costs.bytes = in.size_bytes();
  }
  return launches(name, "roof", std::move(launches_of_buffers));
}

std::vector<std::vector<Pass>> Workload::scheme_passes(const scheme::PassMaker& maker, const scheme::SchemeInfo& info,
                                                       std::uint64_t tokens) {
  const auto passes = scheme::SchemePasses::make(maker, info, tokens, {shape_}).value();
  const std::vector<Pass> before = passes.input_passes(x_, shape_.columns).value();
  std::vector<std::vector<Pass>> all;
  for (const Weights& weights : matrices(info.weights)) {
    all.push_back(before);
    for (Pass& pass : passes.projection_passes(weights, x_, y_).value()) all.back().push_back(std::move(pass));
  }
  return all;
}

void Workload::add_schemes(Group& group) {
  std::set<std::string> seen;
  std::vector<Case> alone;
  for (const scheme::SchemeInfo* scheme : schemes_) {
    const scheme::SchemeInfo& info = *scheme;
    const std::vector<std::vector<Pass>> all = scheme_passes(maker_, info, group.tokens);
    group.cases.push_back(launches(std::string(info.name), "scheme", all));
    const scheme::PassMaker plain_maker(*device_, {"", maker_.options().group_size, device_->info().kernel_family()});
    const std::vector<std::vector<Pass>> plain = scheme_passes(plain_maker, info, group.tokens);
    const auto same_kernel = [](const Pass& one, const Pass& other) { return one.kernel == other.kernel; };
    if (!std::equal(all.front().begin(), all.front().end(), plain.front().begin(), plain.front().end(), same_kernel))
      group.cases.push_back(launches(fmt::format("{} plain", info.name), "scheme", plain));
    for (std::size_t p = 0; p < all.front().size(); ++p) {
      const std::string& kernel = all.front()[p].kernel;
      if (!seen.insert(kernel).second) continue;
      std::vector<std::vector<Pass>> one;
      one.reserve(all.size());
      for (const auto& of_matrix : all) one.push_back({of_matrix[p]});
      alone.push_back(launches(kernel, "pass", std::move(one)));
      if (all.front()[p].role == Role::kMatmul) alone.back().reference = bounding_read(kernel);
    }
  }
  std::move(alone.begin(), alone.end(), std::back_inserter(group.cases));
}

void Workload::make_peer_weights() {
  if (!peer_weights_.empty()) return;
  const std::uint64_t values = shape_.rows * shape_.columns;
  const Buffer wide = buffer(4 * values);
  for (std::size_t i = 0; i < matrix_count(4 * values); ++i) {
    run(maker_.cast_f16_f32(plain_weights(i), wide, values).value());
    peer_weights_.push_back(device::read_vector<float>(*device_, wide, values));
  }
}

void Workload::add_peers(Group& group, const std::vector<PeerState*>& peers) {
  if (peers.empty()) return;
  make_peer_weights();
  const auto bits = device::read_vector<std::uint16_t>(*device_, x_, group.tokens * shape_.columns);
  peer_x_.resize(bits.size());
  std::transform(bits.begin(), bits.end(), peer_x_.begin(), float_from_half);
  peer_y_.assign(group.tokens * shape_.rows, 0.0F);
  std::vector<std::span<float>> weights(peer_weights_.begin(), peer_weights_.end());
  for (PeerState* state : peers) {
    Peer* peer = state->peer.get();
    peer->bind(shape_, weights, group.tokens, peer_x_, peer_y_);
    Case made{peer->routine(group.tokens), "peer", "", 0, 0, {}, [peer] { peer->finish(); }, kPeerSettleSeconds};
    made.bytes =
        4.0 * static_cast<double>(shape_.rows * shape_.columns + group.tokens * (shape_.rows + shape_.columns));
    made.macs = static_cast<double>(shape_.rows * shape_.columns * group.tokens);
    for (std::size_t i = 0; i < weights.size(); ++i) made.calls.push_back([peer, i] { peer->multiply(i); });
    group.cases.push_back(std::move(made));
  }
}

Group Workload::make_group(std::uint64_t tokens, const std::vector<PeerState*>& peers) {
  Group group{shape_.rows, shape_.columns, tokens, {}};
  const std::uint64_t inputs = tokens * shape_.columns;
  x_ = buffer(2 * inputs);
  y_ = buffer(2 * tokens * shape_.rows);
  run(maker_.random_f16(x_, inputs, 1.0F, kSeed, kInputTensor).value());
  add_schemes(group);
  for (const format::FormatInfo* chosen : formats_) {
    const format::FormatInfo& format = *chosen;
    std::vector<Buffer> codes;
    for (const Weights& weights : matrices(format.format)) codes.push_back(weights.codes());
    group.cases.push_back(read_case(fmt::format("read {}", format.name), codes));
  }
  add_peers(group, peers);
  return group;
}

Case Workload::fma_case() {
  const scheme::CeilingKernels kernels(device_->info());
  constexpr std::uint32_t kRounds = 1U << 18;  // milliseconds: a launch and a wait are below 1 %
  Pass pass = ceiling_pass(scheme::Ceiling::kFp32,
                           {BufferArg{buffer(kernels.items() * sizeof(std::uint32_t)), Access::kWrite}, kRounds});
  const double macs = kernels.program(scheme::Ceiling::kFp32).value().macs_per_round;
  pass.costs.macs = static_cast<std::uint64_t>(macs * kRounds * static_cast<double>(kernels.items()));
  return launches("fma", "roof", {{pass}});
}

Pass Workload::copy_pass(const Buffer& from, const Buffer& to, std::uint64_t values) {
  Pass pass = ceiling_pass(scheme::Ceiling::kCopy,
                           {BufferArg{from, Access::kRead}, BufferArg{to, Access::kWrite}, vectors(from)});
  pass.costs.bytes = 4 * values;
  return pass;
}

Pass Workload::make_pass(const scheme::OperationId& operation, std::vector<BufferArg> buffers, std::uint64_t first,
                         std::uint64_t second, const scheme::Extent& extent) {
  return scheme::make_pass(*device_, maker_.options(),
                           {operation,
                            std::move(buffers),
                            {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(second)},
                            extent,
                            {}})
      .value();
}

Group Workload::make_bandwidth_group() {
  Group group{shape_.rows, shape_.columns, 0, {}};
  group.cases.push_back(fma_case());
  const auto rows = shape_.rows;  // no structured binding: clang 14 lets no lambda capture one
  const auto columns = shape_.columns;
  const std::uint64_t values = rows * columns;
  const std::size_t plain_count = matrices(format::kPlainFormat).size();
  std::vector<Buffer> half_out, wide;
  for (std::size_t i = 0; i < plain_count; ++i) half_out.push_back(buffer(2 * values));
  for (std::size_t i = 0; i < matrix_count(4 * values) - 1; ++i) {
    wide.push_back(buffer(4 * values));
    run(maker_.cast_f16_f32(plain_weights(i), wide.back(), values).value());
  }
  const Buffer scales = buffer(4 * rows);
  const auto add = [&](const std::string& name, std::size_t count, const auto& make) {
    std::vector<std::vector<Pass>> passes;
    for (std::size_t i = 0; i < count; ++i) passes.push_back({make(i)});
    const std::string shown = name.empty() ? passes[0][0].kernel : name;
    group.cases.push_back(launches(shown, "bandwidth", std::move(passes)));
    if (name.empty()) group.cases.back().reference = "copy";
  };
  add("copy", plain_count, [&](std::size_t i) { return copy_pass(plain_weights(i), half_out[i], values); });
  const auto out = [&](std::size_t i) { return BufferArg{half_out[i % half_out.size()], Access::kWrite}; };
  for (const format::FormatInfo* chosen : formats_) {
    const format::FormatInfo& format = *chosen;
    if (format.format == format::kPlainFormat) continue;
    const std::vector<Weights>& all = matrices(format.format);
    add("", all.size(), [&](std::size_t i) {
      std::vector<BufferArg> buffers;
      for (const format::Part& part : format.parts) buffers.push_back({all[i].part(part.name), Access::kRead});
      buffers.push_back(out(i));
      return make_pass({scheme::OperationKind::kDequantize, format.format}, std::move(buffers), rows, columns,
                       {.rows = rows, .columns = columns});
    });
  }
  add("", plain_count,
      [&](std::size_t i) { return maker_.cast_f16_f32(plain_weights(i), wide[i % wide.size()], values).value(); });
  add("", half_out.size(),
      [&](std::size_t i) { return maker_.cast_f32_f16(wide[i % wide.size()], half_out[i], values).value(); });
  add("", plain_count, [&](std::size_t i) {
    const Buffer codes = scheme::exact_view(*device_, half_out[i], values);
    return make_pass({scheme::OperationKind::kQuantize, {}, scheme::Form::kI8},
                     {{plain_weights(i), Access::kRead}, {codes, Access::kWrite}, {scales, Access::kWrite}}, columns,
                     rows, {.columns = columns, .tokens = rows});
  });
  for (const format::FormatInfo* chosen : formats_) {
    const format::FormatInfo& format = *chosen;
    if (format.format == format::kPlainFormat || !format.header_option.empty()) continue;
    const std::vector<Weights>& all = matrices(format.format);
    add("", plain_count,
        [&](std::size_t i) { return maker_.quantize_weights(plain_weights(i), all[i % all.size()]).value(); });
  }
  return group;
}

const scheme::HostWeights& Workload::host_weights(WeightFormat format) {
  for (const scheme::HostWeights& held : host_) {
    if (held.format == format) return held;
  }
  host_.push_back(scheme::download_weights(*device_, matrices(format).front(), maker_.options().group_size));
  return host_.back();
}

Check Workload::compare(std::string name, WeightFormat format, bool split, const std::vector<double>& x,
                        const std::vector<double>& y, std::uint64_t tokens, double result_ulp) {
  constexpr std::uint64_t kSamples = 61;  // prime: samples fall on differing rows of blocks
  constexpr double kSumTolerance = 4e-6;
  const scheme::HostWeights& weights = host_weights(format);
  Check result{std::move(name), tokens, 0};
  for (std::uint64_t s = 0; s < kSamples; ++s) {
    const std::uint64_t r = s == 0 ? shape_.rows - 1 : s * shape_.rows / kSamples;
    const std::uint64_t t = s == 0 ? tokens - 1 : s * 31 % tokens;
    double sum = 0;
    double magnitude = 0;
    for (std::uint64_t k = 0; k < shape_.columns; ++k) {
      const double xk = x[t * shape_.columns + k];
      const double value = weights.value(r, k);
      sum += xk * (split ? static_cast<double>(float_from_half(half_from_float(static_cast<float>(value)))) : value);
      magnitude += weights.magnitude(r, k) * std::abs(xk);
    }
    const double allowed = result_ulp * std::abs(sum) + kSumTolerance * magnitude;
    result.worst_error = std::max(result.worst_error, std::abs(y[t * shape_.rows + r] - sum) / allowed);
  }
  return result;
}

std::vector<Check> Workload::check(std::uint64_t tokens, const std::vector<PeerState*>& peers) {
  constexpr double kHalfUlp = 0x1p-11;
  const auto bits = device::read_vector<std::uint16_t>(*device_, x_, tokens * shape_.columns);
  std::vector<double> plain(bits.size());
  std::transform(bits.begin(), bits.end(), plain.begin(),
                 [](std::uint16_t half) { return static_cast<double>(float_from_half(half)); });
  const auto numbers_of = [&](const scheme::SchemeInfo& info) {
    const auto quantized =
        scheme::reference_activations(info.activations, bits, tokens, shape_.columns, maker_.options().group_size);
    std::vector<double> numbers(bits.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = quantized.value(i);
    return numbers;
  };

  std::vector<Check> checks;
  for (const scheme::SchemeInfo* scheme : schemes_) {
    const scheme::SchemeInfo& info = *scheme;
    const auto passes = scheme::SchemePasses::make(maker_, info, tokens, {shape_}).value();
    for (const Pass& pass : passes.input_passes(x_, shape_.columns).value()) run(pass);
    for (const Pass& pass : passes.projection_passes(matrices(info.weights).front(), x_, y_).value()) run(pass);
    const auto halves = device::read_vector<std::uint16_t>(*device_, y_, tokens * shape_.rows);
    std::vector<double> y(halves.size());
    std::transform(halves.begin(), halves.end(), y.begin(),
                   [](std::uint16_t half) { return static_cast<double>(float_from_half(half)); });
    checks.push_back(
        compare(std::string(info.name), info.weights, info.split(), numbers_of(info), y, tokens, kHalfUlp));
  }
  for (PeerState* state : peers) {
    std::fill(peer_y_.begin(), peer_y_.end(), 0.0F);
    state->peer->multiply(0);
    state->peer->finish();
    state->peer->fetch();
    checks.push_back(compare(state->peer->routine(tokens), format::kPlainFormat, false, plain,
                             {peer_y_.begin(), peer_y_.end()}, tokens, 0));
  }
  return checks;
}

}  // namespace qtrap::bench
