#include "measure/ceilings/ceilings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "core/anchor.hpp"
#include "core/contract.hpp"
#include "core/result.hpp"
#include "core/statistics.hpp"
#include "measure/ceilings/random_data.hpp"
#include "scheme/catalogue/ceiling_kernels.hpp"

namespace qtrap::measure {
namespace {

using device::Access;
using device::Argument;
using device::BufferArg;
using device::Launch;
using result::Ceilings;
using scheme::Ceiling;
using scheme::CeilingKernels;
using scheme::CeilingProgram;

constexpr std::size_t kRepetitions = 7;
constexpr std::size_t kFewestRepetitions = 3;
/// A ceiling's windows together take no longer, as far as kFewestRepetitions allow.
constexpr double kLongest = 3;
constexpr std::uint64_t kLargeSet = std::uint64_t{1} << 30;
constexpr std::uint64_t kCacheFactor = 16;
constexpr double kShortestWindow = 0.02;
constexpr double kShortestLaunch = 0.002;
/// A window is this many times a launch and a wait, a launch this many times an empty one.
constexpr double kOverheadFactor = 100;
constexpr double kLongestWindow = 0.5;
constexpr std::uint32_t kMostRounds = 1U << 26;
constexpr std::uint64_t kMostLaunches = 1U << 14;
/// Events sum up to the wall time of their window, give or take the clocks.
constexpr double kMostEventTime = 1.02;
constexpr int kLaunches = 1000;
constexpr int kSyncs = 100;

using C = Ceilings;
constexpr CeilingRow kRows[] = {
    {"read_bytes_per_s", "byte/s", &C::read_bytes_per_s, &C::read_bytes_per_s_low, &C::read_bytes_per_s_high,
     &C::read_bytes_per_s_events},
    {"copy_bytes_per_s", "byte/s", &C::copy_bytes_per_s, &C::copy_bytes_per_s_low, &C::copy_bytes_per_s_high,
     &C::copy_bytes_per_s_events},
    {"fp32_macs_per_s", "MAC/s", &C::fp32_macs_per_s, &C::fp32_macs_per_s_low, &C::fp32_macs_per_s_high,
     &C::fp32_macs_per_s_events},
    {"fp16_macs_per_s", "MAC/s", &C::fp16_macs_per_s, &C::fp16_macs_per_s_low, &C::fp16_macs_per_s_high,
     &C::fp16_macs_per_s_events},
    {"int8_macs_per_s", "MAC/s", &C::int8_macs_per_s, &C::int8_macs_per_s_low, &C::int8_macs_per_s_high,
     &C::int8_macs_per_s_events},
    {"int4_int8_macs_per_s", "MAC/s", &C::int4_int8_macs_per_s, &C::int4_int8_macs_per_s_low,
     &C::int4_int8_macs_per_s_high, &C::int4_int8_macs_per_s_events},
    {"matrix_f16_macs_per_s", "MAC/s", &C::matrix_f16_macs_per_s, &C::matrix_f16_macs_per_s_low,
     &C::matrix_f16_macs_per_s_high, &C::matrix_f16_macs_per_s_events},
    {"matrix_int8_macs_per_s", "MAC/s", &C::matrix_int8_macs_per_s, &C::matrix_int8_macs_per_s_low,
     &C::matrix_int8_macs_per_s_high, &C::matrix_int8_macs_per_s_events},
    {"empty_launch_s", "s", &C::empty_launch_s, &C::empty_launch_s_low, &C::empty_launch_s_high, nullptr},
    {"host_sync_s", "s", &C::host_sync_s, &C::host_sync_s_low, &C::host_sync_s_high, nullptr},
};
const CeilingRow& kSyncRow = kRows[std::size(kRows) - 1];
constexpr Ceiling kRates[] = {Ceiling::kFp32,     Ceiling::kFp16,      Ceiling::kInt8,
                              Ceiling::kInt4Int8, Ceiling::kMatrixF16, Ceiling::kMatrixInt8};

/// kShortestWindow, or what the environment names.
double choose_window() {
  const char* text = std::getenv(kCeilingWindow);
  if (text == nullptr) return kShortestWindow;
  const std::string_view named(text);
  double seconds = 0;
  const auto parsed = std::from_chars(named.data(), named.data() + named.size(), seconds);
  if (parsed.ec != std::errc() || parsed.ptr != named.data() + named.size() ||
      !(seconds > 0 && seconds <= kLongestWindow)) {
    throw Failure(usage_error(fmt::format("{} is no time above 0 and up to {:g} s", kCeilingWindow, kLongestWindow),
                              text, "unset it: it is for tests"));
  }
  return seconds;
}

/// The rows stand in the order of the enumeration, kSyncRow behind.
const CeilingRow& row_of(Ceiling ceiling) { return kRows[static_cast<std::size_t>(ceiling)]; }

class CeilingProbe {
 public:
  CeilingProbe(device::Device& device, const Clock& clock, bool events_trusted, Ceilings known)
      : device_(&device),
        clock_(&clock),
        events_trusted_(events_trusted),
        kernels_(device.info()),
        ceilings_(std::move(known)) {
    ceilings_.instructions.emplace();
    ceilings_.reasons.emplace();
  }

