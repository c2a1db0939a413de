// A clock that goes on by the same step each time it is read: how fast a machine is decides nothing.
#pragma once

#include "core/clock.hpp"

namespace qtrap::test {

class SteppingClock final : public Clock {
 public:
  explicit SteppingClock(Seconds step) : step_(step) {}
  Seconds now() const override { return now_ += step_; }

 private:
  Seconds step_;
  mutable Seconds now_;
};

}  // namespace qtrap::test
