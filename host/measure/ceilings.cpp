#include "measure/ceilings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "core/statistics.hpp"
#include "measure/ceiling_kernels.hpp"

namespace qtrap::measure {
namespace {

using device::Access;
using device::Argument;
using device::BufferArg;

constexpr int kRepetitions = 7;
constexpr std::uint64_t kSmallestSet = std::uint64_t{64} << 20;
constexpr std::uint64_t kLargestSet = std::uint64_t{512} << 20;
constexpr std::uint64_t kCacheFactor = 8;
constexpr double kDotMacsPerRound = 48;
constexpr double kCpuInt8MacsPerRound = 192;
constexpr double kFmaSeconds = 0.02;
constexpr int kLaunches = 1000;
constexpr int kSyncs = 100;

struct Spread {
  double median;
  double low;
  double high;
};

Spread spread_of(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return {compute_median(values), *low, *high};
}

/// Wall time of one call, waited for.
template <class Work>
double seconds_of(device::Device& device, const Clock& clock, Work&& work) {
  const Seconds before = clock.now();
  work();
  device.finish();
  return (clock.now() - before).value();
}

/// `amount` per second over kRepetitions launches, after one to warm up.
Spread measure_rate(device::Device& device, const Clock& clock, const device::Launch& launch, double amount) {
  std::vector<double> rates;
  for (int i = 0; i <= kRepetitions; ++i) {
    const double seconds = seconds_of(device, clock, [&] { device.enqueue(launch); });
    if (i > 0) rates.push_back(amount / seconds);
  }
  return spread_of(rates);
}

class CeilingProbe {
 public:
  CeilingProbe(device::Device& device, const Clock& clock)
      : device_(&device), clock_(&clock), kernels_(device.info()) {}

  Status run(result::Ceilings& ceilings) {
    if (auto done = bandwidths(ceilings); !done) return done;
    if (auto done = multiply_adds(ceilings); !done) return done;
    return launches(ceilings);
  }

 private:
  Status bandwidths(result::Ceilings& ceilings) {
    const auto& info = device_->info();
    std::uint64_t bytes = std::clamp(kCacheFactor * info.cache_bytes, kSmallestSet, kLargestSet);
    bytes = std::min({bytes, info.max_alloc_bytes, info.memory_bytes / 8}) / CeilingKernels::kVectorBytes *
            CeilingKernels::kVectorBytes;
    auto in = device_->make_buffer(bytes);
    if (!in) return in.error();
    auto out = device_->make_buffer(bytes);
    if (!out) return out.error();
    device_->fill(in.value(), 0x3C01);  // commits the pages: an untouched page is read from one shared zero page
    device_->fill(out.value(), 0);
    auto read = device_->make_kernel(CeilingKernels::kFile, "read_bandwidth", kernels_.options);
    if (!read) return read.error();
    auto copy = device_->make_kernel(CeilingKernels::kFile, "copy_bandwidth", kernels_.options);
    if (!copy) return copy.error();
    const Argument arguments[] = {BufferArg{in.value(), Access::kRead}, BufferArg{out.value(), Access::kWrite},
                                  static_cast<std::uint32_t>(bytes / CeilingKernels::kVectorBytes)};
    read.value().set_arguments(arguments);
    copy.value().set_arguments(arguments);
    const Spread reads = measure_rate(*device_, *clock_, {read.value(), kernels_.size()}, static_cast<double>(bytes));
    const Spread copies =
        measure_rate(*device_, *clock_, {copy.value(), kernels_.size()}, 2.0 * static_cast<double>(bytes));
    ceilings.read_bytes_per_s = reads.median;
    ceilings.read_bytes_per_s_low = reads.low;
    ceilings.read_bytes_per_s_high = reads.high;
    ceilings.copy_bytes_per_s = copies.median;
    ceilings.copy_bytes_per_s_low = copies.low;
    ceilings.copy_bytes_per_s_high = copies.high;
    ceilings.set_bytes = static_cast<std::int64_t>(bytes);
    return Done{};
  }

  /// Rate of a kernel (out, a, b, rounds) with `macs_per_round` multiply-adds per work-item.
  Result<Spread> mac_rate(const char* entry, const std::string& options, double macs_per_round, const Argument& a,
                          const Argument& b) {
    auto kernel = device_->make_kernel(CeilingKernels::kFile, entry, options);
    if (!kernel) return kernel.error();
    auto out = device_->make_buffer(kernels_.items * sizeof(float));
    if (!out) return out.error();
    const device::Launch launch{kernel.value(), kernels_.size()};
    std::uint32_t rounds = 1000;
    const auto set_rounds = [&] {
      const Argument arguments[] = {BufferArg{out.value(), Access::kWrite}, a, b, rounds};
      kernel.value().set_arguments(arguments);
    };
    set_rounds();
    device_->enqueue(launch);
    device_->finish();
    while (rounds < (1U << 26) && seconds_of(*device_, *clock_, [&] { device_->enqueue(launch); }) < kFmaSeconds) {
      rounds *= 2;
      set_rounds();
    }
    return measure_rate(*device_, *clock_, launch, static_cast<double>(kernels_.items) * macs_per_round * rounds);
  }

