// A whole session of a tiny model on whatever device OpenCL offers, with and without a meter.
#include "measure/session.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "measure/probes.hpp"
#include "pool/pool.hpp"
#include "support/device_fixture.hpp"
#include "support/lockstep_time.hpp"
#include "support/steady_meter.hpp"
#include "support/tiny_model.hpp"

namespace qtrap::measure {
namespace {

using result::TrialMode;
using result::TrialRecord;

class Session : public test::DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (IsSkipped()) return;
    plan_.campaign.models = {"tiny"};
    plan_.campaign.schemes = {"w8a16-split"};
    plan_.campaign.min_trials = plan_.campaign.max_trials = 2;
    plan_.campaign.energy_window_s = 0.1;
    plan_.campaign.probes = false;
    plan_.models["tiny"] = model_;
    plan_.resident_layers["tiny"] = 2;
    plan_.cells = profile::expand_cells(plan_.campaign);
  }

  void run(EnergySource energy) {
    SessionSink sink;
    sink.on_session = [&](const auto& session) { session_ = session; };
    sink.on_cell = [&](const auto& trials, const auto& samples) {
      EXPECT_EQ(trials.front().cell_trials, static_cast<std::int64_t>(trials.size()));
      trials_.insert(trials_.end(), trials.begin(), trials.end());
      samples_.insert(samples_.end(), samples.begin(), samples.end());
    };
    sink.on_progress = [&](const Progress& progress) {
      if (activities_.empty() || activities_.back() != progress.activity) activities_.push_back(progress.activity);
    };
    sink.on_failure = [](const auto&, const auto& scheme, const auto& error) {
      ADD_FAILURE() << scheme << ": " << error.message();
    };
    result::SessionRecord session;
    session.session_id = "s";
    ASSERT_TRUE(run_session(*device_, plan_, std::move(energy), session, sink, [] { return false; }));
  }

  EnergySource steady() {
    EnergySource source{{std::make_shared<test::SteadyMeter>(time_, true), "chosen", ""}, test::SteadyMeter::sensors()};
    source.time.emplace(EnergySource::Time{&time_, time_.pacing()});
    return source;
  }

  std::vector<const TrialRecord*> with_mode(TrialMode mode) const {
    std::vector<const TrialRecord*> found;
    for (const TrialRecord& trial : trials_) {
      if (trial.mode == mode) found.push_back(&trial);
    }
    return found;
  }

  std::vector<const TrialRecord*> with_scheme(TrialMode mode, const std::string& scheme) const {
    auto found = with_mode(mode);
    std::erase_if(found, [&](const TrialRecord* trial) { return trial->scheme != scheme; });
    return found;
  }

  /// The meter's time, and that of the windows it sees: 2 ms a look, whatever the chains really take.
  test::LockstepTime time_{Seconds(0.002)};
  const profile::ModelProfile model_ = test::tiny_model({});
  SessionPlan plan_;
  result::SessionRecord session_;
  std::vector<TrialRecord> trials_;
  std::vector<result::SamplesRecord> samples_;
  std::vector<std::string> activities_;  ///< reported, in order
};

TEST_F(Session, WithoutAMeterSaysSoInEveryTrial) {
  run({{nullptr, "", "nothing found"}, {}});
  EXPECT_EQ(session_.meter.status, "no_meter");
  EXPECT_EQ(session_.meter.reason, "nothing found");
  EXPECT_EQ(with_mode(TrialMode::kBare).size() + with_mode(TrialMode::kProfiled).size(), 8U)
      << "two schemes, two blocks";
  ASSERT_EQ(with_mode(TrialMode::kCheck).size(), 2U) << "each scheme once";
  EXPECT_EQ(trials_.size(), 10U);
  for (const TrialRecord& trial : trials_) {
    EXPECT_EQ(trial.energy_status, EnergyStatus::kNoMeter);
    EXPECT_FALSE(trial.energy_gross_j.has_value());
  }
  EXPECT_TRUE(samples_.empty());
}

TEST_F(Session, ChecksEveryKernelOfEverySchemeAndSaysOnHowManyRows) {
  run({{nullptr, "", "nothing found"}, {}});
  for (const TrialRecord* check : with_mode(TrialMode::kCheck)) {
    EXPECT_FALSE(check->failure.has_value()) << *check->failure;
    EXPECT_EQ(check->kernels_used, with_scheme(TrialMode::kProfiled, *check->scheme).front()->kernels_used);
    EXPECT_GT(check->rows.value(), 0);
    EXPECT_GT(check->rows_checked.value(), 0);
    EXPECT_LE(*check->rows_checked, *check->rows);
    EXPECT_LT(check->check_error.value(), 1);
  }
}

