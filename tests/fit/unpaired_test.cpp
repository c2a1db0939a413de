// Anchors of another table in a fit: ratios without interval and verdict, and nothing else.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "fit/file/fit_report.hpp"

namespace qtrap::fit {
namespace {

/// An imported value of a step, at batch 2.
Row make_row(const std::string& model, double params, const std::string& scheme, int session, double time_s) {
  Row row;
  Workload& work = row.workload;
  work.device = "d";
  work.model = model;
  work.params = work.params_step = params;
  work.layers = 20;
  work.batch = 2;
  work.scheme = scheme;
  work.cell = model + "/b2";
  work.point_id = work.cell + scheme;
  row.session = session;
  row.time_s = time_s;
  row.energy_j = 100 * time_s;
  row.idle_j = 10 * time_s;
  row.time_spread = row.energy_spread = judge::PublishedSpread{0.01, 9};
  return row;
}

Row make_foreign(const std::string& model, double params, int session, double time_s) {
  Row row = make_row(model, params, "f16", session, time_s);
  row.foreign = true;
  return row;
}

TEST(Unpaired, RatiosHaveAValueAlone) {
  std::vector<Row> rows;
  for (int session = 0; session < 3; ++session) {
    rows.push_back(make_foreign("small", 1e9, session, 1 + 1e-3 * session));
    rows.push_back(make_row("small", 1e9, "w4", session, 2));
  }
  const FitReport report = make_fit_report(rows, {}).value();
  ASSERT_EQ(report.ratios.size(), 2U);
  ASSERT_EQ(report.net_ratios.size(), 1U);
  for (const Ratio& one : {report.ratios[0], report.ratios[1], report.net_ratios[0]}) {
    EXPECT_NEAR(one.log_ratio, std::log(2), 2e-3);
    EXPECT_EQ(one.basis, judge::Basis::kUnpaired);
    EXPECT_EQ(one.sessions.size(), 3U);
    EXPECT_FALSE(one.interval);
    EXPECT_FALSE(one.p_value);
    EXPECT_EQ(one.verdict, judge::Verdict::kUndecided);
    EXPECT_FALSE(judge::find_detectable(one));
  }
  EXPECT_TRUE(report.anchorless.empty()) << "the cell has an anchor";
  EXPECT_TRUE(report.pareto.empty()) << "which dominates nothing";
  EXPECT_EQ(report.paper_view.compared, 0U);
  for (const Scaling& one : report.scaling) EXPECT_NE(one.scheme, "f16") << "its costs are of another bench";
}

TEST(Unpaired, RatiosCountOnlyWhereASchemeHasNoPair) {
  std::vector<Row> rows;
  for (int session = 0; session < 2; ++session) {
    rows.push_back(make_row("small", 1e9, "f16", session, 1));
    rows.push_back(make_row("small", 1e9, "w4", session, 2 + 0.1 * session));
  }
  const FitReport alone = make_fit_report(rows, {}).value();
  rows.push_back(make_foreign("small", 1e9, 2, 1));
  rows.push_back(make_row("small", 1e9, "w4", 2, 30));
  rows.push_back(make_foreign("large", 8e9, 2, 1));
  rows.push_back(make_row("large", 8e9, "w4", 2, 3));
  const FitReport mixed = make_fit_report(rows, {}).value();
  for (const Ratio& one : mixed.ratios) {
    if (one.cell.model == "large") {
      EXPECT_EQ(one.basis, judge::Basis::kUnpaired);
      continue;
    }
    const Ratio& before = alone.ratios[one.quantity == Quantity::kTime ? 0 : 1];
    EXPECT_EQ(one.log_ratio, before.log_ratio);
    EXPECT_EQ(one.interval->low, before.interval->low) << "the pool of variances is that of pairs";
    EXPECT_EQ(one.sessions.size(), 2U);
    EXPECT_EQ(one.unpaired, 1) << "the session without an anchor of its own";
  }
}

TEST(Unpaired, RatiosMakeNoCrossing) {
  std::vector<Row> rows;
  for (const auto& [model, params, ratio] :
       {std::tuple{"small", 1e9, 1.5}, {"middle", 2e9, 1.3}, {"large", 8e9, 0.7}}) {
    rows.push_back(make_foreign(model, params, 0, 1e-9 * params));
    rows.push_back(make_row(model, params, "w4", 0, 1e-9 * params * ratio));
  }
  for (Row& row : rows) row.time_spread = row.energy_spread = std::nullopt;  // signs of single values
  const auto crossings = [](const std::vector<Row>& all) {
    std::vector<Critical> sizes = make_fit_report(all, {}).value().critical;
    std::erase_if(sizes, [](const Critical& one) { return one.axis != Axis::kParams; });
    return sizes;
  };
  std::vector<Critical> found = crossings(rows);
  ASSERT_EQ(found.size(), 2U);
  for (const Critical& one : found) {
    EXPECT_EQ(one.crossing.status, CriticalStatus::kNotIdentified);
    EXPECT_FALSE(one.crossing.low || one.crossing.high);
    EXPECT_EQ(one.sizes_used.size(), 3U) << "so that its reason is printed";
    EXPECT_EQ(one.crossing.reason, "its ratios are unpaired: f16 was published in another table");
  }
  for (Row& row : rows) row.foreign = row.foreign && row.workload.model == "middle";
  found = crossings(rows);
  ASSERT_EQ(found.size(), 2U);
  for (const Critical& one : found) {
    EXPECT_EQ(one.sizes_used, (std::vector{1e9, 8e9})) << "the middle size has no pair";
    EXPECT_EQ(one.crossing.status, CriticalStatus::kFound);
  }
}

}  // namespace
}  // namespace qtrap::fit
