#include "core/descriptor.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace qtrap {
namespace {

bool is_open(int number) { return ::fcntl(number, F_GETFD) >= 0; }
Descriptor open_null() { return Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

TEST(OwnedDescriptor, IsClosedWithItsOwnerAndOnce) {
  int number = -1;
  {
    Descriptor first = open_null();
    number = first.get();
    const Descriptor owner = std::move(first);
    EXPECT_FALSE(first.is_open());  // NOLINT: what a moved-from one holds is asked
    EXPECT_EQ(owner.get(), number);
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(OwnedDescriptor, GivesUpItsOwnForAnotherAndNothingForItself) {
  Descriptor owner = open_null();
  const int number = owner.get();
  Descriptor& same = owner;
  owner = std::move(same);
  EXPECT_TRUE(is_open(number));
  owner = Descriptor();
  EXPECT_FALSE(is_open(number));
  EXPECT_FALSE(owner.is_open());
}

}  // namespace
}  // namespace qtrap