TEST_F(Session, ADecoderRunsEachSchemeWithCachesOfEachFormat) {
  plan_.campaign.workload = profile::Workload::kDecoder;
  plan_.campaign.schemes = {"f16", "w8a16-split"};
  plan_.campaign.kv = {CacheFormat::kF16, CacheFormat::kInt8};
  plan_.campaign.context_tokens = {40};
  plan_.cells = profile::expand_cells(plan_.campaign);
  run({{nullptr, "", "nothing found"}, {}});
  std::vector<std::string> checked;
  for (const TrialRecord* check : with_mode(TrialMode::kCheck)) {
    checked.push_back(*check->scheme);
    EXPECT_FALSE(check->failure.has_value()) << *check->failure;
  }
  EXPECT_THAT(checked, ::testing::ElementsAre("f16", "f16-kv8", "w8a16-split", "w8a16-split-kv8"));
  const auto bytes_of = [&](const std::string& scheme) {
    const TrialRecord* trial = with_scheme(TrialMode::kBare, scheme).front();
    return trial->bytes / trial->repetitions;
  };
  // A step reads 41 positions of each head's key and value and writes one: d elements of 2 bytes, or of 1 and a scale
  // of 4.
  const std::int64_t saved = model_.layers * model_.kv_heads * 2 * (model_.head_dim - 4) * (41 + 1);
  EXPECT_EQ(bytes_of("f16") - bytes_of("f16-kv8"), saved);
  EXPECT_EQ(bytes_of("w8a16-split") - bytes_of("w8a16-split-kv8"), saved);
}

/// Chains of another cell write other tokens over the beginning of the caches, each scheme its own.
TEST_F(Session, ACellsOutputsDoNotDependOnWhatRanBefore) {
  plan_.campaign.workload = profile::Workload::kDecoder;
  plan_.campaign.schemes = {"f16", "f16-kv8", "int2-fused"};
  plan_.campaign.context_tokens = {40};
  plan_.campaign.hops = {12};  // the capacity of both runs
  plan_.campaign.tokens_per_hop = {3};
  const profile::Cell last{"tiny", 1, 1, 1, 40};
  const auto errors = [&] {
    trials_.clear();
    run({{nullptr, "", "nothing found"}, {}});
    std::map<std::string, std::vector<double>> found;
    for (const TrialRecord* trial : with_mode(TrialMode::kProfiled)) {
      if (trial->cell_id == last.id()) found[*trial->scheme] = trial->output_error.value();
    }
    return found;
  };
  plan_.cells = {last};
  const auto alone = errors();
  ASSERT_EQ(alone.size(), 3U);
  EXPECT_GT(alone.at("f16-kv8").front(), 0);
  plan_.cells = {{"tiny", 1, 12, 3, 0}, last};
  EXPECT_EQ(errors(), alone);
}

TEST_F(Session, WithAMeterEveryBareWindowHasItsEnergyAndItsSamples) {
  run(steady());
  EXPECT_EQ(session_.meter.method, "simulated");
  EXPECT_THAT(session_.hazards, ::testing::Contains("energies are simulated: the meter replays a file"));
  ASSERT_EQ(with_mode(TrialMode::kBare).size(), 4U);
  std::size_t with_energy = 0;
  for (const TrialRecord& trial : trials_) {
    if (trial.mode == TrialMode::kProfiled || trial.mode == TrialMode::kCheck) continue;
    ++with_energy;
    ASSERT_EQ(trial.energy_status, EnergyStatus::kOk)
        << to_string(trial.mode) << ": " << trial.energy_reason.value_or("");
    // 300 W throughout, so the window's length on the meter's clock is the truth.
    const auto samples = std::find_if(samples_.begin(), samples_.end(), [&](const auto& one) {
      return one.cell_id == trial.cell_id && one.block == trial.block && one.order == trial.order;
    });
    ASSERT_NE(samples, samples_.end());
    const double window_s = 1e-6 * static_cast<double>(samples->window_end_us - samples->window_begin_us);
    EXPECT_NEAR(*trial.energy_gross_j / window_s, test::SteadyMeter::kBusyW, 0.03 * test::SteadyMeter::kBusyW);
  }
  EXPECT_EQ(samples_.size(), with_energy);
  std::set<std::string> phases;
  for (const TrialRecord* idle : with_mode(TrialMode::kIdle)) phases.insert(*idle->phase);
  EXPECT_EQ(phases, (std::set<std::string>{"idle", "active_idle"}));
}

