#include "measure/probes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "chain/layout.hpp"
#include "chain/resident_model.hpp"
#include "core/result.hpp"
#include "device/device.hpp"
#include "measure/ceilings/random_data.hpp"
#include "measure/pace.hpp"
#include "profile/cell.hpp"
#include "scheme/catalogue/ceiling_kernels.hpp"

namespace qtrap::measure {
namespace {

using device::Access;
using device::Argument;
using device::BufferArg;
using scheme::Ceiling;
using scheme::CeilingKernels;
using scheme::Pass;
using scheme::ProjectionShape;

/// Multiply-adds from registers take at least this long a launch, so that the launch is a small part.
const Seconds kRegisterLaunch(0.005);
constexpr std::uint32_t kFewestRounds = 64;
constexpr std::uint32_t kMostRounds = 1U << 26;
constexpr std::uint64_t kSmallestSet = std::uint64_t{64} << 20;
constexpr std::uint64_t kCastElements = std::uint64_t{1} << 22;
/// Products of one matrix in a repetition, so that the wait at its end is a small part.
constexpr std::uint64_t kCachedProducts = 32;
constexpr std::uint64_t kQuantizedColumns = 4096;
constexpr std::array<std::uint64_t, 2> kSides{1024, 4096};
/// A product shorter than this many empty launches would measure launches.
constexpr double kLaunchesInAProduct = 4;
constexpr std::uint64_t kTimedLaunches = 100;
constexpr std::uint64_t kSideStep = 256;

/// Makes the loops; one function per kind of probe.
class ProbeMaker {
 public:
  ProbeMaker(const scheme::PassMaker& maker, const Timing& timing)
      : maker_(&maker), timing_(timing), kernels_(maker.device().info()) {
    const auto& info = device().info();
    set_bytes_ = std::max(kSmallestSet, chain::kFewestCaches * info.cache_bytes);
    set_bytes_ = std::min({set_bytes_, info.max_alloc_bytes, info.memory_bytes / 8}) / CeilingKernels::kVectorBytes *
                 CeilingKernels::kVectorBytes;
  }

  Result<LoadLoop> copy(std::uint64_t parts) const {
    const std::uint64_t bytes = set_bytes_ / parts / CeilingKernels::kVectorBytes * CeilingKernels::kVectorBytes;
    auto kernel = ceiling_kernel(Ceiling::kCopy);
    if (!kernel) return kernel.error();
    auto in = filled(bytes);
    if (!in) return in.error();
    auto out = filled(bytes);
    if (!out) return out.error();
    const std::array<Argument, 3> arguments{BufferArg{in.value(), Access::kRead},
                                            BufferArg{out.value(), Access::kWrite},
                                            static_cast<std::uint32_t>(bytes / CeilingKernels::kVectorBytes)};
    scheme::Costs costs;
    costs.bytes = 2 * bytes;
    return make_kernel_loop("copy", kernel.value(), arguments, costs);
  }

  /// Launches of about `duration` and more.
  Result<LoadLoop> macs_from_registers(Seconds duration) const {
    const auto program = kernels_.program(Ceiling::kFp32);
    if (!program) return program.error();
    auto kernel = ceiling_kernel(Ceiling::kFp32);
    if (!kernel) return kernel.error();
    auto out = filled(kernels_.items() * sizeof(float));
    if (!out) return out.error();
    for (std::uint32_t rounds = kFewestRounds;; rounds *= 2) {
      const std::array<Argument, 2> arguments{BufferArg{out.value(), Access::kWrite}, rounds};
      scheme::Costs costs;
      costs.macs = kernels_.items() * static_cast<std::uint64_t>(program.value().macs_per_round) * rounds;
      LoadLoop loop = make_kernel_loop("macs_registers", kernel.value(), arguments, costs);
      (void)loop.play();
      if (loop.play() >= duration || rounds >= kMostRounds) return loop;
    }
  }

