#include "measure/trial.hpp"

#include "measure/stamps.hpp"
#include "scheme/pass.hpp"

namespace qtrap::measure {
namespace {

std::uint64_t steps_of(const profile::Cell& cell) { return static_cast<std::uint64_t>(cell.steps_per_hop()); }

/// One hop by its events.
void run_hop_by_events(const Timing& timing, chain::Chain& chain, const profile::Cell& cell, Window& window) {
  HopStamps stamps(chain.step_roles());
  const Seconds before = timing.clock->now();
  chain.enqueue_steps(steps_of(cell), true,
                      Pace(timing, [&](std::uint64_t last) { stamps.add(timing.device->take_events(last)); }));
  timing.device->finish();
  const Seconds wall = timing.clock->now() - before;
  stamps.add(timing.device->take_events());
  const HopTimes times = stamps.judge(wall);
  for (std::size_t i = 0; i < times.phases.size(); ++i) window.phases[i] += times.phases[i];
  window.wall += wall;
  window.gap += times.gap;
  window.events += times.launches;
  if (window.stamp_fault.empty()) window.stamp_fault = times.fault;
}

/// One hop with a wait after each launch: for drivers whose event stamps cannot be trusted.
void run_hop_by_host(const Timing& timing, const chain::Chain& chain, const profile::Cell& cell, Window& window) {
  const Seconds before = timing.clock->now();
  Seconds busy;
  for (std::uint64_t step = 0; step < steps_of(cell); ++step) {
    chain.for_each_pass([&](const scheme::Pass& pass) {
      if (timing.stopped()) return;
      const Seconds begin = timing.clock->now();
      timing.device->enqueue(pass.launch);
      timing.device->finish();
      const Seconds duration = timing.clock->now() - begin;
      window.phases.at(static_cast<std::size_t>(pass.role)) += duration;
      busy += duration;
      ++window.events;
    });
  }
  const Seconds wall = timing.clock->now() - before;
  window.wall += wall;
  window.gap += wall - busy;
}

}  // namespace

void run_hop(const Timing& timing, chain::Chain& chain, std::int64_t steps) {
  chain.enqueue_steps(static_cast<std::uint64_t>(steps), false, Pace(timing));
  timing.device->finish();
}

Window run_bare(const Timing& timing, chain::Chain& chain, const profile::Cell& cell, std::int64_t repetitions) {
  Window window;
  for (std::int64_t repetition = 0; repetition < repetitions && !timing.stopped(); ++repetition) {
    chain.reset();
    const Seconds before = timing.clock->now();
    for (std::int64_t hop = 0; hop < cell.hops && !timing.stopped(); ++hop)
      run_hop(timing, chain, cell.steps_per_hop());
    window.wall += timing.clock->now() - before;
  }
  return window;
}

Seconds run_restarted(const Timing& timing, chain::Chain& chain, const profile::Cell& cell) {
  const Seconds before = timing.clock->now();
  chain.enqueue_reset();
  for (std::int64_t hop = 0; hop < cell.hops && !timing.stopped(); ++hop) run_hop(timing, chain, cell.steps_per_hop());
  return timing.clock->now() - before;
}

Window run_profiled(const Timing& timing, chain::Chain& chain, const profile::Cell& cell, std::int64_t repetitions) {
  Window window;
  for (std::int64_t repetition = 0; repetition < repetitions && !timing.stopped(); ++repetition) {
    chain.reset();
    for (std::int64_t hop = 0; hop < cell.hops && !timing.stopped(); ++hop) {
      timing.events_trusted ? run_hop_by_events(timing, chain, cell, window)
                            : run_hop_by_host(timing, chain, cell, window);
    }
  }
  return window;
}

}  // namespace qtrap::measure
