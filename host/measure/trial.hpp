// One measured window of a chain: bare (wall time alone) or profiled (every launch's event, summed by phase). All stop
// early where a stop is requested: what they return then is not to be used.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "chain/chain.hpp"
#include "measure/pace.hpp"
#include "profile/cell.hpp"

namespace qtrap::measure {

/// Most repetitions of a chain or loop in a window.
inline constexpr std::int64_t kMostRepetitions = 10000;

/// What a window gave. Phases and gap are those of the profiled pass only.
struct Window {
  Seconds wall;  ///< from the first enqueue of each hop to its finish, summed
  std::array<Seconds, scheme::kRoleCount> phases{};
  Seconds gap;               ///< between launches inside hops
  std::uint64_t events = 0;  ///< launches counted by their events (or host waits)
  std::string stamp_fault;   ///< of the first hop whose stamps cannot be believed: phases and gap then mean nothing
};

/// Runs the steps of a hop without events and waits for them.
void run_hop(const Timing& timing, chain::Chain& chain, std::int64_t steps);

/// Runs `repetitions` chains from the seed without events. The seed is restored outside the timed window.
Window run_bare(const Timing& timing, chain::Chain& chain, const profile::Cell& cell, std::int64_t repetitions);

/// Runs one chain without events, its restart from the seed inside the time: repetitions follow each other without a
/// pause, so that the energy of a window belongs to the same time. The restart copies one row of activations per token.
Seconds run_restarted(const Timing& timing, chain::Chain& chain, const profile::Cell& cell);

/// Runs `repetitions` chains with one event per launch.
Window run_profiled(const Timing& timing, chain::Chain& chain, const profile::Cell& cell, std::int64_t repetitions);

}  // namespace qtrap::measure
