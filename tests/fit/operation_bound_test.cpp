#include "fit/balance/operation_bound.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qtrap::fit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

result::PointRecord point(std::int64_t batch, double time_s, const char* scheme = "w4a16-fused") {
  result::PointRecord made;
  made.scheme = scheme;
  made.model = "m";
  made.device_id = "d";
  made.batch = batch;
  made.time_s = time_s;
  made.trials = 4;
  made.predicted_bound_batch = 5;
  made.predicted_slower_batch = 12;
  made.unpack_operations = 1.5;
  made.operation_budget = 6;
  return made;
}

TEST(OperationBounds, LieBetweenTheBatchesWhereTheTimeLeavesThatOfTheSmallest) {
  const result::PointRecord points[] = {point(8, 3.0), point(1, 1.0), point(2, 1.1), point(4, 1.25)};  // in any order
  const auto bounds = find_operation_bounds(points);
  ASSERT_EQ(bounds.size(), 1);
  EXPECT_THAT(bounds[0].batches, ElementsAre(1, 2, 4, 8));
  EXPECT_EQ(bounds[0].measured_bound_low, 4);
  EXPECT_EQ(bounds[0].measured_bound_high, 8);
  EXPECT_EQ(bounds[0].predicted_bound_batch, 5);
  EXPECT_EQ(bounds[0].predicted_slower_batch, 12);
  EXPECT_EQ(bounds[0].cell.batch, 0);
}

TEST(OperationBounds, SayThatNoBatchTookLonger) {
  const result::PointRecord points[] = {point(1, 1.0), point(16, 1.2)};
  const auto bounds = find_operation_bounds(points);
  EXPECT_EQ(bounds.at(0).measured_bound_low, 16);
  EXPECT_FALSE(bounds.at(0).measured_bound_high);
}

TEST(OperationBounds, HaveNothingMeasuredWithOneBatch) {
  const result::PointRecord points[] = {point(1, 1.0)};
  const auto bounds = find_operation_bounds(points);
  EXPECT_FALSE(bounds.at(0).measured_bound_low);
  EXPECT_FALSE(bounds.at(0).measured_bound_high);
}

TEST(OperationBounds, KeepSchemesApartAndTakeTheLargestBatchsPrediction) {
  result::PointRecord large = point(64, 9.0);
  large.predicted_bound_batch = 300;  // on the matrix unit
  const result::PointRecord points[] = {large, point(1, 1.0), point(1, 1.0, "q4_0-fused")};
  const auto bounds = find_operation_bounds(points);
  ASSERT_EQ(bounds.size(), 2);
  EXPECT_EQ(bounds[1].scheme, "w4a16-fused");
  EXPECT_EQ(bounds[1].predicted_bound_batch, 300);
}

TEST(OperationBounds, LeaveOutWhatWasDisturbedFailedOrPublished) {
  result::PointRecord flagged = point(1, 1.0);
  flagged.trials_flagged = 4;
  result::PointRecord failed = point(2, 1.0);
  failed.status = result::PointStatus::kError;
  result::PointRecord imported = point(4, 1.0);
  imported.predicted_bound_batch.reset();
  const result::PointRecord points[] = {flagged, failed, imported};
  EXPECT_THAT(find_operation_bounds(points), IsEmpty());
}

}  // namespace
}  // namespace qtrap::fit
