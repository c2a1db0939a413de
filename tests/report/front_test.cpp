#include "report/front.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace qtrap::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A scheme of a cell with its time to f16, energy where there is one, and loss; intervals of +-`spread`.
void add(result::ResultFile& file, const std::string& scheme, double time, double loss, double spread,
         std::optional<double> energy = {}) {
  result::PointRecord point;
  point.cell_id = point.model = "m";
  point.scheme = scheme;
  if (scheme != "f16") {
    point.time_ratio = time;
    point.time_ratio_low = time - spread;
    point.time_ratio_high = time + spread;
    point.energy_ratio = energy;
  }
  file.points.push_back(point);
  result::QualityRecord quality;
  quality.model = "m";
  quality.scheme = scheme;
  quality.kl_nats_per_token = loss;
  if (scheme != "f16") {
    quality.kl_nats_per_token_low = loss - spread;
    quality.kl_nats_per_token_high = loss + spread;
  }
  quality.top1_agreement = 1 - loss;
  file.qualities.push_back(quality);
}

/// The last column of each row.
std::vector<std::string> places(const std::string& text) {
  std::vector<std::string> found;
  std::istringstream lines(text);
  std::string line;
  for (int i = 0; std::getline(lines, line); ++i) {
    const auto gap = line.rfind("  ");
    if (i > 1) found.push_back(line.substr(gap + 2));
  }
  return found;
}

TEST(Front, HoldsWhatNoOtherSchemeBeatsInBoth) {
  result::ResultFile file;
  add(file, "f16", 1, 0, 0);
  add(file, "w8a8", 0.5, 0.1, 0.02);
  add(file, "w4a16-fused", 0.4, 0.3, 0.02);
  add(file, "w4a16-split", 1.2, 0.3, 0.02);  // f16 is faster and loses nothing
  add(file, "int3-fused", 0.6, 0.5, 0.02);   // w8a8 is better by more than the intervals
  add(file, "nf4-fused", 0.41, 0.31, 0.02);  // w4a16-fused is better by less than they are
  EXPECT_THAT(places(describe_front(file)),
              ElementsAre("yes", "yes", "yes", "no: f16", "no: w8a8", "perhaps not: w4a16-fused"));
}

TEST(Front, TakesEnergyWhereEveryPointHasOne) {
  result::ResultFile file;
  add(file, "f16", 1, 0, 0);
  add(file, "w8a8", 2, 0.1, 0.01, 0.5);
  EXPECT_THAT(places(describe_front(file)), ElementsAre("yes", "yes"));
  EXPECT_THAT(describe_front(file), HasSubstr("energy"));
  add(file, "w4a8", 0.9, 0.2, 0.01);  // without an energy: all are compared by time
  EXPECT_THAT(places(describe_front(file)), ElementsAre("yes", "no: f16", "yes"));
}

TEST(Front, IsSureOfNothingWithoutAnInterval) {
  result::ResultFile file;
  add(file, "f16", 1, 0, 0);
  add(file, "w8a8", 1.25, 0.1, 0.01);
  file.points.back().time_ratio_low = file.points.back().time_ratio_high = std::nullopt;
  EXPECT_THAT(places(describe_front(file)), ElementsAre("yes", "perhaps not: f16"));
  EXPECT_THAT(describe_front(file), HasSubstr("1.25  ")) << "the value alone";
}

TEST(Front, LeavesOutWhatHasNoLossOrNoCost) {
  result::ResultFile file;
  EXPECT_THAT(describe_front(file), IsEmpty());
  add(file, "f16", 1, 0, 0);
  add(file, "w8a8", 0.5, 0.1, 0.01);
  file.qualities.back().status = result::PointStatus::kError;
  add(file, "w4a8", 0.5, 0.1, 0.01);
  file.points.back().time_ratio.reset();
  EXPECT_THAT(places(describe_front(file)), ElementsAre("yes"));
  file.qualities.clear();
  EXPECT_THAT(describe_front(file), IsEmpty());
}

}  // namespace
}  // namespace qtrap::report
