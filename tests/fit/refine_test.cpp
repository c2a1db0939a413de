#include "fit/refine.hpp"

#include <gtest/gtest.h>

namespace qtrap::fit {
namespace {

Critical found(Axis axis, double value, std::vector<double> sizes) {
  Critical one;
  one.axis = axis;
  one.scheme = "w8a8";
  one.sizes_used = std::move(sizes);
  one.crossing.status = CriticalStatus::kFound;
  one.crossing.value = value;
  return one;
}

TEST(Refine, TheMeasuredSizesBesideACrossingBracketIt) {
  const auto brackets =
      find_brackets(std::vector{found(Axis::kBatch, 5, {1, 4, 8, 64}), found(Axis::kParams, 2e9, {1e9, 4e9})});
  ASSERT_EQ(brackets.size(), 2U);
  EXPECT_EQ(brackets[0].lower, 4);
  EXPECT_EQ(brackets[0].upper, 8);
  EXPECT_EQ(brackets[1].axis, Axis::kParams);
  EXPECT_EQ(brackets[1].scheme, "w8a8");
}

TEST(Refine, WhatIsNotFoundOrFittedOrAlongHopsIsNot) {
  auto open = found(Axis::kBatch, 5, {1, 8});
  open.crossing.status = CriticalStatus::kAbove;
  auto fitted = found(Axis::kBatch, 5, {1, 8});
  fitted.method = CriticalMethod::kFitted;
  EXPECT_TRUE(find_brackets(std::vector{open, fitted, found(Axis::kHops, 5, {1, 8})}).empty());
}

TEST(Refine, TheMiddleOfTheLogarithmsIsWhole) {
  EXPECT_EQ(choose_between(1, 8), 3);
  EXPECT_EQ(choose_between(4, 64), 16);
  EXPECT_EQ(choose_between(1, 3), 2);
  EXPECT_EQ(choose_between(7, 9), 8);
  EXPECT_EQ(choose_between(3, 4), std::nullopt);
}

}  // namespace
}  // namespace qtrap::fit
