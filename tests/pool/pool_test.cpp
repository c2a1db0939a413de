#include "pool/pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string_view>

#include "core/philox.hpp"
#include "measure/ceilings/ceilings.hpp"
#include "pool/pool_blocks.hpp"
#include "pool/pool_cell.hpp"
#include "scheme/scheme.hpp"

namespace qtrap::pool {
namespace {

using ::testing::HasSubstr;

TEST(PoolValues, TakesTheMedianOfTheSessionsMedians) {
  const Pooled pooled = pool_values({{1, 1, 100}, {2, 2, 2}, {4, 4, 4}});
  EXPECT_DOUBLE_EQ(pooled.value, 2);
  EXPECT_EQ(pooled.method, "t over 3 sessions");
  // log medians 0, log 2, 2 log 2: mean log 2, s = log 2, half = t(0.975, 2) log 2 / sqrt 3.
  const double t = 0.95 / std::sqrt(2 * 0.975 * 0.025);
  EXPECT_NEAR(std::log(pooled.interval->high / 2), t * std::log(2) / std::sqrt(3), 1e-9);
  EXPECT_NEAR(pooled.interval->high * pooled.interval->low, 4, 1e-9);
}

TEST(PoolValues, OneSessionTakesItsBlocksAndSaysSo) {
  const Pooled pooled = pool_values({{1.0, 1.1, 1.2}});
  EXPECT_EQ(pooled.method, "t over blocks of one session");
  EXPECT_TRUE(pooled.interval.has_value());
}

TEST(PoolValues, OneValueHasNoInterval) {
  const Pooled pooled = pool_values({{1.5}});
  EXPECT_EQ(pooled.value, 1.5);
  EXPECT_FALSE(pooled.interval.has_value());
  EXPECT_EQ(pooled.method, "none");
}

TEST(PoolValues, CoversTheTruthWithThreeSessions) {
  // Sessions 10 % apart, blocks 3 %: 2,000 simulated campaigns; a percentile bootstrap covers 75 % here (power.md).
  PhiloxStream random(3);
  const auto normal = [&] {
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += random.uniform();
    return sum - 6;
  };
  constexpr int kCampaigns = 2000;
  int covered = 0;
  for (int campaign = 0; campaign < kCampaigns; ++campaign) {
    std::vector<std::vector<double>> sessions;
    for (int session = 0; session < 3; ++session) {
      const double level = 0.1 * normal();
      auto& blocks = sessions.emplace_back();
      for (int block = 0; block < 5; ++block) blocks.push_back(std::exp(level + 0.03 * normal()));
    }
    const auto interval = pool_values(sessions).interval.value();
    covered += interval.low <= 1 && 1 <= interval.high;
  }
  EXPECT_NEAR(static_cast<double>(covered) / kCampaigns, 0.95, 0.02);
}

TEST_F(PoolCell, OnlyInt4HasGroups) {
  campaign_.schemes = {"w8a8", "w4a16-fused"};
  for (const char* scheme : {"f16", "w8a8", "w4a16-fused"}) add("s1", scheme, 0, 1.0);
  const std::vector<result::PointRecord> points = pool();
  ASSERT_EQ(points.size(), 3U);
  for (const result::PointRecord& point : points)
    EXPECT_EQ(point.group_size, point.weight_bits == 4 ? std::optional<std::int64_t>(128) : std::nullopt)
        << point.scheme;
}

TEST_F(PoolCell, NamesFormatAndClassOfItsScheme) {
  campaign_.schemes = {"w8a16-split", "w4a8"};
  for (const char* scheme : {"f16", "w8a16-split", "w4a8"}) add("s1", scheme, 0, 1.0);
  std::vector<std::string> named;
  for (const result::PointRecord& point : pool())
    named.push_back(point.weight_format.value() + " " + point.mac_class.value() + " " + to_string(point.path.value()));
  EXPECT_EQ(named, (std::vector<std::string>{"f16 f16 none", "int8 f16 split", "int4 w4a8 fused"}));
}

TEST(SchemeCeilings, AreKeysOfTheRecords) {
  std::set<std::string_view> keys;
  for (const measure::CeilingRow& row : measure::ceiling_rows()) keys.insert(row.name);
  for (const scheme::SchemeInfo& info : scheme::all_schemes()) {
    const scheme::ActivationInfo& activations = scheme::info(info.activations);
    EXPECT_EQ(activations.activations, info.activations) << "the table is in the order of the enumerators";
    if (!activations.matrix_ceiling.empty()) EXPECT_TRUE(keys.contains(activations.matrix_ceiling)) << info.name;
    EXPECT_TRUE(keys.contains(activations.vector_ceiling)) << info.name;
    if (!info.own_rate.ceiling.empty()) EXPECT_TRUE(keys.contains(info.own_rate.ceiling)) << info.name;
  }
}

TEST_F(PoolCell, ARateOfItsOwnBoundsOnlyTheKernelsThatReachItWhereItWasMeasured) {
  struct Row {
    const char* scheme;
    const char* kernel;
    bool measured;
    const char* ceiling;
  };
  for (const Row& row : {Row{"w4a8", "gemm_i4_i8_cpu", true, "int4_int8_macs_per_s"},
                         {"w4a8", "gemm_i4_i8_cpu", false, "int8_macs_per_s"},
                         {"w8a8", "gemm_i8_i8_cpu", true, "int8_macs_per_s"},
                         {"w4a16-fused", "gemv_i4_i24_cpu_avx2", true, "int4_int8_macs_per_s"},
                         {"w4a16-fused", "gemv_i4_i24_cpu_avx2", false, "fp32_macs_per_s"},
                         {"w4a16-fused", "gemv_i4_f16_cpu", true, "fp32_macs_per_s"},
                         {"w4a16-split", "gemv_f16_f16_cpu", true, "fp32_macs_per_s"}}) {
    for (auto& session : sessions_) {
      session.ceilings.read_bytes_per_s = 1e18;  // bytes bound nothing
      session.ceilings.fp32_macs_per_s = session.ceilings.int8_macs_per_s = 1e6;
      session.ceilings.int4_int8_macs_per_s = row.measured ? std::optional(1e6) : std::nullopt;
    }
    trials_.clear();
    campaign_.schemes = {row.scheme};
    for (const char* scheme : {"f16", row.scheme}) add("s1", scheme, 0, 8);
    for (auto& trial : trials_) {
      trial.macs = 2000000;
      trial.kernels_used = {row.kernel};
    }
    EXPECT_EQ(pool().back().roof_ceiling, row.ceiling) << row.scheme << " " << row.kernel << " " << row.measured;
  }
}

TEST_F(PoolCell, TheRoofIsThatOfTheUnitInUse) {
  struct Row {
    const char* scheme;
    const char* matrix_unit;
    const char* kernel;
    const char* ceiling;
    double operations;  ///< of a multiply-add
  };
  for (auto& session : sessions_) {
    auto& c = session.ceilings;
    c.read_bytes_per_s = 1e18;  // bytes bound nothing
    c.fp32_macs_per_s = c.int8_macs_per_s = c.int4_int8_macs_per_s = 1e6;
    c.matrix_f16_macs_per_s = c.matrix_int8_macs_per_s = 1e6;
  }
  for (const Row& row : {Row{"f16", "none", "gemv_f16_f16_gpu", "fp32_macs_per_s", 1},
                         {"f16", "mma.sync", "gemm_f16_f16_gpu_mma", "matrix_f16_macs_per_s", 1},
                         {"w8a8", "none", "gemv_i8_i8_gpu_ptx", "int8_macs_per_s", 1},
                         {"w8a8", "mfma", "gemm_i8_i8_gpu_mfma", "matrix_int8_macs_per_s", 1},
                         {"w4a8", "none", "gemm_i4_i8_cpu_avx2", "int4_int8_macs_per_s", 1},
                         {"w4a16-fused", "none", "gemv_i4_i24_cpu_avx2", "int4_int8_macs_per_s", 3}}) {
    trials_.clear();
    campaign_.schemes = {row.scheme};
    for (const char* id : {"s1", "s2"}) {
      add(id, "f16", 0, 8);
      if (row.scheme != std::string("f16")) add(id, row.scheme, 0, 8);
    }
    for (auto& trial : trials_) {
      trial.macs = 2000000;
      trial.matrix_unit = row.matrix_unit;
      trial.kernels_used = {row.kernel};
    }
    const auto points = pool();
    const auto& point = points.back();
    EXPECT_EQ(point.roof_ceiling, row.ceiling) << row.scheme;
    EXPECT_DOUBLE_EQ(point.roof_s.value(), 2 * row.operations) << row.scheme;
    EXPECT_DOUBLE_EQ(point.roof_fraction.value(), row.operations / 4) << row.scheme;
    EXPECT_EQ(point.roof_status, result::RoofStatus::kOk);
  }
}

TEST_F(PoolCell, APointFasterThanItsRoofHasNoFractionButAStatus) {
  for (const char* id : {"s1", "s2"}) add(id, "f16", 0, 1);
  for (auto& session : sessions_) session.ceilings.read_bytes_per_s = kLayerWeights * 2 * 2 / 1.2;  // f16, two layers
  EXPECT_DOUBLE_EQ(pool()[0].roof_s.value(), 1.2);
  EXPECT_FALSE(pool()[0].roof_fraction.has_value());
  EXPECT_EQ(pool()[0].roof_status, result::RoofStatus::kCeilingTooLow);
  // What lies within four times the cache is read faster than memory allows, and that is no fault of the ceiling.
  for (auto& session : sessions_) session.ceilings.cache_bytes = 1 << 20;
  EXPECT_FALSE(pool()[0].roof_fraction.has_value());
  EXPECT_EQ(pool()[0].roof_status, result::RoofStatus::kInCache);
  for (auto& session : sessions_) session.ceilings.cache_bytes.reset();
  result::SessionRecord other = sessions_.front();  // without a trial of the cell
  other.session_id = "s3";
  other.ceilings.cache_bytes = 1 << 20;
  sessions_.push_back(other);
  EXPECT_EQ(pool()[0].roof_status, result::RoofStatus::kCeilingTooLow) << "the cache is that of the point's sessions";
  for (auto& session : sessions_) session.ceilings.read_bytes_per_s = kLayerWeights * 2 * 2 / 1.05;
  EXPECT_DOUBLE_EQ(pool()[0].roof_fraction.value(), 1.05);
  EXPECT_EQ(pool()[0].roof_status, result::RoofStatus::kOk);
}

TEST_F(PoolCell, PairsRatiosWithinABlock) {
  // The second block of s1 is twice as slow for both: the ratio stays 2, though the medians of the times differ.
  add("s1", "f16", 0, 1);
  add("s1", "w8a16-split", 0, 2);
  add("s1", "f16", 1, 2);
  add("s1", "w8a16-split", 1, 4);
  add("s2", "f16", 0, 3);
  add("s2", "w8a16-split", 0, 6.06);
  for (auto& trial : trials_) {
    if (trial.phase_dequantize_s) trial.phase_outliers_s = trial.phase_dequantize_s = *trial.phase_dequantize_s / 2;
  }
  const auto points = pool();
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0].scheme, "f16");
  EXPECT_FALSE(points[0].time_ratio.has_value());
  EXPECT_DOUBLE_EQ(points[1].time_ratio.value(), std::sqrt(2 * 2.02));
  EXPECT_DOUBLE_EQ(points[1].cor_operational.value(), std::sqrt(2 * 2.02) - 1);
  EXPECT_DOUBLE_EQ(points[1].cor_phase.value(), 2) << "outliers and dequantize, a quarter each, over a quarter";
  EXPECT_DOUBLE_EQ(points[1].phase_outliers_s.value(), 1);
  EXPECT_NEAR(points[1].closure_time.value(), 0, 1e-12);
  EXPECT_EQ(points[1].verdict_time, result::Verdict::kTrap);
  EXPECT_EQ(points[1].sessions, 2);
  EXPECT_EQ(points[1].verdict_energy, result::Verdict::kNoMeter);
  EXPECT_FALSE(points[1].energy_gross_j.has_value());
}