  Ceilings run() {
    attempt(row_of(Ceiling::kLaunch), [&] { return launches(); });
    give_reason(kSyncRow, "it needs the cost of a launch: see empty_launch_s");
    bandwidths();
    for (const Ceiling ceiling : kRates) attempt(row_of(ceiling), [&] { return multiply_adds(ceiling); });
    return std::move(ceilings_);
  }

 private:
  /// Runs one ceiling; whatever goes wrong costs this one alone.
  template <class Work>
  void attempt(const CeilingRow& row, Work&& work) {
    try {
      const Status done = work();
      if (!done) give_reason(row, reason_of(done.error()));
    } catch (const device::DeviceError& error) {
      give_reason(row, reason_of(error.error()));
    }
  }

  /// Why a ceiling is absent, where it is and nobody has said so yet.
  void give_reason(const CeilingRow& row, std::string reason) {
    if (!(ceilings_.*row.value)) ceilings_.reasons->emplace(row.name, std::move(reason));
  }

  /// Without the words that the key says already.
  static std::string reason_of(const Error& error) {
    return error.what == "not measured" ? error.fix : error.message();
  }

  /// Wall time of `count` launches and a wait.
  double seconds_of(const Launch& launch, std::uint64_t count) {
    const Seconds before = clock_->now();
    for (std::uint64_t i = 0; i < count; ++i) device_->enqueue(launch);
    device_->finish();
    return (clock_->now() - before).value();
  }

  void set_spread(const CeilingRow& row, const std::vector<double>& values) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    ceilings_.*row.value = compute_median(values);
    ceilings_.*row.low = *low;
    ceilings_.*row.high = *high;
  }

  double shortest_window() const {
    const double overhead = ceilings_.empty_launch_s.value_or(0) + ceilings_.host_sync_s.value_or(0);
    return std::clamp(kOverheadFactor * overhead, window_, kLongestWindow);
  }
  double shortest_launch() const {
    return std::clamp(kOverheadFactor * ceilings_.empty_launch_s.value_or(0), std::min(kShortestLaunch, window_),
                      kLongestWindow);
  }

  /// Rates of windows of as many launches as shortest_window() asks for, each worth `amount`.
  void measure_rate(const CeilingRow& row, const Launch& launch, double amount) {
    (void)seconds_of(launch, 1);  // compiles
    std::uint64_t count = 1;
    double window = seconds_of(launch, count);
    while (window < shortest_window() && count < kMostLaunches) window = seconds_of(launch, count *= 2);
    const auto affordable = static_cast<std::size_t>(kLongest / window);
    std::vector<double> rates;
    for (std::size_t i = 0; i < std::clamp(affordable, kFewestRepetitions, kRepetitions); ++i)
      rates.push_back(amount * static_cast<double>(count) / seconds_of(launch, count));
    set_spread(row, rates);
    if (!events_trusted_) return;
    try {
      measure_by_events(row, launch, count, amount);
    } catch (const device::DeviceError&) {
      (void)device_->still_works();  // forgets their launches; the ceiling stands without stamps
    }
  }

