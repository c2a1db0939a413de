#include "scheme/budget.hpp"

#include <gtest/gtest.h>

#include "core/anchor.hpp"

namespace qtrap::scheme {
namespace {

// Made up: a byte a second is read, 10 vector operations and multiply-adds a second, so a weight of f16 has 20.
constexpr DeviceRates kVector{1, 10, 10, 10};

TEST(OperationBudget, IsWhatTheDeviceMakesWhileItReadsAWeight) {
  EXPECT_DOUBLE_EQ(compute_budget(2, 0, kVector).per_weight, 20);
  EXPECT_DOUBLE_EQ(compute_budget(0.5, 3, kVector).per_weight, 5);
}

// b V / R - c = 5 - 3 = 2 multiply-adds are free: the third token binds.
TEST(OperationBudget, UnpackingTakesFromIt) {
  EXPECT_EQ(compute_budget(0.5, 0, kVector).bound_batch, 6);
  EXPECT_EQ(compute_budget(0.5, 3, kVector).bound_batch, 3);
}

TEST(OperationBudget, WhoUnpacksMoreThanItIsBoundFromTheFirstBatchOn) {
  EXPECT_EQ(compute_budget(0.5, 5, kVector).bound_batch, 1);
  EXPECT_EQ(compute_budget(0.5, 50, kVector).bound_batch, 1);
}

// 20 - 3 = 17 tokens fit into the time in which f16 reads; f16 itself is bound from the 21st on.
TEST(OperationBudget, IsSlowerThanF16OnceUnpackingAndProductsOutlastItsRead) {
  EXPECT_EQ(compute_budget(0.5, 3, kVector).slower_batch, 18);
  EXPECT_EQ(compute_budget(0.5, 25, kVector).slower_batch, 1);
}

TEST(OperationBudget, WithNothingToUnpackNoBatchIsSlower) {
  EXPECT_FALSE(compute_budget(0.5, 0, kVector).slower_batch);
  EXPECT_FALSE(compute_budget(2, 0, kVector).slower_batch);
}

// Multiply-adds at four times the rate: where f16's knee is at 20 tokens, 3 + B / 4 reaches 20 only at 68.
TEST(OperationBudget, FasterProductsMakeUpForUnpacking) {
  EXPECT_FALSE(compute_budget(1, 3, {1, 10, 40, 10}).slower_batch);
  EXPECT_EQ(compute_budget(1, 3, {1, 10, 40, 10}).bound_batch, 29);  // (10 - 3) / 10 s at 40 a second
}

TEST(OperationBudget, WhoReadsMoreBytesIsSlowerFromTheFirstOn) {
  EXPECT_EQ(compute_budget(2.5, 0, kVector).slower_batch, 1);
}

// The truth by trying every batch, over rates and counts that the closed form was not made from.
TEST(OperationBudget, IsWhatTryingEveryBatchFinds) {
  constexpr int kMost = 4000;
  for (const double bytes : {0.28, 0.5625, 1.0, 2.0}) {
    for (const double unpack : {0.0, 0.7, 3.1, 19.0, 47.0}) {
      for (const DeviceRates rates : {DeviceRates{1, 7, 7, 7}, {3, 61, 240, 61}, {2, 35, 900, 900}, {1, 40, 11, 40}}) {
        const auto time = [&](double b, double c, double macs, int batch) {
          return std::max(b / rates.read_bytes_per_s, c / rates.vector_ops_per_s + batch / macs);
        };
        int bound = 0;
        int slower = 0;
        for (int batch = kMost; batch >= 1; --batch) {
          const double its = time(bytes, unpack, rates.macs_per_s, batch);
          if (its > bytes / rates.read_bytes_per_s * (1 + 1e-12)) bound = batch;
          if (its > time(2, 0, rates.anchor_macs_per_s, batch) * (1 + 1e-12)) slower = batch;
        }
        const OperationBudget budget = compute_budget(bytes, unpack, rates);
        EXPECT_EQ(budget.bound_batch, bound) << bytes << " " << unpack << " " << rates.macs_per_s;
        EXPECT_EQ(budget.slower_batch.value_or(0), slower) << bytes << " " << unpack << " " << rates.macs_per_s;
      }
    }
  }
}

TEST(UnpackOperations, AreThoseOfTheFormatThatTheMatmulReads) {
  EXPECT_EQ(unpack_operations(find_scheme(kAnchor).value()), 0);
  EXPECT_EQ(unpack_operations(find_scheme("w4a16-split").value()), 0);
  EXPECT_GT(unpack_operations(find_scheme("w4a16-fused").value()), 0);
  EXPECT_DOUBLE_EQ(stored_bits(find_scheme("q4_0-fused").value(), {64, 256}, 128), 4.5);
  EXPECT_DOUBLE_EQ(stored_bits(find_scheme("q4_0-split").value(), {64, 256}, 128), 16);
}

}  // namespace
}  // namespace qtrap::scheme
