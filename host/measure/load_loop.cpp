#include "measure/load_loop.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "measure/pace.hpp"
#include "scheme/pass.hpp"

namespace qtrap::measure {
namespace {

/// Repetitions at least this long, so that the wait at their end is a small part.
const Seconds kRepetition(0.01);
constexpr double kMostSteps = 1000;

}  // namespace

LoadLoop make_loop(const Timing& timing, std::string name, std::vector<scheme::Pass> passes, std::int64_t tokens) {
  LoadLoop loop;
  loop.name = std::move(name);
  loop.tokens = tokens;
  for (const scheme::Pass& pass : passes) loop.costs += pass.costs;
  loop.play = [timing, passes = std::move(passes)] {
    const Seconds before = timing.clock->now();
    Pace pace(timing);
    for (const scheme::Pass& pass : passes) {
      timing.device->enqueue(pass.launch);
      if (!pace(1)) break;
    }
    timing.device->finish();
    return timing.clock->now() - before;
  };
  return loop;
}

std::optional<LoadLoop> make_phase_loop(const Timing& timing, const chain::Chain& chain, scheme::Role role,
                                        const profile::Cell& cell) {
  const auto positions = static_cast<std::uint64_t>(cell.context_tokens + cell.run());  // that attention reads
  std::vector<scheme::Pass> passes;
  chain.for_each_pass([&](const scheme::Pass& pass) {
    if (pass.role != role) return;
    passes.push_back(pass);
    passes.back().costs.bytes += pass.bytes_per_position * positions;
  });
  if (passes.empty()) return std::nullopt;
  LoadLoop once = make_loop(timing, to_string(role), std::move(passes), cell.batch * cell.run());
  (void)once.play();
  const double steps = std::clamp(std::ceil(kRepetition / once.play()), 1.0, kMostSteps);
  if (steps == 1) return once;
  LoadLoop loop = once;
  const auto times = static_cast<std::uint64_t>(steps);
  loop.tokens = once.tokens * static_cast<std::int64_t>(times);
  for (std::uint64_t step = 1; step < times; ++step) loop.costs += once.costs;
  loop.play = [timing, &chain, role, times] {
    const Seconds before = timing.clock->now();
    Pace pace(timing);
    bool going = true;
    for (std::uint64_t step = 0; step < times; ++step) {
      chain.for_each_pass([&](const scheme::Pass& pass) {
        if (!going || pass.role != role) return;
        timing.device->enqueue(pass.launch);
        going = pace(1);
      });
      timing.device->flush();
    }
    timing.device->finish();
    return timing.clock->now() - before;
  };
  return loop;
}

}  // namespace qtrap::measure