  /// One window of `count` launches by their event stamps; left out where the stamps cannot be right.
  void measure_by_events(const CeilingRow& row, const Launch& launch, std::uint64_t count, double amount) {
    const Seconds before = clock_->now();
    for (std::uint64_t i = 0; i < count; ++i) device_->enqueue_profiled(launch);
    device_->finish();
    const double wall = (clock_->now() - before).value();
    double sum = 0;
    for (const auto& time : device_->take_events()) {
      if (!time || time->end <= time->start) return;
      sum += (time->end - time->start).value();
    }
    if (sum <= kMostEventTime * wall) ceilings_.*row.events = amount * static_cast<double>(count) / sum;
  }

  Result<device::Kernel> make_kernel(Ceiling ceiling, CeilingProgram& program) {
    auto chosen = kernels_.program(ceiling);
    if (!chosen) return chosen.error();
    program = std::move(chosen).value();
    return device_->make_kernel(CeilingKernels::kFile, program.entry, program.options);
  }

  void bandwidths() {
    const std::uint64_t bytes = choose_set_bytes(device_->info());
    device::Buffer in;
    attempt(row_of(Ceiling::kRead), [&]() -> Status {
      auto made = make_random_buffer(*device_, bytes);
      if (!made) return made.error();
      in = made.value();
      return bandwidth(Ceiling::kRead, in, bytes);
    });
    attempt(row_of(Ceiling::kCopy), [&]() -> Status {
      if (!in) return runtime_error("not measured", "", "there is no set to copy: see read_bytes_per_s");
      return bandwidth(Ceiling::kCopy, in, bytes);
    });
    ceilings_.set_bytes = static_cast<std::int64_t>(bytes);
    if (bytes < kCacheFactor * device_->info().cache_bytes && ceilings_.read_bytes_per_s)
      (*ceilings_.reasons)["set_bytes"] = fmt::format("memory allows no set of {} times the cache", kCacheFactor);
  }

  Status bandwidth(Ceiling ceiling, const device::Buffer& in, std::uint64_t bytes) {
    CeilingProgram program;
    auto kernel = make_kernel(ceiling, program);
    if (!kernel) return kernel.error();
    const bool copies = ceiling == Ceiling::kCopy;
    auto out = device_->make_buffer(copies ? bytes : kernels_.items() * sizeof(std::uint32_t));
    if (!out) return out.error();
    std::vector<Argument> arguments{BufferArg{in, Access::kRead}, BufferArg{out.value(), Access::kWrite},
                                    static_cast<std::uint32_t>(bytes / CeilingKernels::kVectorBytes)};
    if (!copies) arguments.emplace_back(std::uint32_t{1});  // passes
    kernel.value().set_arguments(arguments);
    measure_rate(row_of(ceiling), {kernel.value(), kernels_.size()}, (copies ? 2.0 : 1.0) * static_cast<double>(bytes));
    return Done{};
  }

  /// Rate of a kernel (out, rounds), with as many rounds as shortest_launch() asks for.
  Status multiply_adds(Ceiling ceiling) {
    CeilingProgram program;
    auto kernel = make_kernel(ceiling, program);
    if (!kernel) return kernel.error();
    auto out = device_->make_buffer(kernels_.items() * sizeof(std::uint32_t));
    if (!out) return out.error();
    const Launch launch{kernel.value(), kernels_.size()};
    std::uint32_t rounds = 64;
    const auto set_rounds = [&] {
      const Argument arguments[] = {BufferArg{out.value(), Access::kWrite}, rounds};
      kernel.value().set_arguments(arguments);
    };
    set_rounds();
    (void)seconds_of(launch, 1);
    while (rounds < kMostRounds && seconds_of(launch, 1) < shortest_launch()) {
      rounds *= 2;
      set_rounds();
    }
    measure_rate(row_of(ceiling), launch, static_cast<double>(kernels_.items()) * program.macs_per_round * rounds);
    (*ceilings_.instructions)[std::string(row_of(ceiling).name)] = program.instructions;
    return Done{};
  }