TEST_F(PoolCell, DividesByRepetitionsAndLeavesFlaggedTrialsOut) {
  add("s1", "f16", 0, 4, 4);
  add("s1", "w8a16-split", 0, 1, 2);
  add("s2", "f16", 0, 1);
  add("s2", "w8a16-split", 0, 50);
  trials_[6].flags = trials_[7].flags = {"foreign_load"};
  const auto point = pool()[1];
  EXPECT_DOUBLE_EQ(point.time_ratio.value(), 0.5);
  EXPECT_EQ(point.trials, 4);
  EXPECT_EQ(point.trials_flagged, 2);
  EXPECT_EQ(point.launches, 10);
  EXPECT_EQ(point.verdict_time, result::Verdict::kUndecided) << "one block has no interval";
}

TEST_F(PoolCell, WhereEveryTrialIsFlaggedTheyServeButGiveNoVerdict) {
  for (const char* id : {"s1", "s2"}) {
    add(id, "f16", 0, 1);
    add(id, "w8a16-split", 0, 2);
  }
  for (auto& trial : trials_) trial.flags = {"foreign_load"};
  const auto point = pool()[1];
  EXPECT_EQ(point.status, result::PointStatus::kOk);
  EXPECT_DOUBLE_EQ(point.time_ratio.value(), 2);
  EXPECT_EQ(point.trials_flagged, point.trials);
  EXPECT_EQ(point.verdict_time, result::Verdict::kUndecided);
  EXPECT_THAT(point.reason.value(), HasSubstr("foreign_load"));
}

