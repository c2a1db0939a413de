// Published spreads, replicates and sessions: which ratios have an interval, and which a verdict.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/statistics.hpp"
#include "import/sample_table.hpp"

namespace qtrap::importer {
namespace {

/// kMap with a time spread and without the energy.
std::string spread_map(const char* spread) {
  return replace(kMap, R"("unit": "tokens/s"})", std::string(R"("unit": "tokens/s", "spread": )") + spread + "}");
}

TEST(Import, GivesAPublishedSpreadAnIntervalThatDecidesNothing) {
  const std::string table =
      "gpu,model,bits,tps,mj,watts,sd,low,high\n"
      "G,small,16,100,2000,20,3,97,103\n"
      "G,small,4,50,3000,20,1,49,51\n";
  const result::PointRecord four = import_texts(table, spread_map(R"({"sd": "sd"})")).value().points.at(1);
  EXPECT_EQ(four.replicates, 3);
  EXPECT_DOUBLE_EQ(four.time_error.value(), 0.02 / std::sqrt(3));  // 1 of 50 over three trials
  // Welch of 0.02 and 0.03 over two degrees each: 2 (4 + 9)^2 / (16 + 81)
  EXPECT_NEAR(four.time_ratio_df.value(), 2.0 * 169 / 97, 1e-9);
  const double half = student_t_quantile(0.975, 2.0 * 169 / 97) * std::sqrt((4e-4 + 9e-4) / 3);
  EXPECT_NEAR(std::log(four.time_ratio_high.value()), std::log(2) + half, 1e-9);
  EXPECT_EQ(four.time_ratio_basis, result::Basis::kImported);
  EXPECT_GT(four.time_ratio_low.value(), 1);
  EXPECT_EQ(four.verdict_time, result::Verdict::kUndecided);
  EXPECT_FALSE(four.time_ratio_p);
  EXPECT_NEAR(std::log(four.time_s_high.value() / 0.02), student_t_quantile(0.975, 2) * 0.02 / std::sqrt(3), 1e-12);
  EXPECT_FALSE(four.energy_ratio_low);
  const std::string interval = spread_map(R"({"low": "low", "high": "high", "confidence": 0.95})");
  const result::PointRecord known = import_texts(table, interval).value().points.at(1);
  EXPECT_NEAR(known.time_error.value(), 0.02 / student_t_quantile(0.975, 2), 1e-12);
  EXPECT_EQ(import_texts(replace(table, "97,103", "101,103"), interval).error().message(),
            "t.csv line 2: the value lies outside `low` to `high` (101 to 103): correct the columns");
  const auto back = result::parse_result(to_text(import_texts(table, interval).value()).value(), "r");
  ASSERT_TRUE(back) << back.error().message();
}

TEST(Import, KeepsReplicatesBelowTheirSession) {
  const std::string table =
      "gpu,model,bits,tps,mj,watts,run\n"
      "G,small,16,100,2000,20,1\nG,small,16,125,2100,20,2\n"
      "G,small,4,50,3000,20,1\nG,small,4,40,3300,20,2\nG,small,4,N/A,3600,20,3\n";
  const std::string map = replace(kMap, R"("session": "s",)", R"("session": "s", "replicate": {"column": "run"},)");
  const result::ResultFile file = import_texts(table, map).value();
  ASSERT_EQ(file.points.size(), 2U);
  EXPECT_EQ(file.sessions.size(), 1U);
  const result::PointRecord& four = file.points[1];
  EXPECT_DOUBLE_EQ(four.time_s.value(), 0.0225);       // of 0.02 and 0.025
  EXPECT_DOUBLE_EQ(four.energy_gross_j.value(), 3.3);  // of 3, 3.3 and 3.6
  EXPECT_NEAR(four.energy_error.value(), 0.3 / std::sqrt(3) / 3.3, 1e-12);
  EXPECT_EQ(four.replicates, 2);  // the fewer: two of the three have a time
  EXPECT_EQ(four.trials, 3);
  EXPECT_EQ(four.energy_ratio_basis, result::Basis::kImported);
  EXPECT_EQ(four.verdict_energy, result::Verdict::kUndecided);
  EXPECT_EQ(import_texts(replace(table, "40,3300,20,2", "40,3300,20,1"), map).error().message(),
            "t.csv line 5: a replicate of a configuration is given twice (1): tell its rows apart by `replicate`");
}

TEST(Import, JudgesOverItsSessionsAsFitDoes) {
  std::string table = "gpu,model,bits,tps,mj,watts,day\n";
  const char* const days[] = {"101,2000,20,1\n", "100,2010,20,2\n", "99,1990,20,3\n"};
  const char* const slow[] = {"50,3000,20,1\n", "50,3010,20,2\n", "50,3000,20,3\n"};
  for (const char* day : days) table += std::string("G,small,16,") + day;
  for (const char* day : slow) table += std::string("G,small,4,") + day;
  const std::string map = replace(kMap, R"("session": "s",)", R"("session": {"column": "day"},)");
  const result::ResultFile file = import_texts(table, map).value();
  ASSERT_EQ(file.points.size(), 8U);  // six of one session each, two over all
  for (int i = 0; i < 6; ++i) EXPECT_NE(file.points[static_cast<std::size_t>(i)].verdict_time, result::Verdict::kTrap);
  const auto pooled = std::find_if(file.points.begin(), file.points.end(),
                                   [](const auto& one) { return one.sessions == 3 && one.scheme != "f16"; });
  ASSERT_NE(pooled, file.points.end());
  EXPECT_EQ(pooled->verdict_time, result::Verdict::kTrap);
  EXPECT_EQ(pooled->verdict_energy, result::Verdict::kTrap);
  EXPECT_EQ(pooled->time_ratio_basis, result::Basis::kSessions);
  EXPECT_NEAR(pooled->time_ratio.value(), std::cbrt(2.02 * 2.00 * 1.98), 1e-12);
  EXPECT_DOUBLE_EQ(pooled->time_s.value(), 0.02);
  EXPECT_EQ(pooled->trials, 9);
  EXPECT_TRUE(result::parse_result(to_text(file).value(), "r"));
}

}  // namespace
}  // namespace qtrap::importer
