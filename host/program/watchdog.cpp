#include "program/watchdog.hpp"

#include <algorithm>

namespace qtrap::program {
namespace {

constexpr double kFactor = 10;
constexpr double kLongestPause = 1;

}  // namespace

void Watchdog::heard(Seconds now, double expected_s) {
  asked_ = now;
  silent_s_ = 0;
  expected_s_ = expected_s;
}

bool Watchdog::expired(Seconds now) {
  silent_s_ += std::min((now - asked_).value(), kLongestPause);
  asked_ = now;
  return least_s_ > 0 && silent_s_ > allowed_s();
}

double Watchdog::allowed_s() const { return std::max(least_s_, kFactor * expected_s_); }

}  // namespace qtrap::program