TEST_F(PoolCell, ARatioOfFlaggedBlocksIsShownButDecidesNothing) {
  for (const char* id : {"s1", "s2"}) {
    for (int block = 0; block < 2; ++block) {
      add(id, "f16", block, 1);
      add(id, "w8a16-split", block, 2);
    }
  }
  for (auto& trial : trials_) {  // in each block one of the two is flagged
    if ((trial.scheme == "f16") == (trial.block == 0)) trial.flags = {"foreign_load"};
  }
  const auto point = pool()[1];
  EXPECT_DOUBLE_EQ(point.time_ratio.value(), 2);
  EXPECT_EQ(point.verdict_time, result::Verdict::kUndecided);
  EXPECT_THAT(point.reason.value(), HasSubstr("flagged"));
}

TEST_F(PoolCell, PoolsEnergiesPerChainAndPairsTheirRatios) {
  for (const char* id : {"s1", "s2"}) {
    add(id, "f16", 0, 4, 4);
    add(id, "w8a16-split", 0, 4, 2);
  }
  for (auto& trial : trials_) {
    if (trial.mode != result::TrialMode::kBare) continue;
    trial.energy_status = EnergyStatus::kOk;
    trial.energy_method = EnergyMethod::kCounter;
    trial.energy_gross_j = trial.scheme == "f16" ? 400 : 300;  // 100 and 150 J per chain
    if (trial.session_id == "s2") *trial.energy_gross_j *= trial.scheme == "f16" ? 0.99 : 1;
    trial.energy_idle_j = 200;  // 50 and 100 J per chain
  }
  const auto points = pool();
  EXPECT_DOUBLE_EQ(points[0].energy_gross_j.value(), 99.5) << "the median of 100 and 99";
  EXPECT_DOUBLE_EQ(points[0].energy_net_j.value(), 49.5);
  EXPECT_DOUBLE_EQ(points[1].energy_ratio.value(), 1.5 / std::sqrt(0.99));
  EXPECT_DOUBLE_EQ(points[1].energy_net_ratio.value(), 1 / std::sqrt(0.98));
  EXPECT_EQ(points[1].verdict_energy, result::Verdict::kTrap);
  EXPECT_EQ(points[1].energy_method, EnergyMethod::kCounter);
  EXPECT_EQ(points[1].phase_dequantize_j_status, EnergyStatus::kUnattributable) << "no loop of it was run";
  EXPECT_EQ(points[1].phase_cast_j_status, EnergyStatus::kNoPass);
  EXPECT_EQ(points[1].phase_outliers_j_status, EnergyStatus::kNoPass) << "files that had no such phase";
}

