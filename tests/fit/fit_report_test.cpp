#include "fit/file/fit_report.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include "fit/synthetic.hpp"

namespace qtrap::fit {
namespace {

ReportOptions quick() {
  ReportOptions options;
  options.fit.replicates = 20;
  return options;
}

synthetic::Options with_energy() {
  synthetic::Options options;
  options.energy = true;
  return options;
}

std::size_t count_entries(const std::vector<Critical>& entries, Axis axis) {
  return static_cast<std::size_t>(
      std::count_if(entries.begin(), entries.end(), [axis](const Critical& one) { return one.axis == axis; }));
}

std::vector<Row> two_schemes(double time_ratio, double energy_ratio) {
  std::vector<Row> rows(2);
  for (std::size_t i = 0; i < 2; ++i) {
    rows[i].workload.scheme = i == 0 ? "f16" : "w4a16-split";
    rows[i].workload.point_id = rows[i].workload.scheme;
    rows[i].workload.cell = "c";
    rows[i].workload.model = "m";
    rows[i].time_s = i == 0 ? 2 : 2 * time_ratio;
    rows[i].energy_j = i == 0 ? 100 : 100 * energy_ratio;
  }
  return rows;
}

TEST(FitReport, HoldsEveryPartForACampaignWithEnergy) {
  ReportOptions options = quick();
  options.fit.static_power = StaticPower{60, 0.01};
  options.tdp_w = 300;
  const FitReport report = make_fit_report(synthetic::make_campaign(with_energy()), options).value();
  EXPECT_TRUE(report.time.ok());
  EXPECT_TRUE(report.energy.ok()) << report.energy.reason;
  EXPECT_EQ(count_entries(report.critical, Axis::kParams), 6U * 2 * 2);        // schemes x batches x quantities
  EXPECT_EQ(count_entries(report.critical_other, Axis::kParams), 6U * 2 * 2);  // the other method's
  EXPECT_EQ(count_entries(report.critical, Axis::kBatch), 6U * 8 * 2);         // schemes x models x quantities
  EXPECT_EQ(count_entries(report.critical, Axis::kHops), 6U * 8 * 2 * 2);
  EXPECT_EQ(report.ratios.size(), 6U * 8 * 2 * 2);
  EXPECT_EQ(report.attribution.size(), 7U * 8 * 2 * 2);
  EXPECT_EQ(report.pareto.size(), 8U * 2);
  const result::FitFile file = to_fit_file(report);
  EXPECT_EQ(file.time.status, result::FitStatus::kOk);
  EXPECT_EQ(file.energy.status, result::FitStatus::kOk);
  EXPECT_EQ(file.critical_scale.size(), 6U * 2 * 2);
  EXPECT_EQ(file.critical_hops->size(), 6U * 8 * 2 * 2);
  EXPECT_EQ(file.paper_view.size(), 7U * 8 * 2);
  for (const result::CriticalScale& one : file.critical_scale)
    EXPECT_EQ(one.n_star.has_value(), one.status == CriticalStatus::kFound);
}

TEST(FitReport, HasNoEnergyWithoutReadings) {
  const FitReport report = make_fit_report(synthetic::make_campaign({}), quick()).value();
  const result::FitFile file = to_fit_file(report);
  EXPECT_EQ(file.energy.status, result::FitStatus::kNoData);
  EXPECT_EQ(file.energy.reason, "no window has an energy reading");
  EXPECT_EQ(count_entries(report.critical, Axis::kParams), 6U * 2);
}

TEST(FitReport, RefusesCostsOfMixedDevicesAndKeepsTheirRatios) {
  std::vector<Row> rows = synthetic::make_campaign({});
  std::vector<Row> others = rows;
  for (Row& row : others) row.workload.device = "other";
  rows.insert(rows.end(), others.begin(), others.end());
  const FitReport report = make_fit_report(rows, quick()).value();
  EXPECT_EQ(report.time.reason, "more than one device: costs belong to a device, fit each alone");
  EXPECT_EQ(count_entries(report.critical, Axis::kParams), 2U * 6 * 2);
  EXPECT_TRUE(report.attribution.empty());
  EXPECT_EQ(to_fit_file(report).time.status, result::FitStatus::kNoData);
}

TEST(FitReport, OfFlaggedRowsAloneHasRatiosAndNoCosts) {
  std::vector<Row> rows = synthetic::make_campaign({});
  for (Row& row : rows) row.flagged = true;
  const FitReport report = make_fit_report(rows, quick()).value();
  EXPECT_EQ(report.time.reason, "no measured window without a flag");
  EXPECT_EQ(report.ratios.size(), 6U * 8 * 2);
  for (const Ratio& one : report.ratios) EXPECT_EQ(one.verdict, Verdict::kUndecided);
}

TEST(FitReport, JudgesByTheMarginOfTheCall) {
  // Of w8a8 at 1.03 with hardly a spread: an effect by 2 %, none by 10 %.
  const auto verdict_with = [](std::optional<double> margin) {
    std::vector<Row> rows;
    for (int session = 0; session < 3; ++session) {
      for (Row row : two_schemes(1.03, 1.03)) {
        row.session = session;
        if (row.workload.scheme != "f16") *row.time_s *= 1 + 1e-4 * session;
        rows.push_back(row);
      }
    }
    ReportOptions options = quick();
    options.no_effect_margin = margin;
    return make_fit_report(rows, options).value().ratios.front().verdict;
  };
  EXPECT_EQ(verdict_with(std::nullopt), Verdict::kTrap);
  EXPECT_EQ(verdict_with(0.1), Verdict::kNoEffect);
}

TEST(FitReport, SaysWhatIsWrongWithBadRows) {
  EXPECT_EQ(make_fit_report(std::vector<Row>{}, quick()).error().value, "no measured window without a flag");
  std::vector<Row> rows = synthetic::make_campaign({});
  rows[7].time_s = std::nan("");
  EXPECT_EQ(make_fit_report(rows, quick()).error().value,
            "a time that is not positive at " + rows[7].workload.point_id);
}

TEST(FitReport, LivesWithOnePointOneSchemeAndNoAnchor) {
  const std::vector<Row> all = synthetic::make_campaign({});
  std::vector<Row> rows(all.begin(), all.begin() + 1);
  EXPECT_EQ(make_fit_report(rows, quick()).value().time.reason, "fewer than two configurations");
  rows = all;
  std::erase_if(rows, [](const Row& row) { return row.workload.scheme != "w8a8"; });
  const FitReport report = make_fit_report(rows, quick()).value();
  EXPECT_TRUE(report.time.ok());
  EXPECT_TRUE(report.critical.empty());
  EXPECT_EQ(report.anchorless.size(), 8U * 2) << "of time; there is no energy";
  EXPECT_TRUE(report.ratios.empty());
  EXPECT_TRUE(report.pareto.empty());
  EXPECT_FALSE(report.attribution.empty());
}

TEST(PaperView, CountsPointsWhereTdpTimesTimeHasTheWrongSign) {
  // A800, Mistral-7B, NF4: slower (1.39) and yet more frugal (0.96).
  const PaperView view = compare_with_paper(two_schemes(1.39, 0.96), 400, {{"w4a16-split", 0.7}});
  EXPECT_EQ(view.compared, 1U);
  EXPECT_EQ(view.disagreements, 1U);
  ASSERT_EQ(view.points.size(), 2U);
  const PaperPoint& point = view.points[1];
  EXPECT_DOUBLE_EQ(*point.energy_tdp_j, 400 * 2 * 1.39);
  EXPECT_NEAR(*point.energy_ratio_tdp, 1.39, 1e-12);
  EXPECT_NEAR(*point.energy_ratio, 0.96, 1e-12);
  EXPECT_NEAR(*point.cor_operational, 0.39, 1e-12);
  EXPECT_DOUBLE_EQ(*point.cor_phase, 0.7);
  EXPECT_FALSE(view.points[0].cor_operational);
  EXPECT_EQ(compare_with_paper(two_schemes(1.39, 1.2), std::nullopt, {}).disagreements, 0U);
}

TEST(Pareto, AnAnchorThatIsBetterInEverythingDominates) {
  const std::vector<ParetoCell> cells = compare_schemes(two_schemes(1.39, 1.2), {}, std::nullopt);
  ASSERT_EQ(cells.size(), 1U);
  EXPECT_EQ(cells[0].points[0].scheme, "f16");
  EXPECT_TRUE(cells[0].points[0].dominated_by.empty());
  EXPECT_EQ(cells[0].points[1].dominated_by, std::vector<std::string>{"f16"});
  EXPECT_FALSE(cells[0].points[1].weighted_index);
  EXPECT_TRUE(compare_schemes(two_schemes(1.39, 0.96), {}, std::nullopt)[0].points[1].dominated_by.empty());
}

TEST(Pareto, WeighsOnlyWithWeightsTheUserGives) {
  const std::map<std::pair<std::string, std::string>, double> accuracy{{{"m", "f16"}, 0.8},
                                                                       {{"m", "w4a16-split"}, 0.6}};
  const auto cells = compare_schemes(two_schemes(0.5, 0.25), accuracy, IndexWeights{1, 0.5, 2});
  // throughput 2^1 x frugality 4^0.5 x accuracy 0.75^2
  EXPECT_NEAR(*cells[0].points[1].weighted_index, 2 * 2 * 0.5625, 1e-12);
  EXPECT_DOUBLE_EQ(*cells[0].points[0].weighted_index, 1);
  EXPECT_FALSE(compare_schemes(two_schemes(0.5, 0.25), {}, IndexWeights{1, 0.5, 2})[0].points[1].weighted_index);
}

TEST(FitReport, FitsEnergyAloneWithoutTimes) {
  std::vector<Row> rows = synthetic::make_campaign(with_energy());
  for (Row& row : rows) row.time_s.reset();
  const FitReport report = make_fit_report(rows, quick()).value();
  EXPECT_EQ(report.time.reason, "no window has a time");
  EXPECT_EQ(report.energy.reason, "no window has a time");
  EXPECT_EQ(report.ratios.size(), 6U * 8 * 2);
  EXPECT_EQ(report.scaling.size(), 7U * 2);
  EXPECT_TRUE(report.attribution.empty());
  rows[0].energy_j.reset();
  EXPECT_EQ(make_fit_report(rows, quick()).error().value, "neither time nor energy at " + rows[0].workload.point_id);
}

TEST(FitReport, TakesTheLossesOfTheFilesAsAccuracyWhereNoTableIsGiven) {
  std::vector<result::ResultFile> files(1);
  files[0].sessions.emplace_back().session_id = "s";
  for (const auto& [scheme, time, loss] : {std::tuple("f16", 2.0, 0.0), std::tuple("w8a8", 1.0, 0.5)}) {
    result::PointRecord point;
    point.point_id = point.scheme = scheme;
    point.cell_id = "c";
    point.model = "m";
    point.params = 1000;
    point.params_step = 1000;
    files[0].points.push_back(point);
    result::TrialRecord trial;
    trial.session_id = "s";
    trial.point_id = trial.scheme = scheme;
    trial.cell_id = "c";
    trial.wall_s = time;
    trial.bytes = trial.macs = 400;
    trial.launches = 12;
    files[0].trials.push_back(trial);
    result::QualityRecord quality;
    quality.model = "m";
    quality.scheme = scheme;
    quality.kl_nats_per_token = loss;
    files[0].qualities.push_back(quality);
  }
  const auto accuracy_of = [&](const ReportOptions& options) {
    return make_fit_report(files, options).value().pareto.at(0).points.at(1).accuracy;
  };
  EXPECT_DOUBLE_EQ(accuracy_of(quick()).value(), std::exp(-0.5));
  ReportOptions options = quick();
  options.accuracy = {{{"m", "f16"}, 0.8}, {{"m", "w8a8"}, 0.6}};
  EXPECT_DOUBLE_EQ(accuracy_of(options).value(), 0.75);
}

TEST(FitReport, RefusesOneDeviceWithDifferentWorkloads) {
  std::vector<result::ResultFile> files(2);
  for (result::ResultFile& file : files) {
    file.points.emplace_back();
    file.points[0].device_id = "d";
  }
  files[1].points[0].workload = result::Workload::kDecoder;
  EXPECT_EQ(make_fit_report(files, quick()).error().message(),
            "one device comes with different workloads (d: projections, decoder): fit these files apart");
  files[1].points[0].device_id = "e";
  EXPECT_EQ(make_fit_report(files, quick()).error().value, "no measured window without a flag");
}

}  // namespace
}  // namespace qtrap::fit
