#include "fit/result_rows.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace qtrap::fit {
namespace {

result::ResultFile make_file(const std::string& session_id, const std::string& device) {
  result::ResultFile file;
  file.sessions.emplace_back();
  file.sessions[0].session_id = session_id;
  file.sessions[0].device.id = device;
  result::PointRecord point;
  point.point_id = "p";
  point.cell_id = "c";
  point.scheme = "w4a16-split";
  point.model = "m";
  point.params = 1000;
  point.params_step = 900;
  point.layers = 3;
  point.batch = 8;
  point.hops = 2;
  point.tokens_per_hop = 4;
  file.points.push_back(point);
  result::TrialRecord trial;
  trial.session_id = session_id;
  trial.point_id = "p";
  trial.scheme = "w4a16-split";
  trial.cell_id = "c";
  trial.repetitions = 4;
  trial.wall_s = 2;
  trial.bytes = 400;
  trial.cached_bytes = 100;
  trial.macs = 800;
  trial.dequantized_weights = 40;
  trial.cast_elements = 20;
  trial.launches = 12;
  trial.syncs = 8;
  file.trials.push_back(trial);
  return file;
}

TEST(ResultRows, ScalesAWindowToOneChain) {
  const std::vector<result::ResultFile> files{make_file("s", "d")};
  const std::vector<Row> rows = rows_from_results(files);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_DOUBLE_EQ(rows[0].time_s.value(), 0.5);
  EXPECT_FALSE(rows[0].energy_j);
  EXPECT_EQ(rows[0].workload.device, "d");
  EXPECT_EQ(rows[0].workload.cell, "c");
  EXPECT_DOUBLE_EQ(rows[0].workload.steps, 8);
  const Counts expected{75, {{"f16_b8", 200}}, 10, 5, 3, 2, 25};
  EXPECT_EQ(rows[0].workload.counts, expected);
}

TEST(ResultRows, CountsTheHeadsProductsAsWhatTheyAre) {
  result::ResultFile file = make_file("s", "d");
  file.trials[0].head_macs = 160;
  file.trials[0].head_mac_class = "q8_0";
  const std::vector<Row> rows = rows_from_results(std::vector{file});
  EXPECT_EQ(rows[0].workload.counts.macs, (std::vector<MacCount>{{"f16_b8", 160}, {"q8_0_b8", 40}}));
  file.points[0].phase = result::Phase::kPrefill;
  EXPECT_DOUBLE_EQ(rows_from_results(std::vector{file})[0].workload.steps, 2) << "a hop of prefill is one step";
}

TEST(ResultRows, TakesBareAndProbeWindowsOfGoodPoints) {
  result::ResultFile file = make_file("s", "d");
  const result::TrialRecord good = file.trials[0];
  for (const auto mode : {result::TrialMode::kProfiled, result::TrialMode::kPhaseLoop, result::TrialMode::kIdle}) {
    file.trials.push_back(good);
    file.trials.back().mode = mode;
  }
  file.trials.push_back(good);
  file.trials.back().flags = {"foreign_load"};
  file.trials.push_back(good);
  file.trials.back().point_id = "unknown";
  result::TrialRecord probe = good;
  probe.mode = result::TrialMode::kProbe;
  probe.phase = "macs_w8a8@8";
  probe.point_id.reset();
  probe.scheme.reset();
  file.trials.push_back(probe);
  const std::vector<Row> rows = rows_from_results(std::vector{file});
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_FALSE(rows[0].flagged);
  EXPECT_TRUE(rows[1].flagged) << "for the ratios alone, and only where there is no other";
  EXPECT_EQ(rows[2].workload.scheme, "");
  EXPECT_EQ(rows[2].workload.point_id, "probe/macs_w8a8@8/100/200/10/5/3/2");
  EXPECT_EQ(rows[2].workload.counts.macs.front().precision, "int8_b8") << "the class of the chains it stands for";
  file.points[0].status = result::PointStatus::kError;
  EXPECT_EQ(rows_from_results(std::vector{file}).size(), 1U);
}

TEST(ResultRows, TakesThePointsOfImportedSessionsEvenWithoutATime) {
  result::ResultFile file = make_file("a", "d");
  file.trials.clear();
  file.sessions[0].origin = result::Origin::kImported;
  file.sessions.push_back(file.sessions[0]);
  file.sessions[1].session_id = "b";
  file.points[0].session_ids = {"a"};
  file.points[0].energy_gross_j = 4;
  file.points[0].energy_status = EnergyStatus::kOk;
  file.points[0].energy_method = EnergyMethod::kIntegrated;
  file.points.push_back(file.points[0]);
  file.points[1].point_id = "another session of p";
  file.points[1].session_ids = {"b"};
  file.points[1].time_s = 2;
  file.points[1].energy_method = EnergyMethod::kEstimated;
  const std::vector<Row> rows = rows_from_results(std::vector{file});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_FALSE(rows[0].time_s);
  EXPECT_DOUBLE_EQ(rows[0].energy_j.value(), 4);
  EXPECT_EQ(rows[0].workload.point_id, rows[1].workload.point_id);
  EXPECT_NE(rows[0].session, rows[1].session);
  EXPECT_DOUBLE_EQ(rows[1].time_s.value(), 2);
  EXPECT_FALSE(rows[1].energy_j);  // an estimate is no reading
  file.sessions[0].origin = result::Origin::kMeasured;
  EXPECT_EQ(rows_from_results(std::vector{file}).size(), 1U);
}

TEST(ResultRows, NumbersSessionsAcrossFiles) {
  const std::vector<result::ResultFile> files{make_file("b", "d"), make_file("a", "d"), make_file("b", "d")};
  const std::vector<Row> rows = rows_from_results(files);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].session, 0);
  EXPECT_EQ(rows[1].session, 1);
  EXPECT_EQ(rows[2].session, 0);
}

