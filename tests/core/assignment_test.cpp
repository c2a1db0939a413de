#include "core/assignment.hpp"

#include <gtest/gtest.h>

namespace qtrap {
namespace {

TEST(Assignment, SplitsAtTheFirstEqualsSign) {
  const auto split = split_assignment("key=a=b");
  ASSERT_TRUE(split.has_value());
  EXPECT_EQ(split->key, "key");
  EXPECT_EQ(split->value, "a=b");
  EXPECT_EQ(split_assignment("=x")->key, "");
  EXPECT_EQ(split_assignment("x=")->value, "");
  EXPECT_FALSE(split_assignment("key").has_value());
}

}  // namespace
}  // namespace qtrap