TEST_F(PoolCell, AnEstimateGivesARatioButNoVerdict) {
  for (const char* id : {"s1", "s2"}) {
    add(id, "f16", 0, 1);
    add(id, "w8a16-split", 0, 2);
  }
  for (auto& trial : trials_) {
    if (trial.mode != result::TrialMode::kBare) continue;
    trial.energy_status = EnergyStatus::kOk;
    trial.energy_method = EnergyMethod::kEstimated;
    trial.energy_gross_j = 250 * trial.wall_s;
  }
  const auto point = pool()[1];
  EXPECT_DOUBLE_EQ(point.energy_ratio.value(), 2);
  EXPECT_EQ(point.energy_method, EnergyMethod::kEstimated);
  EXPECT_EQ(point.verdict_energy, result::Verdict::kNoMeter);
  EXPECT_FALSE(point.energy_net_j.has_value());
}

TEST_F(PoolCell, AWindowTooShortForTheSensorIsNoEnergy) {
  add("s1", "f16", 0, 1);
  add("s1", "w8a16-split", 0, 2);
  for (auto& trial : trials_) trial.energy_status = EnergyStatus::kTooShort;
  const auto point = pool()[1];
  EXPECT_EQ(point.energy_status, EnergyStatus::kTooShort);
  EXPECT_FALSE(point.energy_gross_j.has_value());
  EXPECT_EQ(point.verdict_energy, result::Verdict::kUndecided);
}