TEST(ResultRows, TakesMeasuredEnergyAndLeavesEstimatesOut) {
  result::ResultFile file = make_file("s", "d");
  file.trials[0].energy_gross_j = 8;
  file.trials[0].energy_status = EnergyStatus::kOk;
  file.trials[0].energy_method = file.points[0].energy_method = EnergyMethod::kCounter;
  EXPECT_DOUBLE_EQ(rows_from_results(std::vector{file})[0].energy_j.value(), 2);
  file.trials[0].energy_method = EnergyMethod::kIntegrated;
  EXPECT_FALSE(rows_from_results(std::vector{file})[0].energy_j) << "the point was pooled from another method's";
  file.trials[0].energy_method = file.points[0].energy_method = EnergyMethod::kEstimated;
  EXPECT_FALSE(rows_from_results(std::vector{file})[0].energy_j);
  file.trials[0].energy_method = file.points[0].energy_method = EnergyMethod::kCounter;
  file.trials[0].energy_status = EnergyStatus::kTooShort;
  EXPECT_FALSE(rows_from_results(std::vector{file})[0].energy_j);
}

TEST(ResultRows, EstimatesStaticPowerOverSessionsFromActiveIdleFirst) {
  std::vector<result::ResultFile> files{make_file("a", "d"), make_file("b", "d")};
  EXPECT_FALSE(estimate_static_power(files, "d"));
  const auto add_idle = [](result::ResultFile& file, const char* phase, double power) {
    result::TrialRecord idle = file.trials[0];
    idle.mode = result::TrialMode::kIdle;
    idle.phase = phase;
    idle.energy_status = EnergyStatus::kOk;
    idle.energy_method = EnergyMethod::kCounter;
    idle.energy_gross_j = power * idle.wall_s;
    file.trials.push_back(idle);
  };
  add_idle(files[0], "idle", 20);
  add_idle(files[1], "idle", 22);
  // mean 21; variance of the mean: sample variance 2 over 2 sessions
  EXPECT_DOUBLE_EQ(estimate_static_power(files, "d")->value_w, 21);
  EXPECT_DOUBLE_EQ(estimate_static_power(files, "d")->variance_w2, 1);
  EXPECT_FALSE(estimate_static_power(files, "other"));
  add_idle(files[0], "active_idle", 50);
  EXPECT_DOUBLE_EQ(estimate_static_power(files, "d")->value_w, 50);
}

std::string precision_of(const result::ResultFile& file) {
  return rows_from_results(std::vector{file}).at(0).workload.counts.macs.front().precision;
}

TEST(ResultRows, TakesTheClassThatTheRecordsName) {
  result::ResultFile file = make_file("s", "d");
  file.points[0].scheme = file.trials[0].scheme.emplace("q4_0-fused");
  file.points[0].mac_class = "q4_0";
  file.points[0].weight_format = "q4_0";
  file.points[0].activation_bits = 16;
  file.points[0].path = KernelPath::kFused;
  EXPECT_EQ(precision_of(file), "q4_0_b8");
  const Workload work = rows_from_results(std::vector{file}).at(0).workload;
  EXPECT_EQ(work.weight_format, "q4_0");
  EXPECT_EQ(work.path, KernelPath::kFused);
  file.trials[0].mode = result::TrialMode::kProbe;
  file.trials[0].phase = "macs_q4_0-fused@8";
  file.trials[0].mac_class = "q4_0";
  EXPECT_EQ(precision_of(file), "q4_0_b8") << "the probe of the same kernel";
}

TEST(ResultRows, KnowsTheClassesOfFilesThatNameNone) {
  const std::pair<const char*, const char*> old_files[] = {{"f16", "f16_b8"},           {"w8a16-split", "f16_b8"},
                                                           {"w8a16-fused", "w8a16_b8"}, {"w8a8", "int8_b8"},
                                                           {"w4a16-split", "f16_b8"},   {"w4a16-fused", "w4a16_b8"},
                                                           {"w4a8", "w4a8_b8"},         {"nf4-fused", "nf4-fused_b8"}};
  for (const auto& [scheme, precision] : old_files) {
    result::ResultFile file = make_file("s", "d");
    file.points[0].scheme = file.trials[0].scheme.emplace(scheme);
    EXPECT_EQ(precision_of(file), precision) << scheme;
    file.trials[0].mode = result::TrialMode::kProbe;
    file.trials[0].phase = std::string("macs_") + scheme + "@8";
    EXPECT_EQ(precision_of(file), precision) << scheme;
  }
}

}  // namespace
}  // namespace qtrap::fit
