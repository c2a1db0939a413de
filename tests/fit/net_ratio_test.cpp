#include <gtest/gtest.h>

#include <cmath>

#include "fit/ratios.hpp"

namespace qtrap::fit {
namespace {

Row row(const char* scheme, int session, double gross_j, std::optional<double> idle_j, bool flagged = false) {
  Row one;
  one.workload.device = "d";
  one.workload.model = "m";
  one.workload.scheme = scheme;
  one.session = session;
  one.energy_j = gross_j;
  one.idle_j = idle_j;
  one.flagged = flagged;
  return one;
}

// Gross 3 / 2, net (3 - 1) / (2 - 1).
TEST(NetRatio, IsOfEnergyWithoutIdle) {
  const std::vector<Row> rows{row("f16", 0, 2, 1), row("w8a8", 0, 3, 1), row("f16", 1, 4, 2), row("w8a8", 1, 6, 2)};
  const auto net = compute_net_ratios(rows);
  ASSERT_EQ(net.size(), 1U);
  EXPECT_NEAR(std::exp(net[0].log_ratio), 2, 1e-12);
  EXPECT_EQ(net[0].quantity, Quantity::kEnergy);
  EXPECT_NEAR(std::exp(compute_ratios(rows, Quantity::kEnergy)[0].log_ratio), 1.5, 1e-12);
}

TEST(NetRatio, IsNoneWithoutIdleOrBelowItsNoise) {
  EXPECT_TRUE(compute_net_ratios(std::vector{row("f16", 0, 2, 1), row("w8a8", 0, 3, {})}).empty());
  std::vector<Row> rows{row("f16", 0, 2, 1), row("w8a8", 0, 1, 1.1), row("f16", 1, 2, 1), row("w8a8", 1, 3, 1)};
  EXPECT_TRUE(compute_net_ratios(rows).empty());
  rows[1].flagged = true;
  EXPECT_EQ(compute_net_ratios(rows).size(), 1U);
}

}  // namespace
}  // namespace qtrap::fit
