// Launches that are repeated alone: one phase of a chain, or one operation of a probe window.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "chain/chain.hpp"
#include "measure/pace.hpp"
#include "measure/trial.hpp"
#include "scheme/pass.hpp"
#include "scheme/scheme.hpp"

namespace qtrap::measure {

/// One repetition is what `play` enqueues and waits for.
struct LoadLoop {
  std::string name;         ///< goes into a trial's `phase`
  scheme::Costs costs;      ///< of one repetition
  std::int64_t syncs = 1;   ///< host waits of one repetition
  std::int64_t tokens = 0;  ///< of one repetition; 0 for probes
  /// Of a probe of multiply-adds: SchemeInfo::mac_class().
  std::optional<std::string> mac_class = {};
  std::function<Seconds()> play;  ///< plays one repetition and returns its wall time
};

/// A loop over `passes`, each once per repetition, `tokens` being those of one repetition.
LoadLoop make_loop(const Timing& timing, std::string name, std::vector<scheme::Pass> passes, std::int64_t tokens = 0);

/// The passes of one role of a step, over as many steps as take 10 ms; none when the chain has no such pass. They run
/// on what the last step left: run one of the cell before, and reset the chain.
std::optional<LoadLoop> make_phase_loop(const Timing& timing, const chain::Chain& chain, scheme::Role role,
                                        const profile::Cell& cell);

}  // namespace qtrap::measure
