// What qtrap's own driving costs: the same launches by its bare pass, by a minimal OpenCL loop, and by its bare pass
// with the meter's sampler reading beside it at its fastest period. Interleaved in one process; ratios paired within a
// round. Usage: harness [ROUNDS] [DEVICE] [METER]   (default 200 rounds, first GPU else CPU, tdp:100; about two
// minutes) The launches are recorded where qtrap hands them to OpenCL, so that the loop replays the very same kernels,
// arguments and sizes on the same queue.
#include <CL/cl.h>
#include <dlfcn.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "chain/chain.hpp"
#include "core/anchor.hpp"
#include "core/statistics.hpp"
#include "measure/trial.hpp"
#include "power/sampler.hpp"
#include "program/devices.hpp"
#include "program/folders.hpp"
#include "program/meter_selection.hpp"

namespace {

struct RawLaunch {
  cl_command_queue queue;
  cl_kernel kernel;
  cl_uint dimensions;
  size_t global[3];
  size_t local[3];
  bool has_local;
};
/// Where launches are recorded; null: not at all.
std::vector<RawLaunch>* recording = nullptr;

using EnqueueKernel = decltype(&clEnqueueNDRangeKernel);
EnqueueKernel real_enqueue() {
  static const auto function = reinterpret_cast<EnqueueKernel>(dlsym(RTLD_NEXT, "clEnqueueNDRangeKernel"));
  return function;
}

}  // namespace

/// Stands before the loader's function of this name for everything in this program.
extern "C" CL_API_ENTRY cl_int CL_API_CALL clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel,
                                                                  cl_uint dimensions, const size_t* offset,
                                                                  const size_t* global, const size_t* local,
                                                                  cl_uint waits, const cl_event* wait_list,
                                                                  cl_event* event) {
  if (recording != nullptr) {
    RawLaunch launch{queue, kernel, dimensions, {1, 1, 1}, {1, 1, 1}, local != nullptr};
    for (cl_uint i = 0; i < dimensions; ++i) {
      launch.global[i] = global[i];
      if (local != nullptr) launch.local[i] = local[i];
    }
    recording->push_back(launch);
  }
  return real_enqueue()(queue, kernel, dimensions, offset, global, local, waits, wait_list, event);
}

namespace {

using namespace qtrap;

constexpr const char* kModel = "qwen3-0.6b";
constexpr const char* kSchemes[] = {qtrap::kAnchor, "w4a16-split"};
constexpr std::int64_t kTokensPerHop = 1;
constexpr std::size_t kGroups = 10;

/// One scheme's chain, driven in three ways.
class Subject {
 public:
  Subject(const scheme::PassMaker& maker, const measure::Timing& timing, const profile::ModelProfile& model,
          const char* scheme)
      : timing_(timing), cell_{kModel, 1, 1, kTokensPerHop, 0} {
    const auto info = scheme::find_scheme(scheme).value();
    const auto layers = static_cast<std::uint64_t>(model.layers);
    resident_ = chain::ResidentModel::make(maker, model, {{info}, {1}, 128, 0.8, layers}, layers, 1).value();
    activations_ = chain::Activations::make(maker, model, 1, 1).value();
    chain_.emplace(chain::Chain::make(maker, resident_, activations_, info).value());
    recording = &launches_;
    chain_->enqueue_steps(kTokensPerHop, false);
    recording = nullptr;
    timing.device->finish();
  }

  std::size_t launches() const { return launches_.size(); }
  double by_qtrap() { return measure::run_bare(timing_, *chain_, cell_, 1).wall.value(); }
  double by_loop() {
    chain_->reset();
    const EnqueueKernel enqueue = real_enqueue();
    const Seconds before = timing_.clock->now();
    for (const RawLaunch& launch : launches_) {
      enqueue(launch.queue, launch.kernel, launch.dimensions, nullptr, launch.global,
              launch.has_local ? launch.local : nullptr, 0, nullptr, nullptr);
    }
    clFinish(launches_.front().queue);
    return (timing_.clock->now() - before).value();
  }

