// Prefill beside decode of the same shapes: what a fit says of decode is what it says without them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "fit/file/fit_report.hpp"
#include "fit/refine.hpp"
#include "fit/synthetic.hpp"

namespace qtrap::fit {
namespace {

using result::Phase;

/// Rows as an import gives them, of four models at batches 2 and 8 in three sessions: without counts.
std::vector<Row> make_rows(Phase phase) {
  std::vector<Row> rows;
  const double sizes[] = {5e8, 1e9, 4e9, 8e9};
  for (int session = 0; session < 3; ++session) {
    for (int model = 0; model < 4; ++model) {
      for (const double batch : {2.0, 8.0}) {
        for (const char* scheme : {"f16", "w8a8"}) {
          Row row;
          Workload& work = row.workload;
          work.device = "d";
          work.model = "m" + std::to_string(model);
          work.params = work.params_step = sizes[model];
          work.layers = 16 + 3 * model * model;
          work.batch = batch;
          work.scheme = scheme;
          work.phase = phase;
          work.cell = work.model + "/b" + std::to_string(batch);  // the same of both phases, as a foreign file may have
          work.point_id = work.cell + scheme + to_string(phase);
          row.session = session;
          // Decode crosses 1 between the second and the third size, prefill between the first and the second.
          const double cross = phase == Phase::kDecode ? 2e9 : 7e8;
          const double ratio = work.scheme == "f16" ? 1 : std::pow(cross / work.params, 0.2);
          const double wobble = 1 + (phase == Phase::kDecode ? 0.001 : 0.006) * (session - 1) * (model + 1);
          row.time_s =
              1e-12 * work.params * (phase == Phase::kDecode ? 1 : 50) * ratio * (work.scheme == "f16" ? 1 : wobble);
          row.energy_j = 100 * *row.time_s;
          rows.push_back(std::move(row));
        }
      }
    }
  }
  return rows;
}

FitReport report_of(const std::vector<Row>& rows) {
  ReportOptions options;
  options.fit.replicates = 20;
  return make_fit_report(rows, options).value();
}

/// Entries of one phase.
template <class Entry>
std::vector<Entry> keep(std::vector<Entry> entries, Phase phase) {
  std::erase_if(entries, [phase](const Entry& one) { return one.phase != phase; });
  return entries;
}

TEST(Phases, ChangeNothingThatAFitSaysOfTheOther) {
  std::vector<Row> both = make_rows(Phase::kDecode);
  for (Row& row : make_rows(Phase::kPrefill)) both.push_back(std::move(row));
  const result::FitFile mixed = to_fit_file(report_of(both));
  for (const Phase phase : {Phase::kDecode, Phase::kPrefill}) {
    const result::FitFile alone = to_fit_file(report_of(make_rows(phase)));
    ASSERT_EQ(alone.verdict_map.size(), 16U);  // 4 models x 2 batches x time and energy
    EXPECT_EQ(keep(mixed.verdict_map, phase), alone.verdict_map);
    EXPECT_EQ(keep(mixed.critical_scale, phase), alone.critical_scale);
    EXPECT_EQ(keep(mixed.critical_batch, phase), alone.critical_batch);
    EXPECT_EQ(keep(*mixed.critical_hops, phase), *alone.critical_hops);
    EXPECT_EQ(keep(mixed.scaling, phase), alone.scaling);
    EXPECT_EQ(keep(mixed.pareto, phase), alone.pareto);
    ASSERT_FALSE(alone.scaling.empty());
    EXPECT_TRUE(alone.scaling.front().per_param) << alone.scaling.front().reason.value_or("");
  }
}

TEST(Phases, HaveCrossingsOfTheirOwn) {
  std::vector<Row> both = make_rows(Phase::kDecode);
  for (Row& row : make_rows(Phase::kPrefill)) both.push_back(std::move(row));
  const FitReport report = report_of(both);
  std::size_t found = 0;
  for (const Critical& one : report.critical) {
    if (one.axis != Axis::kParams) continue;
    ASSERT_TRUE(one.crossing.value);
    EXPECT_NEAR(*one.crossing.value / (one.cell.phase == Phase::kDecode ? 2e9 : 7e8), 1, 0.2);
    ++found;
  }
  EXPECT_EQ(found, 8U);  // two phases, batches and quantities
  for (const Bracket& one : find_brackets(report.critical))
    EXPECT_EQ(one.cell.phase, Phase::kDecode) << "a run measures nothing else";
}

TEST(Phases, CostsAreThoseOfDecode) {
  synthetic::Options options;
  options.sessions = 2;
  std::vector<Row> rows = synthetic::make_campaign(options);
  const FitReport alone = report_of(rows);
  std::vector<Row> prefill = rows;
  for (Row& row : prefill) {
    if (row.workload.scheme.empty()) continue;
    row.workload.phase = Phase::kPrefill;
    row.workload.point_id += "|prefill";
    row.time_s = *row.time_s * 7;
    rows.push_back(row);
  }
  const FitReport mixed = report_of(rows);
  ASSERT_TRUE(alone.time.ok());
  EXPECT_EQ(to_fit_file(mixed).time, to_fit_file(alone).time);
  std::vector<Row> disturbed = rows;
  for (Row& row : disturbed) row.flagged = row.workload.phase == Phase::kDecode;
  EXPECT_EQ(report_of(disturbed).time.reason, "no window of decode without a flag");
  std::erase_if(rows, [](const Row& row) { return row.workload.phase == Phase::kDecode; });
  EXPECT_EQ(report_of(rows).time.reason, "only prefill has a time: costs are those of decode");
}

}  // namespace
}  // namespace qtrap::fit
