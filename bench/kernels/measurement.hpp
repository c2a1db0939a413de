// Interleaved timing: every case of a group runs once per round, in an order shuffled anew, so that drift of the
// machine falls on all alike. A sample is the wall time of `calls` calls in a row, waited for once, divided by `calls`:
// short cases are repeated until a sample lasts kSampleSeconds, so that the host's wait (20 to 50 us) does not count.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/clock.hpp"

namespace qtrap::bench {

/// Something to time: our passes or a peer's routine, over several weight matrices in turn.
struct Case {
  std::string name;
  std::string kind;                          ///< "scheme", "pass", "peer", "roof" or "bandwidth"
  std::string reference;                     ///< case of the same group that `fraction` compares with; empty: none
  double bytes = 0;                          ///< read and written by one call, by the buffers bound
  double macs = 0;                           ///< multiply-adds of one call
  std::vector<std::function<void()>> calls;  ///< one per matrix; may return before the work is done
  std::function<void()> finish;              ///< waits for the work
  double settle_s = 0;                       ///< idle time after a sample, for threads that spin on
};

/// Cases that are timed together: one shape and number of columns (0: passes over a whole matrix).
struct Group {
  std::uint64_t rows = 0;
  std::uint64_t columns = 0;
  std::uint64_t tokens = 0;
  std::vector<Case> cases;
};

struct TimingPlan {
  int rounds = 7;           ///< samples per case at most
  double case_seconds = 2;  ///< a case that has taken this long gets no further sample
  std::uint32_t order_seed = 0;
};

/// Seconds per call of every sample, one list per case in the order of group.cases. Each case is called twice before
/// (the first call compiles).
std::vector<std::vector<double>> time_group(const Group& group, const TimingPlan& plan, const Clock& clock);

}  // namespace qtrap::bench