TEST_F(PoolCell, ALimitedNumberOfLayersIsExtrapolatedAndSaysSo) {
  model_.layers = 8;
  add("s1", "f16", 0, 1);
  add("s1", "w8a16-split", 0, 2);
  const auto points = pool();
  EXPECT_EQ(points[0].basis, result::PointBasis::kExtrapolated);
  EXPECT_DOUBLE_EQ(points[0].time_s.value(), 4);
  EXPECT_EQ(points[0].launches, 4 * 9 + 1) << "one of the ten follows the last layer";
  EXPECT_EQ(points[0].bytes, 4 * (1000 - 2 * 64 * 3) + 2 * 64 * 3);
  EXPECT_THAT(points[0].reason.value(), HasSubstr("2 of 8 layers"));
  EXPECT_DOUBLE_EQ(points[1].time_ratio.value(), 2);
}

TEST_F(PoolCell, ASchemeThatFailedBecomesAPointWithItsReason) {
  add("s1", "f16", 0, 1);
  failures_["w8a16-split"] = runtime_error("kernel build failed", "x.cl", "update the driver");
  const auto points = pool();
  EXPECT_EQ(points[0].status, result::PointStatus::kOk);
  EXPECT_EQ(points[1].status, result::PointStatus::kError);
  EXPECT_THAT(points[1].reason.value(), HasSubstr("kernel build failed (x.cl)"));
  EXPECT_FALSE(points[1].time_s.has_value());
}

TEST(Cells, AreOrderedByModelThenBatchAndNamedByTheirKeys) {
  profile::Campaign campaign;
  campaign.models = {"a", "b"};
  campaign.batch = {1, 8};
  campaign.hops = {2};
  campaign.tokens_per_hop = {3};
  campaign.context_tokens = {0};
  const auto cells = profile::expand_cells(campaign);
  ASSERT_EQ(cells.size(), 4U);
  EXPECT_EQ(cells[1].id(), "a/b8/h2/t3/c0");
  EXPECT_EQ(profile::make_point_id(cells[2], "w8a8"), "b/b1/h2/t3/c0/w8a8");
}

TEST(Cells, TheAnchorIsAlwaysMeasuredFirstAndOnce) {
  profile::Campaign campaign;
  campaign.schemes = {"w8a8", "f16"};
  EXPECT_THAT(profile::schemes_with_anchor(campaign), ::testing::ElementsAre("f16", "w8a8"));
  campaign.kv = {CacheFormat::kInt8, CacheFormat::kF16};
  EXPECT_THAT(profile::schemes_with_anchor(campaign), ::testing::ElementsAre("f16", "w8a8-kv8", "w8a8", "f16-kv8"));
  campaign.kv = {CacheFormat::kF16};
  campaign.schemes = {"w8a8-kv8"};
  EXPECT_THAT(profile::schemes_with_anchor(campaign), ::testing::ElementsAre("f16", "w8a8-kv8"));
}