  /// `launches` empty ones; each waited for when `waited`.
  Result<LoadLoop> empty(std::uint64_t launches, bool waited) const {
    auto kernel = ceiling_kernel(Ceiling::kLaunch);
    if (!kernel) return kernel.error();
    auto out = filled(sizeof(std::uint32_t) * kernels_.items());
    if (!out) return out.error();
    const std::array<Argument, 1> arguments{BufferArg{out.value(), Access::kWrite}};
    kernel.value().set_arguments(arguments);
    LoadLoop loop;
    loop.name = waited ? "host_sync" : "empty_launch";
    loop.costs.launches = launches;
    loop.syncs = waited ? static_cast<std::int64_t>(launches) : 1;
    const device::Launch launch{kernel.value(), kernels_.size()};  // on all units, as real kernels are
    loop.play = [timing = timing_, launch, launches, waited] {
      const Seconds before = timing.clock->now();
      for (std::uint64_t i = 0; i < launches; ++i) {
        timing.device->enqueue(launch);
        if (waited) timing.device->finish();
      }
      timing.device->finish();
      return timing.clock->now() - before;
    };
    return loop;
  }

  Result<LoadLoop> cast(bool to_f32, std::uint64_t count) const {
    auto half = filled(2 * count);
    if (!half) return half.error();
    auto single = filled(4 * count);
    if (!single) return single.error();
    auto pass = to_f32 ? maker_->cast_f16_f32(half.value(), single.value(), count)
                       : maker_->cast_f32_f16(single.value(), half.value(), count);
    if (!pass) return pass.error();
    return make_loop(timing_, to_f32 ? "cast_f16_f32" : "cast_f32_f16", {std::move(pass).value()});
  }

  /// The matmul passes of a scheme on one matrix that stays in cache: the largest square one that does in its format,
  /// over `divisor`. kRuntime error too where a product takes hardly longer than a launch.
  Result<LoadLoop> macs_from_cache(const scheme::SchemeInfo& scheme, std::uint64_t tokens,
                                   std::uint64_t divisor) const {
    const std::uint64_t most = std::max<std::uint64_t>(device().info().cache_bytes, std::uint64_t{1} << 22) / 2;
    std::uint64_t side = kSideStep;
    const auto bytes = [&](std::uint64_t wanted) {
      return format::compute_weight_bytes(scheme.weights, {wanted, wanted}, maker_->options().group_size);
    };
    while (bytes(side + kSideStep) <= most) side += kSideStep;
    side = std::max(side / divisor, kSideStep);
    auto loop = projection(scheme, scheme::Role::kMatmul, {side, side}, {1, kCachedProducts}, tokens,
                           fmt::format("macs_{}@{}", scheme.name, tokens));
    if (!loop) return loop;
    auto launches = empty(kTimedLaunches, false);
    if (!launches) return launches;
    (void)launches.value().play();
    (void)loop.value().play();
    const double product = loop.value().play().value() / static_cast<double>(loop.value().costs.launches);
    const double launch = launches.value().play().value() / static_cast<double>(kTimedLaunches);
    if (product < kLaunchesInAProduct * launch)
      return runtime_error("a product from the cache takes hardly longer than a launch",
                           fmt::format("{:.1f} us of {:.1f} us", product * 1e6, launch * 1e6),
                           "its multiply-adds cannot be told from launches on this device");
    loop.value().costs.cached_bytes = loop.value().costs.bytes;
    loop.value().mac_class = scheme.mac_class();
    return loop;
  }

  Result<LoadLoop> dequantize(const scheme::SchemeInfo& scheme, std::uint64_t side) const {
    return weights(scheme, scheme::Role::kDequantize, {side, side}, 1);
  }

  /// The passes of a role that read activations alone: casts or quantizers.
  Result<LoadLoop> inputs(const scheme::SchemeInfo& scheme, scheme::Role role, std::uint64_t tokens,
                          std::uint64_t columns) const {
    auto x = filled(2 * tokens * columns);
    if (!x) return x.error();
    auto passes = scheme::SchemePasses::make(*maker_, scheme, tokens, {{columns, columns}});
    if (!passes) return passes.error();
    auto list = passes.value().input_passes(x.value(), columns);
    if (!list) return list.error();
    for (const Pass& pass : list.value()) device().enqueue(pass.launch);  // some read what others write
    device().finish();
    return keep(select(std::move(list).value(), role), fmt::format("{}_{}", to_string(role), scheme.name),
                std::move(passes).value());
  }

