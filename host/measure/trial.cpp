#include "measure/trial.hpp"

#include "core/contract.hpp"

namespace qtrap::measure {
namespace {

/// Adds one hop's events: durations by role, and what lies between them.
void add_events(const std::vector<device::EventTime>& events, const std::vector<scheme::Role>& roles, Window& window) {
  expects(!events.empty() && events.size() % roles.size() == 0, "a hop has one event per launch");
  Seconds busy;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Seconds duration = events[i].end - events[i].start;
    window.phases.at(static_cast<std::size_t>(roles[i % roles.size()])) += duration;
    busy += duration;
  }
  window.gap += events.back().end - events.front().start - busy;
  window.events += events.size();
}

/// One step with a wait after each launch: for drivers whose event stamps cannot be trusted.
void run_step_by_host(const Timing& timing, const chain::Chain& chain, Window& window) {
  chain.for_each_pass([&](const scheme::Pass& pass) {
    const Seconds before = timing.clock->now();
    timing.device->enqueue(pass.launch);
    timing.device->finish();
    window.phases.at(static_cast<std::size_t>(pass.role)) += timing.clock->now() - before;
    ++window.events;
  });
}

}  // namespace

Window run_bare(const Timing& timing, chain::Chain& chain, const Cell& cell, std::int64_t repetitions) {
  Window window;
  const auto steps = static_cast<std::uint64_t>(cell.tokens_per_hop);
  for (std::int64_t repetition = 0; repetition < repetitions; ++repetition) {
    chain.reset();
    const Seconds before = timing.clock->now();
    for (std::int64_t hop = 0; hop < cell.hops; ++hop) {
      chain.enqueue_steps(steps, false);
      timing.device->finish();
    }
    window.wall += timing.clock->now() - before;
  }
  return window;
}

Seconds run_restarted(const Timing& timing, chain::Chain& chain, const Cell& cell) {
  const Seconds before = timing.clock->now();
  chain.enqueue_reset();
  for (std::int64_t hop = 0; hop < cell.hops; ++hop) {
    chain.enqueue_steps(static_cast<std::uint64_t>(cell.tokens_per_hop), false);
    timing.device->finish();
  }
  return timing.clock->now() - before;
}

Window run_profiled(const Timing& timing, chain::Chain& chain, const Cell& cell, std::int64_t repetitions) {
  Window window;
  const auto steps = static_cast<std::uint64_t>(cell.tokens_per_hop);
  for (std::int64_t repetition = 0; repetition < repetitions; ++repetition) {
    chain.reset();
    for (std::int64_t hop = 0; hop < cell.hops; ++hop) {
      const Seconds before = timing.clock->now();
      if (timing.events_trusted) {
        chain.enqueue_steps(steps, true);
        timing.device->finish();
        window.wall += timing.clock->now() - before;
        add_events(timing.device->take_events(), chain.step_roles(), window);
        continue;
      }
      Seconds busy;
      for (const Seconds phase : window.phases) busy += phase;
      for (std::uint64_t step = 0; step < steps; ++step) run_step_by_host(timing, chain, window);
      const Seconds hop_wall = timing.clock->now() - before;
      window.wall += hop_wall;
      Seconds after;
      for (const Seconds phase : window.phases) after += phase;
      window.gap += hop_wall - (after - busy);
    }
  }
  return window;
}

}  // namespace qtrap::measure
