// What cuts a long stretch of launches: after each batch the host waits for the batch before it, so that a queue holds
// two batches at most and a stop is heard within them, however long the stretch. The device never runs dry: while the
// host waits for one batch the next is queued. A stretch shorter than a batch is not touched; a batch that passed in a
// fraction of its time is followed by one of twice the launches.
#pragma once

#include <cstdint>
#include <functional>

#include "core/clock.hpp"
#include "device/device.hpp"

namespace qtrap::measure {

/// Time that a batch should take: a stop is heard within two of them, and a wait costs nothing beside one.
inline constexpr Seconds kBatchTime(0.25);
/// Most launches in a batch: what a driver keeps for each (an event, arguments) stays within tens of megabytes.
inline constexpr std::uint64_t kMostInBatch = std::uint64_t{1} << 17;

/// Launches of a batch of kBatchTime, where `launches` took `wall`.
std::uint64_t choose_batch(std::uint64_t launches, Seconds wall);

/// What runs and times a chain.
struct Timing {
  device::Device* device = nullptr;
  const Clock* clock = nullptr;
  bool events_trusted = true;  ///< false: each launch of the profiled pass is waited for and timed by the host
  const std::function<bool()>* stop_requested = nullptr;  ///< null: nothing can stop it; once true it stays so
  std::uint64_t batch = 1;                                ///< launches of a stretch's first batch

  bool stopped() const { return stop_requested != nullptr && (*stop_requested)(); }
};

class Pace {
 public:
  /// `wait` waits until no more than the given number of launches, those of the last batch, are in flight; by default
  /// with marks on the bare queue.
  explicit Pace(const Timing& timing, std::function<void(std::uint64_t)> wait = {});
  /// To be told of the launches that were submitted since it was told last. False: stopped, submit no more.
  bool operator()(std::uint64_t launches);

 private:
  Timing timing_;
  std::function<void(std::uint64_t)> wait_;
  std::uint64_t in_batch_ = 0;
  Seconds batch_begin_;
};

}  // namespace qtrap::measure