TEST_F(Session, PhaseLoopsGiveAPhaseItsEnergy) {
  run(steady());
  std::set<std::string> loops;
  for (const TrialRecord* loop : with_mode(TrialMode::kPhaseLoop)) loops.insert(*loop->scheme + " " + *loop->phase);
  EXPECT_TRUE(loops.contains("w8a16-split dequantize"));
  EXPECT_TRUE(loops.contains("w8a16-split matmul"));
  EXPECT_FALSE(loops.contains("f16 dequantize")) << "f16 has no such pass";
  for (TrialRecord& trial : trials_) {  // whatever else this machine did
    trial.flags.clear();
    if (trial.mode != TrialMode::kProfiled) continue;
    ASSERT_TRUE(trial.gap_s && trial.phase_matmul_s && trial.phase_dequantize_s && trial.phase_other_s);
    trial.wall_s = *trial.gap_s + *trial.phase_cast_s + *trial.phase_quantize_s + *trial.phase_dequantize_s +
                   *trial.phase_matmul_s + *trial.phase_other_s;
  }
  const std::vector<result::SessionRecord> sessions{session_};
  const auto points = pool::pool_cells(
      std::vector<pool::PoolInput>{{plan_.cells.front(), &model_, &plan_.campaign, sessions, trials_, {}}});
  ASSERT_EQ(points.size(), 2U);
  const auto& split = points[1];
  EXPECT_EQ(split.energy_status, EnergyStatus::kOk);
  EXPECT_EQ(split.energy_method, EnergyMethod::kSimulated);
  EXPECT_EQ(split.phase_dequantize_j_status, EnergyStatus::kOk);
  EXPECT_EQ(split.phase_attention_j_status, EnergyStatus::kNoPass);
  EXPECT_GT(split.phase_dequantize_j.value(), 0);
  ASSERT_TRUE(split.closure_energy.has_value());
  const double sum = *split.phase_dequantize_j + *split.phase_matmul_j + *split.phase_other_j;
  EXPECT_NEAR(*split.closure_energy, sum / *split.energy_gross_j - 1, 1e-9);
  // One session of two blocks: its ratio is the median of the blocks' ratios, as for times.
  EXPECT_TRUE(split.energy_ratio.has_value());
}

TEST_F(Session, ProbesExciteEveryCostOnItsOwn) {
  plan_.campaign.probes = true;
  plan_.campaign.schemes = {"w8a16-split", "q4_0-split"};
  run({{nullptr, "", "nothing found"}, {}});
  std::set<std::string> names;
  for (const TrialRecord* probe : with_mode(TrialMode::kProbe)) {
    names.insert(*probe->phase);
    EXPECT_EQ(probe->cell_id, "probes");
    EXPECT_FALSE(probe->scheme.has_value());
    EXPECT_GT(probe->wall_s, 0);
    const bool copies = *probe->phase == "copy";
    EXPECT_EQ(copies, probe->bytes > 0 && probe->macs == 0 && probe->dequantized_weights == 0 &&
                          probe->cast_elements == 0 && probe->phase->rfind("quantize", 0) != 0);
    EXPECT_EQ(probe->phase->rfind("macs_", 0) == 0, probe->macs > 0) << *probe->phase;
    EXPECT_EQ(probe->phase->rfind("dequantize_", 0) == 0, probe->dequantized_weights > 0) << *probe->phase;
  }
  EXPECT_THAT(names, ::testing::IsSupersetOf({"copy", "macs_registers", "macs_w4a8@1", "dequantize_w8a16-split",
                                              "dequantize_q4_0-split", "cast_f16_f32", "quantize_w8a8", "empty_launch",
                                              "host_sync"}));
  EXPECT_FALSE(names.contains("dequantize_q8_0-split")) << "the many formats are probed where a campaign has them";
  for (std::size_t i = 1; i < activities_.size(); ++i) {
    if (activities_[i].starts_with("probe "))
      EXPECT_THAT(activities_[i - 1], ::testing::StartsWith("making of probe ")) << activities_[i];
  }
}

TEST_F(Session, AProbeThatAProcessDiedOfInItsMakingIsLeftOut) {
  plan_.campaign.probes = true;
  const scheme::PassMaker maker(*device_, {"", 128});
  const std::size_t probes = ProbeSet(maker, {&*device_}, {1}, probed_schemes(plan_.campaign)).size();
  for (std::size_t i = 3; i <= probes; ++i) {  // all but the two copies: each would take its time
    plan_.left_out[fmt::format("making of probe {} of {}", i, probes)] = "it died";
  }
  run({{nullptr, "", "nothing found"}, {}});
  std::set<std::string> names;
  for (const TrialRecord* probe : with_mode(TrialMode::kProbe)) names.insert(*probe->phase);
  EXPECT_EQ(names, std::set<std::string>{"copy"});
  EXPECT_THAT(session_.hazards,
              ::testing::Contains(fmt::format("left out: making of probe {} of {} (it died)", probes, probes)));
}

TEST_F(Session, SaysWhatComesNextBeforeAnythingOfItRuns) {
  run(steady());
  // A role without a pass is reported as its steps run, before it shows that there is none.
  EXPECT_THAT(activities_, ::testing::IsSupersetOf({"loop of cast, f16", "loop of matmul, f16"}));
  const auto place = std::find(activities_.begin(), activities_.end(), kActivations);
  ASSERT_NE(place, activities_.begin());
  ASSERT_NE(place, activities_.end());
  EXPECT_EQ(*(place - 1), kWeights);
  EXPECT_EQ(*(place + 1), "chain of f16");
}

}  // namespace
}  // namespace qtrap::measure