TEST_F(PoolCell, AFailedCheckInAnySessionLeavesNoVerdict) {
  for (const char* session : {"s1", "s2"}) {
    for (const char* scheme : {"f16", "w8a16-split"}) {
      for (std::int64_t block : {0, 1}) add(session, scheme, block, 1);
      result::TrialRecord check;
      check.session_id = session;
      check.scheme = scheme;
      check.cell_id = cell_.id();
      check.mode = result::TrialMode::kCheck;
      check.rows = 100;
      check.rows_checked = 90;
      trials_.push_back(check);
    }
  }
  auto points = pool();
  EXPECT_EQ(points[1].status, result::PointStatus::kOk);
  EXPECT_EQ(points[1].rows, 200);
  EXPECT_EQ(points[1].rows_checked, 180);
  EXPECT_EQ(points[1].trials, 8) << "a check is no window";
  EXPECT_FALSE(points[1].reason.has_value());
  trials_.back().unchecked_reason = "no memory";
  EXPECT_EQ(pool()[1].status, result::PointStatus::kOk);
  EXPECT_EQ(pool()[1].reason, "not all of its kernels could be checked: no memory");
  const auto unflagged = trials_;
  for (auto& trial : trials_) trial.flags = {"paused"};
  EXPECT_THAT(pool()[1].reason.value(),
              HasSubstr("could be checked: no memory; all of its trials are flagged (paused)"));
  trials_ = unflagged;
  trials_.back().failure = "gemv_i8_f16_cpu is wrong in row 37";
  points = pool();
  EXPECT_EQ(points[0].status, result::PointStatus::kOk);
  EXPECT_EQ(points[1].status, result::PointStatus::kError);
  EXPECT_EQ(points[1].reason, "gemv_i8_f16_cpu is wrong in row 37");
  EXPECT_FALSE(points[1].verdict_time.has_value());
  EXPECT_FALSE(points[1].time_s.has_value());
}

TEST_F(PoolCell, PhasesThatDoNotAddUpAreLeftOut) {
  for (const char* session : {"s1", "s2"}) {
    for (std::int64_t block : {0, 1}) add(session, "f16", block, 1);
  }
  for (auto& trial : trials_) {
    if (trial.mode == result::TrialMode::kProfiled) trial.wall_s = 1.25;  // phases and gap are 1 s: closure -0.2
  }
  EXPECT_TRUE(pool()[0].phase_matmul_s.has_value());
  for (auto& trial : trials_) {
    if (trial.mode == result::TrialMode::kProfiled) trial.wall_s = 4;  // stamps of a quarter
  }
  auto point = pool()[0];
  EXPECT_DOUBLE_EQ(point.closure_time.value(), -0.75);
  EXPECT_FALSE(point.phase_matmul_s.has_value());
  EXPECT_FALSE(point.gap_s.has_value());
  EXPECT_EQ(point.status, result::PointStatus::kOk);
  EXPECT_EQ(point.reason, "phases and gaps add up to 25 % of the wall: the point has no phases");
  // A launch and a wait of 3 s in the one hop explain it.
  for (auto& session : sessions_) session.ceilings.host_sync_s = 3.0;
  EXPECT_TRUE(pool()[0].phase_matmul_s.has_value());
}

TEST_F(PoolCell, WindowsWithoutSoundStampsGiveNoPhases) {
  for (const char* session : {"s1", "s2"}) {
    for (std::int64_t block : {0, 1}) add(session, "f16", block, 1);
  }
  for (auto& trial : trials_) {
    if (trial.mode != result::TrialMode::kProfiled) continue;
    trial.flags = {"bad_stamps"};
    trial.gap_s = trial.phase_cast_s = trial.phase_quantize_s = trial.phase_dequantize_s = trial.phase_matmul_s = {};
    trial.phase_attention_s = trial.phase_other_s = {};
  }
  const auto point = pool()[0];
  EXPECT_EQ(point.status, result::PointStatus::kOk);
  EXPECT_FALSE(point.closure_time.has_value());
  EXPECT_FALSE(point.phase_matmul_s.has_value());
  EXPECT_EQ(point.reason, "no profiled window has event stamps that can be: the point has no phases");
}

}  // namespace
}  // namespace qtrap::pool