  Result<LoadLoop> quantize(const scheme::SchemeInfo& scheme, std::uint64_t tokens) const {
    return inputs(scheme, scheme::Role::kQuantize, tokens, kQuantizedColumns);
  }

  /// The passes of a role that read weights, on matrices that together exceed the cache.
  Result<LoadLoop> weights(const scheme::SchemeInfo& scheme, scheme::Role role, ProjectionShape shape,
                           std::uint64_t tokens) const {
    const std::uint64_t bytes = format::compute_weight_bytes(scheme.weights, shape, maker_->options().group_size);
    const std::uint64_t matrices = std::max<std::uint64_t>(1, (set_bytes_ + bytes - 1) / bytes);
    return projection(scheme, role, shape, {matrices, 1}, tokens, fmt::format("{}_{}", to_string(role), scheme.name));
  }

 private:
  device::Device& device() const { return maker_->device(); }

  Result<device::Buffer> filled(std::uint64_t bytes) const { return make_random_buffer(device(), bytes); }

  Result<device::Kernel> ceiling_kernel(Ceiling ceiling) const {
    const auto program = kernels_.program(ceiling);
    if (!program) return program.error();
    return device().make_kernel(CeilingKernels::kFile, program.value().entry, program.value().options);
  }

  /// One launch of `kernel` on all units.
  template <std::size_t N>
  LoadLoop make_kernel_loop(const char* name, device::Kernel& kernel, const std::array<Argument, N>& arguments,
                            scheme::Costs costs) const {
    kernel.set_arguments(arguments);
    Pass pass;
    pass.kernel = kernel.name();
    pass.launch = {kernel, kernels_.size()};
    for (const Argument& argument : arguments) {
      if (const auto* buffer = std::get_if<BufferArg>(&argument)) pass.buffers.push_back(*buffer);
    }
    pass.costs = costs;
    pass.costs.launches = 1;
    return make_loop(timing_, name, {std::move(pass)});
  }

  static std::vector<Pass> select(std::vector<Pass> passes, scheme::Role role) {
    std::erase_if(passes, [role](const Pass& pass) { return pass.role != role; });
    return passes;
  }

  /// A loop that keeps the workspace of its passes alive.
  Result<LoadLoop> keep(std::vector<Pass> passes, std::string name, scheme::SchemePasses owner) const {
    LoadLoop loop = make_loop(timing_, std::move(name), std::move(passes));
    loop.play = [play = std::move(loop.play), owner = std::move(owner)] { return play(); };
    return loop;
  }

  struct Amount {
    std::uint64_t matrices, times;  ///< distinct ones, and how often each after another
  };

  Result<LoadLoop> projection(const scheme::SchemeInfo& scheme, scheme::Role role, ProjectionShape shape, Amount amount,
                              std::uint64_t tokens, std::string name) const {
    auto x = filled(2 * tokens * shape.columns);
    if (!x) return x.error();
    auto y = filled(2 * tokens * shape.rows);
    if (!y) return y.error();
    auto scheme_passes = scheme::SchemePasses::make(*maker_, scheme, tokens, {shape});
    if (!scheme_passes) return scheme_passes.error();
    auto inputs = scheme_passes.value().input_passes(x.value(), shape.columns);
    if (!inputs) return inputs.error();
    for (const Pass& pass : inputs.value()) device().enqueue(pass.launch);  // what the passes read holds numbers
    std::vector<Pass> passes;
    for (std::uint64_t i = 0; i < amount.matrices; ++i) {
      auto weights = scheme::allocate_weights(device(), scheme.weights, shape, maker_->options().group_size);
      if (!weights) return weights.error();
      for (const device::Buffer& part : weights.value().parts) {
        if (!part) continue;
        if (auto random = fill_random(device(), part); !random) return random.error();
      }
      auto list = scheme_passes.value().projection_passes(weights.value(), x.value(), y.value());
      if (!list) return list.error();
      for (const Pass& pass : select(std::move(list).value(), role)) passes.insert(passes.end(), amount.times, pass);
    }
    device().finish();
    return keep(std::move(passes), std::move(name), std::move(scheme_passes).value());
  }