  Status launches() {
    CeilingProgram program;
    auto kernel = make_kernel(Ceiling::kLaunch, program);
    if (!kernel) return kernel.error();
    auto out = device_->make_buffer(sizeof(std::uint32_t));
    if (!out) return out.error();
    const Argument arguments[] = {BufferArg{out.value(), Access::kWrite}};
    kernel.value().set_arguments(arguments);
    const Launch launch{kernel.value(), {{1, 1, 1}, {1, 1, 1}}};
    (void)seconds_of(launch, 1);
    std::vector<double> chained;
    std::vector<double> waited;
    for (std::size_t i = 0; i < kRepetitions; ++i) {
      chained.push_back(seconds_of(launch, kLaunches) / kLaunches);
      const Seconds before = clock_->now();
      for (int j = 0; j < kSyncs; ++j) (void)seconds_of(launch, 1);
      const double with_wait = (clock_->now() - before).value() / kSyncs;
      // The wait alone: a waited launch less a chained one. A driver may make that negative within noise: then it is
      // not known.
      if (with_wait > chained.back()) waited.push_back(with_wait - chained.back());
    }
    set_spread(row_of(Ceiling::kLaunch), chained);
    if (waited.empty()) {
      give_reason(kSyncRow, "a waited launch took no longer than a chained one");
    } else {
      set_spread(kSyncRow, waited);
    }
    return Done{};
  }

  device::Device* device_;
  const Clock* clock_;
  bool events_trusted_;
  double window_ = choose_window();  ///< seconds that one lasts at least
  CeilingKernels kernels_;
  Ceilings ceilings_;
};

}  // namespace

std::span<const CeilingRow> ceiling_rows() { return kRows; }

std::optional<std::string> describe_named_window() {
  const char* text = std::getenv(kCeilingWindow);
  if (text == nullptr) return std::nullopt;
  return fmt::format("ceilings over windows of {} s ({})", text, kCeilingWindow);
}

CeilingRow::Member member_of(std::string_view key) {
  const auto rows = ceiling_rows();
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const CeilingRow& one) { return one.name == key; });
  expects(row != rows.end(), "schemes name ceilings of the records");
  return row->value;
}

std::optional<scheme::DeviceRates> rates_of(const result::Ceilings& ceilings, const scheme::SchemeInfo& info) {
  const auto rate_of = [&](const scheme::SchemeInfo& one) -> std::optional<double> {
    const scheme::ActivationInfo& activations = scheme::info(one.activations);
    if (!activations.matrix_ceiling.empty()) {
      if (const auto matrix = ceilings.*member_of(activations.matrix_ceiling)) return matrix;
    }
    if (!one.own_rate.ceiling.empty()) {
      if (const auto own = ceilings.*member_of(one.own_rate.ceiling)) return *own / one.own_rate.operations;
    }
    return ceilings.*member_of(activations.vector_ceiling);
  };
  const auto macs = rate_of(info);
  const auto anchor = rate_of(scheme::find_scheme(kAnchor).value());
  if (!ceilings.read_bytes_per_s || !ceilings.fp32_macs_per_s || !macs || !anchor) return std::nullopt;
  return scheme::DeviceRates{*ceilings.read_bytes_per_s, *ceilings.fp32_macs_per_s, *macs, *anchor};
}

std::uint64_t choose_set_bytes(const device::DeviceInfo& info) {
  const std::uint64_t wanted = std::max(kLargeSet, kCacheFactor * info.cache_bytes);
  const std::uint64_t most =
      std::min({info.max_alloc_bytes, info.memory_bytes / 8, std::uint64_t{UINT32_MAX} * CeilingKernels::kVectorBytes});
  return std::min(wanted, most) / CeilingKernels::kVectorBytes * CeilingKernels::kVectorBytes;
}

void set_cache(const CacheFindings& findings, Ceilings& ceilings) {
  const auto number = [](std::optional<std::uint64_t> value) {
    return value ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
  };
  if (findings.bytes > 0) ceilings.cache_bytes = number(findings.bytes);
  if (findings.knee) ceilings.cache_bytes_low = number(findings.knee->low);
  if (findings.knee) ceilings.cache_bytes_high = number(findings.knee->high);
  ceilings.cache_basis = findings.basis;
  ceilings.cache_status = findings.status;
  ceilings.cache_system_bytes = number(findings.system_bytes);
  ceilings.cache_driver_bytes = number(findings.driver_bytes);
}

Ceilings leave_out_ceilings(const std::string& reason, Ceilings known) {
  known.reasons.emplace();
  for (const CeilingRow& row : kRows) known.reasons->emplace(row.name, reason);
  return known;
}

Ceilings measure_ceilings(device::Device& device, const Clock& clock, bool events_trusted, Ceilings known) {
  return CeilingProbe(device, clock, events_trusted, std::move(known)).run();
}

}  // namespace qtrap::measure
