// What may differ in a row of a matmul, and which rows are looked at.
#include "measure/row_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace qtrap::measure {
namespace {

using ::testing::ElementsAre;

TEST(RowTolerance, AllowsOneUnitOfF16AndTheOrderOfASum) {
  // 16 x 2^-24 x sqrt(1024) x 1 = 3.05e-5, and 2^-10 of the value.
  const auto tolerance = RowTolerance::make(1024, 1, false);
  EXPECT_NEAR(tolerance.absolute, 3.05e-5, 1e-7);
  EXPECT_LT(tolerance.share(1 + 0x1p-10, 1), 1);
  EXPECT_GT(tolerance.share(1 + 0x1p-9, 1), 1);
  EXPECT_LT(tolerance.share(3e-5, 0), 1);
  EXPECT_GT(tolerance.share(6e-5, 0), 1);
}

TEST(RowTolerance, AFactorOf1Point01IsWrongWhereTheResultTells) {
  for (const std::uint64_t products : {64U, 1024U, 4096U, 28672U}) {
    for (const bool matrix_unit : {false, true}) {
      const auto tolerance = RowTolerance::make(products, 1, matrix_unit);
      int telling = 0;
      for (int i = 1; i <= 1000; ++i) {
        const double expected = 0.003 * i;
        if (!tolerance.is_telling(expected)) continue;
        ++telling;
        EXPECT_GT(tolerance.share(1.01 * expected, expected), 1) << products << " " << expected;
      }
      EXPECT_GT(telling, 500) << "of results up to three deviations";
    }
  }
}

TEST(RowTolerance, NothingIsRightThatIsNotFinite) {
  const auto tolerance = RowTolerance::make(1024, 1, false);
  EXPECT_GT(tolerance.share(std::nan(""), 1), 1);
  EXPECT_GT(tolerance.share(std::numeric_limits<double>::infinity(), 1), 1);
  EXPECT_GT(tolerance.share(1, std::nan("")), 1);
}

TEST(RowTolerance, OfIntegersAllowsNothing) {
  EXPECT_EQ(RowTolerance::exact().share(7, 7), 0);
  EXPECT_GT(RowTolerance::exact().share(8, 7), 1);
  EXPECT_FALSE(RowTolerance::exact().is_telling(0));
  EXPECT_TRUE(RowTolerance::exact().is_telling(200));
}

TEST(BlockOrder, BeginsWithTheEndsAndGoesRoundFromWhereTheSessionSays) {
  EXPECT_THAT(order_blocks(6, 0), ElementsAre(0, 5, 1, 2, 3, 4));
  EXPECT_THAT(order_blocks(6, 2), ElementsAre(0, 5, 3, 4, 1, 2));
  EXPECT_THAT(order_blocks(6, 7), ElementsAre(0, 5, 4, 1, 2, 3));
  EXPECT_THAT(order_blocks(2, 9), ElementsAre(0, 1));
  EXPECT_THAT(order_blocks(1, 9), ElementsAre(0));
}

TEST(BlockRuns, PutNeighboursTogether) {
  EXPECT_THAT(find_runs({0, 5, 3, 4, 1, 2}, 2, 6), ElementsAre(BlockRun{3, 2}, BlockRun{1, 2}));
  EXPECT_THAT(find_runs({7, 8, 9}, 0, 3), ElementsAre(BlockRun{7, 3}));
}

}  // namespace
}  // namespace qtrap::measure
