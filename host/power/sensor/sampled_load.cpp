#include "power/sensor/sampled_load.hpp"

#include <memory>

#include "power/sampler.hpp"

namespace qtrap::power {

PlayLoad make_sampled_load(Meter& meter, const Clock& clock, Pacing pacing, KeepBusy keep_busy, Seconds poll) {
  return [&meter, &clock, pacing = std::move(pacing), keep_busy = std::move(keep_busy),
          poll](std::span<const LoadStep> steps) -> Result<LoadRun> {
    LoadRun run;
    Sampler sampler(meter, clock, pacing.sampler(), poll);
    const auto rest = pacing.load();
    for (const LoadStep& step : steps) {
      const Seconds begin = clock.now();
      if (step.busy) {
        const Status kept = keep_busy(step.duration);
        if (!kept) return kept.error();
      } else {
        rest->wait_until(begin + step.duration);
      }
      run.played.push_back({begin, clock.now(), step.busy});
    }
    run.samples = sampler.finish().samples;
    return run;
  };
}

}  // namespace qtrap::power
