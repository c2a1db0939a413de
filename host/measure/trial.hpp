// One measured window of a chain: bare (wall time alone) or profiled (every launch's event, summed by phase).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "chain/chain.hpp"
#include "core/clock.hpp"
#include "device/device.hpp"
#include "measure/cell.hpp"

namespace qtrap::measure {

/// What a window gave. Phases and gap are those of the profiled pass only.
struct Window {
  Seconds wall;  ///< from the first enqueue of each hop to its finish, summed
  std::array<Seconds, scheme::kRoleCount> phases{};
  Seconds gap;               ///< between launches inside hops
  std::uint64_t events = 0;  ///< launches counted by their events (or host waits)
};

/// What runs and times a chain.
struct Timing {
  device::Device* device = nullptr;
  const Clock* clock = nullptr;
  bool events_trusted = true;  ///< false: each launch of the profiled pass is waited for and timed by the host
};

/// Runs `repetitions` chains from the seed without events. The seed is restored outside the timed window.
Window run_bare(const Timing& timing, chain::Chain& chain, const Cell& cell, std::int64_t repetitions);

/// Runs one chain without events, its restart from the seed inside the time: repetitions follow each other without a
/// pause, so that the energy of a window belongs to the same time. The restart copies one row of activations per token.
Seconds run_restarted(const Timing& timing, chain::Chain& chain, const Cell& cell);

/// Runs `repetitions` chains with one event per launch.
Window run_profiled(const Timing& timing, chain::Chain& chain, const Cell& cell, std::int64_t repetitions);

}  // namespace qtrap::measure