  bool probed(const char* name) const {
    const auto& all = device_->info().capabilities;
    return std::any_of(all.begin(), all.end(), [&](const auto& c) { return c.name == name && c.probed == true; });
  }

  Status multiply_adds(result::Ceilings& ceilings) {
    const auto& known = device_->info().capabilities;
    if (std::none_of(known.begin(), known.end(), [](const auto& c) { return c.probed.has_value(); })) {
      device_->probe_capabilities();
    }
    const auto fp32 = mac_rate("fma_rate", kernels_.options, kernels_.width * CeilingKernels::kFmaChains, 0.5F, 1.0F);
    if (!fp32) return fp32.error();
    ceilings.fp32_macs_per_s = fp32.value().median;
    ceilings.fp32_macs_per_s_low = fp32.value().low;
    ceilings.fp32_macs_per_s_high = fp32.value().high;
    if (probed("fp16")) {
      const auto fp16 =
          mac_rate("half_fma_rate", kernels_.options + " -DFP16", 2 * CeilingKernels::kFmaChains, 0.5F, 1.0F);
      if (!fp16) return fp16.error();
      ceilings.fp16_macs_per_s = fp16.value().median;
      ceilings.fp16_macs_per_s_low = fp16.value().low;
      ceilings.fp16_macs_per_s_high = fp16.value().high;
    }
    const bool dot8 = probed("dot8");
    const auto int8 =
        mac_rate("int8_rate", kernels_.options + (dot8 ? " -DDOT8" : ""),
                 dot8 || !kernels_.cpu ? kDotMacsPerRound : kCpuInt8MacsPerRound, std::uint32_t{3}, std::uint32_t{5});
    if (!int8) return int8.error();
    ceilings.int8_macs_per_s = int8.value().median;
    ceilings.int8_macs_per_s_low = int8.value().low;
    ceilings.int8_macs_per_s_high = int8.value().high;
    return Done{};
  }

  Status launches(result::Ceilings& ceilings) {
    auto kernel = device_->make_kernel(CeilingKernels::kFile, "empty_launch", kernels_.options);
    if (!kernel) return kernel.error();
    auto out = device_->make_buffer(sizeof(std::uint32_t));
    if (!out) return out.error();
    const Argument arguments[] = {BufferArg{out.value(), Access::kWrite}};
    kernel.value().set_arguments(arguments);
    const device::Launch launch{kernel.value(), {{1, 1, 1}, {1, 1, 1}}};
    device_->enqueue(launch);
    device_->finish();
    std::vector<double> chained;
    std::vector<double> waited;
    for (int i = 0; i < kRepetitions; ++i) {
      chained.push_back(seconds_of(*device_, *clock_,
                                   [&] {
                                     for (int j = 0; j < kLaunches; ++j) device_->enqueue(launch);
                                   }) /
                        kLaunches);
      const double with_wait = seconds_of(*device_, *clock_,
                                          [&] {
                                            for (int j = 0; j < kSyncs; ++j) {
                                              device_->enqueue(launch);
                                              device_->finish();
                                            }
                                          }) /
                               kSyncs;
      // The wait alone: a waited launch less a chained one. A driver may make that negative within noise: then it is
      // not known.
      if (with_wait > chained.back()) waited.push_back(with_wait - chained.back());
    }
    const Spread launch_spread = spread_of(chained);
    ceilings.empty_launch_s = launch_spread.median;
    ceilings.empty_launch_s_low = launch_spread.low;
    ceilings.empty_launch_s_high = launch_spread.high;
    if (waited.empty()) return Done{};
    const Spread sync_spread = spread_of(waited);
    ceilings.host_sync_s = sync_spread.median;
    ceilings.host_sync_s_low = sync_spread.low;
    ceilings.host_sync_s_high = sync_spread.high;
    return Done{};
  }

  device::Device* device_;
  const Clock* clock_;
  CeilingKernels kernels_;
};

}  // namespace

Result<result::Ceilings> measure_ceilings(device::Device& device, const Clock& clock) {
  result::Ceilings ceilings;
  const Status done = CeilingProbe(device, clock).run(ceilings);
  if (!done) return done.error();
  return ceilings;
}

}  // namespace qtrap::measure
