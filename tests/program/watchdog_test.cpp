// When silence is a hang, with plain numbers for the time.
#include "program/watchdog.hpp"

#include <gtest/gtest.h>

namespace qtrap::program {
namespace {

/// Asks every half second from `from` to `until`; the first time at which it has expired.
double first_expiry(Watchdog& dog, double from, double until) {
  for (int half_s = 0; from + 0.5 * half_s <= until; ++half_s) {
    if (dog.expired(Seconds(from + 0.5 * half_s))) return from + 0.5 * half_s;
  }
  return -1;
}

TEST(Watchdog, WaitsForItsLeastTimeWhereNothingIsExpected) {
  Watchdog dog(30);
  dog.heard(Seconds(100), 0);
  EXPECT_EQ(first_expiry(dog, 100, 200), 130.5);
}

TEST(Watchdog, WaitsTenTimesWhatIsExpected) {
  Watchdog dog(30);
  dog.heard(Seconds(0), 60);
  EXPECT_EQ(dog.allowed_s(), 600);
  EXPECT_EQ(first_expiry(dog, 0, 1000), 600.5);
}

TEST(Watchdog, ASignOfLifeBeginsAnew) {
  Watchdog dog(30);
  dog.heard(Seconds(0), 0);
  EXPECT_EQ(first_expiry(dog, 0, 29), -1);
  dog.heard(Seconds(29), 0);
  EXPECT_EQ(first_expiry(dog, 29, 59), -1);
}

TEST(Watchdog, ZeroNeverExpires) {
  Watchdog dog(0);
  dog.heard(Seconds(0), 0);
  EXPECT_EQ(first_expiry(dog, 0, 100000), -1);
}

TEST(Watchdog, ASuspendedOrStoppedParentIsNoSilenceOfTheChild) {
  Watchdog dog(30);
  dog.heard(Seconds(0), 0);
  EXPECT_FALSE(dog.expired(Seconds(1)));
  EXPECT_FALSE(dog.expired(Seconds(100000))) << "nobody asked for a day: that counts as one second";
  EXPECT_EQ(first_expiry(dog, 100000, 100100), 100028.5);
}

}  // namespace
}  // namespace qtrap::program