 private:
  measure::Timing timing_;
  profile::Cell cell_;
  chain::ResidentModel resident_;
  chain::Activations activations_;
  std::optional<chain::Chain> chain_;
  std::vector<RawLaunch> launches_;
};

/// "1.0012 [0.9990, 1.0034]": median of paired ratios; t interval over the medians of ten successive groups of them, so
/// that single disturbed rounds do not widen it.
std::string describe(const std::vector<double>& top, const std::vector<double>& bottom) {
  std::vector<double> ratios, logs;
  for (std::size_t i = 0; i < top.size(); ++i) ratios.push_back(top[i] / bottom[i]);
  const std::size_t length = ratios.size() / kGroups;
  for (std::size_t group = 0; group < kGroups && length > 0; ++group) {
    logs.push_back(std::log(compute_median(std::span(ratios).subspan(group * length, length))));
  }
  const auto interval = compute_t_interval(logs);
  if (!interval) return fmt::format("{:.4f}", compute_median(ratios));
  return fmt::format("{:.4f} [{:.4f}, {:.4f}]", compute_median(ratios), std::exp(interval->low),
                     std::exp(interval->high));
}

void run(int rounds, const std::string& selector, const std::string& meter_spec) {
  program::DeviceOptions options;
  options.selector = selector;
  device::Device device(program::choose_device(options),
                        program::kernel_sources(options));  // probing would start qtrap
  const auto source = program::open_meter(meter_spec, device.info());
  const Seconds poll = source.fastest_poll;
  const MonotonicClock clock;
  const measure::Timing timing{&device, &clock, true};
  const scheme::PassMaker maker(device, {});
  const auto model = profile::load_model(kModel, program::profile_folders("models")).value();
  fmt::print("{}, {}: chains of 1 hop of {} steps of {}, {} rounds; meter {}\n", device.info().name,
             device.info().platform, kTokensPerHop, kModel, rounds,
             source.match.meter ? source.match.meter->info().name : "none");
  for (const char* scheme : kSchemes) {
    Subject subject(maker, timing, model, scheme);
    std::vector<double> qtrap_s, loop_s, sampled_s;
    double share = 0;
    const std::vector<std::function<void()>> ways{
        [&] { qtrap_s.push_back(subject.by_qtrap()); }, [&] { loop_s.push_back(subject.by_loop()); },
        [&] {
          if (!source.match.meter) return;
          power::Sampler sampler(*source.match.meter, clock, std::make_unique<power::ThreadWaiter>(clock), poll);
          sampled_s.push_back(subject.by_qtrap());
          share = sampler.finish().cost.core_share();
        }};
    for (const auto& way : ways) way();  // warm-up
    for (auto* times : {&qtrap_s, &loop_s, &sampled_s}) times->clear();
    std::mt19937 random(1);
    std::vector<std::size_t> order{0, 1, 2};
    for (int round = 0; round < rounds; ++round) {
      std::shuffle(order.begin(), order.end(), random);
      for (const std::size_t way : order) ways[way]();
    }
    fmt::print("{:12} {} launches, {:.2f} ms; bare pass / loop {}", scheme, subject.launches(),
               1e3 * compute_median(qtrap_s), describe(qtrap_s, loop_s));
    if (!sampled_s.empty())
      fmt::print("; with sampler at {:g} ms / without {} (reading takes {:.2f} % of a processor)", 1e3 * poll.value(),
                 describe(sampled_s, qtrap_s), 100 * share);
    fmt::print("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc > 1 ? std::atoi(argv[1]) : 200, argc > 2 ? argv[2] : "", argc > 3 ? argv[3] : "tdp:100");
    return 0;
  } catch (const qtrap::Failure& failure) {
    fmt::print(stderr, "harness: error: {}\n", failure.error().message());
    return 1;
  }
}
