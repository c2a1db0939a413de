// Reads a meter at a fixed period and keeps every raw sample with its own stamps, and what the reading itself
// cost. A late tick is skipped and counted, never caught up in a burst.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "power/meter.hpp"

namespace qtrap::power {

/// Waiting on the meter's clock; passed in so that tests need no real time.
class Waiter {
 public:
  virtual ~Waiter() = default;
  /// Waits until `time` on the clock the waiter belongs to; returns false at once when stopped.
  virtual bool wait_until(Seconds time) = 0;
  /// Ends this and every later wait. May be called from another thread.
  virtual void stop() = 0;
};

/// Waits on a condition variable: sleeps, and wakes at once on stop(). Typical lateness on Linux: 60 us.
class ThreadWaiter final : public Waiter {
 public:
  explicit ThreadWaiter(const Clock& clock) : clock_(clock) {}
  bool wait_until(Seconds time) override;
  void stop() override;

 private:
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;
};

/// How a load and the sampler beside it wait, each on a waiter of its own: in real time, or, in a test, on a clock that
/// moves them in turn.
struct Pacing {
  std::function<std::unique_ptr<Waiter>()> load;
  std::function<std::unique_ptr<Waiter>()> sampler;
};
/// ThreadWaiters on `clock`, which must outlive them.
Pacing make_real_pacing(const Clock& clock);

/// What sampling cost.
struct SamplerCost {
  std::size_t reads = 0;
  std::size_t late_ticks = 0;  ///< ticks skipped because the read before them had not finished
  Seconds reading;             ///< time spent inside Meter::read(), total
  Seconds longest;             ///< longest single read
  Seconds elapsed;             ///< from the first tick to the last
  /// Share of one core, 0 to 1; 0 before the second tick.
  double core_share() const { return elapsed > Seconds(0) ? reading / elapsed : 0; }
};

/// Samples and their cost.
struct Recording {
  std::vector<Sample> samples;
  SamplerCost cost;
};

/// Reads `meter` every `period` (> 0) in the calling thread until `end` or until the waiter is stopped.
Recording record_until(Meter& meter, const Clock& clock, Waiter& waiter, Seconds period, Seconds end);

/// The same in a thread of its own, from construction until finish(). The meter belongs to the thread
/// meanwhile.
class Sampler {
 public:
  Sampler(Meter& meter, const Clock& clock, std::unique_ptr<Waiter> waiter, Seconds period);
  ~Sampler();
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  /// A copy of the samples taken since `since`. Blocks the thread for the copy only.
  std::vector<Sample> samples_since(Seconds since) const;
  /// Waits on the caller's thread until a sample at or after `time` is there, or the sampler has ended; at
  /// most `patience`. Returns whether it is there.
  bool wait_for_sample(Seconds time, Seconds patience) const;
  /// Stops the thread and hands over everything. A second call gives an empty recording.
  Recording finish();

 private:
  void run(Seconds period);

  Meter& meter_;
  const Clock& clock_;
  std::unique_ptr<Waiter> waiter_;
  mutable std::mutex mutex_;
  mutable std::condition_variable sampled_;
  Recording recording_;
  bool ended_ = false;
  std::thread thread_;
};

/// Samples as integers for a `samples` record: stamps in us and values in mJ and mW, each as the difference
/// to the one before it (the first to 0). An absent value repeats the difference 0 and stands in
/// `energy_absent` or `power_absent`. Decoding gives the values back within half a unit.
struct EncodedSamples {
  std::vector<std::int64_t> at_us;
  std::vector<std::int64_t> energy_mj;
  std::vector<std::int64_t> power_mw;
  std::vector<std::pair<std::size_t, ReadStatus>> energy_absent;  ///< index and reason; in order
  std::vector<std::pair<std::size_t, ReadStatus>> power_absent;
};

/// Encodes samples; `at_us` is the energy channel's stamp where it was read, else the power channel's. The
/// two stamps of one sample differ by the duration of one read.
EncodedSamples encode_samples(const std::vector<Sample>& samples);
/// The samples again, both channels at `at_us`. kRuntime error when the arrays differ in length.
Result<std::vector<Sample>> decode_samples(const EncodedSamples& encoded);

}  // namespace qtrap::power
