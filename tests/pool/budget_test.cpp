#include <gtest/gtest.h>

#include <cmath>

#include "format/format.hpp"
#include "pool/pool_cell.hpp"

namespace qtrap::pool {
namespace {

// A byte a second and 10 multiply-adds: a weight of f16 has 20 operations, one of int8 (and its scale a row) 10 and
// more.
TEST_F(PoolCell, SaysFromWhichBatchInstructionsArePredictedToBind) {
  for (auto& session : sessions_) {
    session.ceilings.read_bytes_per_s = 1;
    session.ceilings.fp32_macs_per_s = 10;
  }
  campaign_.schemes = {"w8a16-split", "w8a16-fused"};
  for (const char* scheme : {"f16", "w8a16-split", "w8a16-fused"}) add("s1", scheme, 0, 1.0);
  const std::vector<result::PointRecord> points = pool();
  for (const int plain : {0, 1}) {  // a split scheme multiplies f16
    const result::PointRecord& point = points.at(static_cast<std::size_t>(plain));
    EXPECT_EQ(point.stored_weight_bits, 16);
    EXPECT_EQ(point.unpack_operations, 0);
    EXPECT_EQ(point.operation_budget, 20);
    EXPECT_EQ(point.predicted_bound_batch, 21);
    EXPECT_FALSE(point.predicted_slower_batch);
  }
  const result::PointRecord& fused = points.at(2);
  const double rows = 64 + 2 * 32 + 64 + 2 * 128 + 64;
  const double bytes = (kLayerWeights + 2 * rows) / kLayerWeights;
  const double unpack = format::info(format::WeightFormat::kInt8).unpack_operations;
  EXPECT_DOUBLE_EQ(*fused.stored_weight_bits, 8 * bytes);
  EXPECT_DOUBLE_EQ(*fused.operation_budget, 10 * bytes);
  EXPECT_EQ(fused.predicted_bound_batch, std::floor(10 * bytes - unpack) + 1);
  EXPECT_EQ(fused.predicted_slower_batch, std::floor(20 - unpack) + 1);
}

TEST_F(PoolCell, PredictsNothingWithoutCeilings) {
  add("s1", "f16", 0, 1.0);
  add("s1", "w8a16-split", 0, 1.0);
  for (const result::PointRecord& point : pool()) {
    EXPECT_TRUE(point.stored_weight_bits);
    EXPECT_FALSE(point.operation_budget || point.predicted_bound_batch || point.predicted_slower_batch);
  }
}

}  // namespace
}  // namespace qtrap::pool