  const scheme::PassMaker* maker_;
  Timing timing_;
  CeilingKernels kernels_;
  std::uint64_t set_bytes_ = 0;
};

}  // namespace

std::vector<scheme::SchemeInfo> probed_schemes(const profile::Campaign& campaign) {
  const auto named = profile::schemes_with_anchor(campaign);
  const auto is_named = [&](std::string_view scheme) {
    return std::any_of(named.begin(), named.end(),
                       [&](const std::string& name) { return split_cached_name(name).base == scheme; });
  };
  std::vector<scheme::SchemeInfo> schemes;
  for (const scheme::SchemeInfo& info : scheme::all_schemes()) {
    const bool usual = format::info(info.weights).header_option.empty() && !info.outliers;
    if (usual || is_named(info.name)) schemes.push_back(info);
  }
  return schemes;
}

ProbeSet::ProbeSet(const scheme::PassMaker& maker, const Timing& timing, const std::set<std::uint64_t>& tokens,
                   const std::vector<scheme::SchemeInfo>& schemes) {
  const auto probes = std::make_shared<ProbeMaker>(maker, timing);
  const auto add = [&](auto member, auto... arguments) {
    makers_.push_back([probes, member, arguments...] { return ((*probes).*member)(arguments...); });
  };
  for (const std::uint64_t parts : {2U, 1U}) add(&ProbeMaker::copy, parts);
  makers_.push_back([probes] { return probes->macs_from_registers(kRegisterLaunch); });
  for (const std::uint64_t count : tokens) {
    std::set<std::string> classes;
    for (const scheme::SchemeInfo& info : schemes) {
      if (!classes.insert(info.mac_class()).second) continue;  // its matmul is an earlier one's
      for (const std::uint64_t divisor : {2U, 1U}) add(&ProbeMaker::macs_from_cache, info, count, divisor);
    }
  }
  for (const scheme::SchemeInfo& info : schemes) {
    if (!info.split()) continue;
    for (const std::uint64_t side : kSides) add(&ProbeMaker::dequantize, info, side);
  }
  for (const bool to_f32 : {true, false}) {
    for (const std::uint64_t count : {kCastElements / 4, kCastElements}) add(&ProbeMaker::cast, to_f32, count);
  }
  for (const scheme::SchemeInfo& info : schemes) {
    if (scheme::info(info.activations).quantized) add(&ProbeMaker::quantize, info, std::uint64_t{256});
  }
  for (const std::uint64_t launches : {100U, 1000U}) add(&ProbeMaker::empty, launches, false);
  for (const std::uint64_t launches : {10U, 100U}) add(&ProbeMaker::empty, launches, true);
}

Result<LoadLoop> make_role_loop(const scheme::PassMaker& maker, const Timing& timing, const scheme::SchemeInfo& scheme,
                                scheme::Role role, scheme::ProjectionShape shape, std::uint64_t tokens) {
  const ProbeMaker probes(maker, timing);
  if (role == scheme::Role::kCast || role == scheme::Role::kQuantize)
    return probes.inputs(scheme, role, tokens, shape.columns);
  return probes.weights(scheme, role, shape, tokens);
}

Result<power::KeepBusy> make_busy_load(const scheme::PassMaker& maker, const Timing& timing) {
  const Seconds launch(0.0005);
  const ProbeMaker probes(maker, timing);
  auto loop = probes.macs_from_registers(launch);
  if (!loop) return loop.error();
  return power::KeepBusy([play = std::move(loop).value().play, clock = timing.clock](Seconds duration) -> Status {
    const Seconds end = clock->now() + duration;
    while (clock->now() < end) (void)play();
    return Done{};
  });
}

}  // namespace qtrap::measure
