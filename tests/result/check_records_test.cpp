// Files whose records are well formed and cannot be true. Every reader of files goes through parse_whole_result().
#include "result/check_records.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "result/sample_records.hpp"

namespace qtrap::result {
namespace {

using ::testing::HasSubstr;

/// Two sessions that measured one cell in two blocks, f16 and a scheme twice as fast, with energies.
struct File {
  std::vector<SessionRecord> sessions;
  std::vector<TrialRecord> trials;
  std::vector<SamplesRecord> samples;
  std::vector<QualityRecord> qualities;
  std::vector<PointRecord> points;
  std::optional<EndRecord> end;

  std::string text() const {
    std::string lines;
    for (const auto& session : sessions) {
      lines += sample::line(session);
      for (const auto& trial : trials) lines += trial.session_id == session.session_id ? sample::line(trial) : "";
      for (const auto& one : samples) lines += one.session_id == session.session_id ? sample::line(one) : "";
    }
    for (const auto& quality : qualities) lines += sample::line(quality);
    for (const auto& point : points) lines += sample::line(point);
    return lines + (end ? sample::line(*end) : "");
  }
};

constexpr double kAnchorTime = 2.0;
constexpr double kSchemeTime = 1.0;

void add_trials(const std::string& session, const std::string& scheme, double wall_s, File& file) {
  for (std::int64_t order = 0; order < 2; ++order) {
    TrialRecord trial = sample::trial("c", order + (scheme == "f16" ? 0 : 2), 4, session);
    trial.point_id = "c/" + scheme;
    trial.scheme = scheme;
    trial.mode = order == 0 ? TrialMode::kBare : TrialMode::kProfiled;
    trial.wall_s = wall_s;
    if (order == 1) trial.phase_matmul_s = 0.75 * wall_s;
    trial.layers = trial.resident_layers = 4;
    trial.energy_status = EnergyStatus::kOk;
    trial.energy_method = EnergyMethod::kCounter;
    trial.energy_gross_j = 10 * wall_s;
    trial.bytes = 100;
    trial.launches = 8;
    file.trials.push_back(trial);
  }
}

PointRecord pooled_point(const std::string& scheme, double time_s) {
  PointRecord point = sample::point("c/" + scheme);
  point.scheme = scheme;
  point.cell_id = "c";
  point.trials = 4;
  point.sessions = 2;
  point.session_ids = {"s0", "s1"};
  point.device_id = sample::session().device.id;
  point.layers = point.resident_layers = 4;
  point.time_s = point.time_s_low = point.time_s_high = time_s;
  point.time_per_token_s = time_s;
  point.phase_matmul_s = 0.75 * time_s;
  point.energy_status = EnergyStatus::kOk;
  point.energy_gross_j = point.energy_per_token_j = 10 * time_s;
  return point;
}

File good_file() {
  File file;
  file.sessions = {sample::session("s0"), sample::session("s1")};
  for (const char* session : {"s0", "s1"}) {
    add_trials(session, "f16", kAnchorTime, file);
    add_trials(session, "w8a8", kSchemeTime, file);
  }
  PointRecord scheme = pooled_point("w8a8", kSchemeTime);
  scheme.time_ratio = 0.5;
  scheme.time_ratio_low = 0.4;
  scheme.time_ratio_high = 0.6;
  scheme.cor_operational = -0.5;
  scheme.verdict_time = Verdict::kNoTrap;
  scheme.energy_ratio = 0.5;
  file.points = {pooled_point("f16", kAnchorTime), scheme};
  SamplesRecord samples;
  samples.session_id = "s0";
  samples.cell_id = "c";
  samples.window_end_us = 10;
  samples.at_us = samples.energy_mj = samples.power_mw = {1, 2, 3};
  file.samples = {samples};
  file.qualities = {sample::quality("f16", 0), sample::quality("w8a8")};
  file.end = EndRecord{"s1", Ending::kComplete, 2, 0, 12};
  return file;
}

TEST(CheckRecords, TakesAFileThatIsAsItWasMeasured) {
  const auto read = parse_whole_result(good_file().text(), "f");
  EXPECT_TRUE(read) << read.error().message();
}

struct Lie {
  const char* message;
  std::function<void(File&)> change;
};

const Lie kLies[] = {
    // looks of --until
    {"looks are planned in part (2 looks)", [](File& f) { f.sessions[0].until_ratio.reset(); }},
    {"looks are planned in part (2 looks)", [](File& f) { f.sessions[0].until_boundaries = std::vector<double>{3}; }},
    {"looks do not follow each other (3, 2)",
     [](File& f) {
       f.sessions[0].until_looks = std::vector<double>{3, 2};
     }},
    {"looks spend more than is planned (0.06)",
     [](File& f) {
       f.sessions[0].until_spent = std::vector<double>{0.01, 0.06};
     }},
    {"lists of looks of unequal length (1 looks)", [](File& f) { f.end->looks = std::vector<double>{2}; }},
    {"`stopped_by` contradicts the last look (decided)",
     [](File& f) {
       f.end->looks = std::vector<double>{2};
       f.end->looks_undecided = std::vector<double>{1};
       f.end->looks_unseen = std::vector<double>{0};
       f.end->stopped_by = LookStop::kDecided;
     }},
    {"more ratios unseen than undecided (2)",
     [](File& f) {
       f.end->looks = std::vector<double>{2};
       f.end->looks_undecided = std::vector<double>{1};
       f.end->looks_unseen = std::vector<double>{2};
     }},
    {"`ratio_confidence` is out of range (0.9)", [](File& f) { f.points[1].ratio_confidence = 0.9; }},
    // losses
    {"line 12: a loss belongs to no session (s7)", [](File& f) { f.qualities[0].session_id = "s7"; }},
    {"line 13: a loss occurs twice (f16 of qwen3-0.6b)", [](File& f) { f.qualities[1].scheme = "f16"; }},
    {"line 13: loss of w8a8: losses of one model are of different texts (4567)",
     [](File& f) { f.qualities[1].text_sha256 = "4567"; }},
    {"`predicted_tokens` is wrong (10)", [](File& f) { f.qualities[1].predicted_tokens = 10; }},
    {"a list of windows is of another length (1 of `kl_nats_per_token`)",
     [](File& f) { f.qualities[1].window_kl = std::vector<double>{0.25}; }},
    {"`kl_nats_per_token` is not that of its windows (0.26)", [](File& f) { f.qualities[1].kl_nats_per_token = 0.26; }},
    {"`perplexity` is not that of its windows (7)",
     [](File& f) {
       f.qualities[1].window_log_loss = std::vector<double>{1000, 1000};  // whose exponential is beyond a double
       f.qualities[1].perplexity = 7;
     }},
    {"`windows` is out of range (0)",
     [](File& f) {
       QualityRecord& quality = f.qualities[1];
       quality.windows = 0;
       quality.window_kl = quality.window_top1 = std::vector<double>();
       quality.window_log_loss = quality.window_anchor_log_loss = std::vector<double>();
     }},
    {"`perplexity` is not that of its windows (7)", [](File& f) { f.qualities[1].perplexity = 7; }},
    {"`kl_nats_per_token` lies outside", [](File& f) { f.qualities[1].kl_nats_per_token_low = 0.5; }},
    {"`top1_agreement` is out of range (1.5)", [](File& f) { f.qualities[1].top1_agreement = 1.5; }},
    {"`reason` and `status` contradict each other (error)",
     [](File& f) { f.qualities[1].status = PointStatus::kError; }},
    {"`kl_nats_per_token` contradicts `status` (error)",
     [](File& f) {
       f.qualities[1].status = PointStatus::kError;
       f.qualities[1].reason = "its process died";
     }},
    {"`perplexity` contradicts `status` (ok)", [](File& f) { f.qualities[1].perplexity.reset(); }},
    {"`interval_method` contradicts `windows` (2)", [](File& f) { f.qualities[1].interval_method.reset(); }},
    {"the anchor differs from itself (0.25)", [](File& f) { f.qualities[0] = sample::quality("f16"); }},
    // points
    {"line 15: point c/w8a8: `verdict_time` contradicts its interval (trap with 0.4 to 0.6)",
     [](File& f) { f.points[1].verdict_time = Verdict::kTrap; }},
    {"`verdict_time` contradicts its interval (no_trap without one)",
     [](File& f) { f.points[1].time_ratio_low = f.points[1].time_ratio_high = std::nullopt; }},
    {"`verdict_energy` contradicts its interval", [](File& f) { f.points[1].verdict_energy = Verdict::kTrap; }},
    {"`time_ratio` lies outside its interval (0.5, 0.6 to 0.7)",
     [](File& f) {
       f.points[1].time_ratio_low = 0.6;
       f.points[1].time_ratio_high = 0.7;
     }},
    {"`energy_net_j` has an interval and no value",
     [](File& f) { f.points[1].energy_net_j_low = f.points[1].energy_net_j_high = 1; }},
    {"`time_s` is out of range (-1)", [](File& f) { f.points[1].time_s = -1; }},
    {"`time_s` is out of range (1e+308)", [](File& f) { f.points[1].time_s = 1e308; }},
    {"`energy_gross_j` is out of range (5e-324)", [](File& f) { f.points[1].energy_gross_j = 5e-324; }},
    {"`phase_cast_s` is out of range (-0.5)", [](File& f) { f.points[1].phase_cast_s = -0.5; }},
    {"`batch` is out of range (0)", [](File& f) { f.points[1].batch = 0; }},
    {"a chain makes too many tokens", [](File& f) { f.points[1].batch = f.points[1].hops = 1000000000; }},
    {"`cor_operational` does not follow", [](File& f) { f.points[1].cor_operational = 1.0; }},
    {"`time_per_token_s` does not follow", [](File& f) { f.points[1].time_per_token_s = 1.001; }},
    {"`energy_ratio` is given without an energy",
     [](File& f) {
       f.points[1].energy_status = EnergyStatus::kTooShort;
       f.points[1].energy_gross_j = f.points[1].energy_per_token_j = std::nullopt;
     }},
    {"a session is pooled twice (s0)",
     [](File& f) {
       f.points[1].session_ids = {"s0", "s0"};
     }},
    {"a point is of two devices", [](File& f) { f.sessions[1].device.id = "pci:0000:05:00.0"; }},
    {"a point is of two devices", [](File& f) { f.points[1].device_id = "another"; }},
    {"a point pools sessions of two experiments (kernels.source_sha256 ",
     [](File& f) { f.sessions[1].kernels.source_sha256 = "0"; }},
    {"a point pools sessions of two experiments (device.driver ", [](File& f) { f.sessions[1].device.driver = "0"; }},
    {"phases are longer than the chain (2.75 s of 1 s)", [](File& f) { f.points[1].phase_other_s = 2; }},
    {"a ratio has no anchor (c)",
     [](File& f) {
       f.points.erase(f.points.begin());
       f.end.reset();
     }},
    {"a ratio has no anchor (c)",
     [](File& f) {
       f.points[0].status = PointStatus::kError;
       f.points[0].reason = "lost";
     }},
    {"more layers resident than the model has (5 of 4)", [](File& f) { f.points[1].resident_layers = 5; }},
    {"`anchor_table` is given where no anchor was published (a.csv)",
     [](File& f) { f.points[1].anchor_table = "a.csv"; }},
    {"`anchor_table` is given where no anchor was published (a.csv)",
     [](File& f) { f.points[0].anchor_table = "a.csv"; }},
    {"`verdict_time` decides without two sessions (no_trap over unpaired)",
     [](File& f) { f.points[1].time_ratio_basis = Basis::kUnpaired; }},
    {"`time_ratio` is unpaired and has an interval (0.4)",
     [](File& f) {
       f.points[1].time_ratio_basis = Basis::kUnpaired;
       f.points[1].verdict_time = Verdict::kUndecided;
     }},
    {"point c/w8a8: `time_ratio` is unpaired and has an interval (0.4)",
     [](File& f) {
       f.points[0].anchor_table = "a.csv";
       f.points[0].source = "a paper";
     }},
    {"line 15: point c/w8a8: a cell is of two phases (c, prefill): give decode and prefill a cell_id each",
     [](File& f) { f.points[1].phase = Phase::kPrefill; }},
    // points against trials
    {"`time_s` is not what its trials measured (1.5): they lie between 1 and 1",
     [](File& f) { f.points[1].time_s = f.points[1].time_s_high = f.points[1].time_per_token_s = 1.5; }},
    {"`phase_matmul_s` is not what its trials measured", [](File& f) { f.points[1].phase_matmul_s = 0.25; }},
    {"`energy_gross_j` is not what its trials measured",
     [](File& f) { f.points[1].energy_gross_j = f.points[1].energy_per_token_j = 1; }},
    {"the point's counts of trials are wrong (5, 0 flagged): the file holds 4, 0 flagged",
     [](File& f) { f.points[1].trials = 5; }},
    {"the point's counts of trials are wrong (4, 0 flagged): the file holds 4, 1 flagged",
     [](File& f) { f.trials[2].flags = {"foreign_load"}; }},
    {"trials of one point differ in cell, scheme or model (c/w8a8): the first is of f16",
     [](File& f) { f.trials[2].scheme = "f16"; }},
    {"a trial of the point is of another cell, scheme or model",
     [](File& f) {
       for (auto& trial : f.trials) trial.scheme = "f16";
     }},
    {"`energy_idle_j` is given without an energy",
     [](File& f) {
       f.trials[0].energy_status = EnergyStatus::kReset;
       f.trials[0].energy_gross_j.reset();
       f.trials[0].energy_idle_j = 1;
     }},
    {"a trial belongs to no point of a complete file (c/w4a8)", [](File& f) { f.trials[2].point_id = "c/w4a8"; }},
    // trials and samples
    {"line 2: a trial of cell c: `repetitions` is out of range (0)", [](File& f) { f.trials[0].repetitions = 0; }},
    {"a window took no time", [](File& f) { f.trials[0].wall_s = 0; }},
    {"`wall_s` is out of range (-2)", [](File& f) { f.trials[0].wall_s = -2; }},
    {"phases are longer than their window (3 s of 2 s)", [](File& f) { f.trials[1].phase_matmul_s = 3; }},
    {"`gap_s` is out of range", [](File& f) { f.trials[1].gap_s = -1; }},
    {"`resident_layers` is out of range (0)", [](File& f) { f.trials[0].resident_layers = 0; }},
    {"more layers resident than run (5 of 4)", [](File& f) { f.trials[0].resident_layers = 5; }},
    {"more bytes cached than bound (101 of 100)", [](File& f) { f.trials[0].cached_bytes = 101; }},
    {"more multiply-adds of the head than there are (",
     [](File& f) {
       f.trials[0].head_macs = f.trials[0].macs + 1;
       f.trials[0].head_mac_class = f.trials[0].head_format = "f16";
     }},
    {"a head is known in part (q8_0)", [](File& f) { f.trials[0].head_format = "q8_0"; }},
    {"more launches that read weights than launches (9 of 8)", [](File& f) { f.trials[0].weight_launches = 9; }},
    {"`macs` is out of range", [](File& f) { f.trials[0].macs = INT64_MAX; }},
    {"`block` is out of range", [](File& f) { f.trials[0].block = INT64_MAX; }},
    {"`energy_gross_j` and its status disagree", [](File& f) { f.trials[0].energy_gross_j.reset(); }},
    {"`energy_gross_j` and its status disagree", [](File& f) { f.trials[0].energy_status = EnergyStatus::kReset; }},
    {"a window of a chain belongs to no point (bare)", [](File& f) { f.trials[0].model.reset(); }},
    {"two trials of a session have one place (block 0, order 0)", [](File& f) { f.trials[1].order = 0; }},
    {"samples belong to no trial (block 7, order 0)", [](File& f) { f.samples[0].block = 7; }},
    {"samples of a trial are given twice", [](File& f) { f.samples.push_back(f.samples[0]); }},
    {"samples of cell c: lists of unequal length", [](File& f) { f.samples[0].power_mw.pop_back(); }},
    {"the window ends before it begins (20 to 10)", [](File& f) { f.samples[0].window_begin_us = 20; }},
    {"a list of differences runs out of range",
     [](File& f) {
       f.samples[0].at_us = {INT64_MAX, 1, 1};
     }},
    // sessions and the end
    {"session s0 meter: `delay_s` is out of range (1000000000)", [](File& f) { f.sessions[0].meter.delay_s = 1e9; }},
    {"ceilings: `read_bytes_per_s` lies outside its interval",
     [](File& f) { f.sessions[0].ceilings.read_bytes_per_s = 1e9; }},
    {"end: its session is not in the file (s9)", [](File& f) { f.end->session_id = "s9"; }},
    {"end: the counts of points are wrong (1 ok, 0 failed)", [](File& f) { f.end->points_ok = 1; }},
    {"end: `wall_s` is out of range", [](File& f) { f.end->wall_s = -1; }},
};

TEST(CheckRecords, RefusesWhatCannotBe) {
  for (const auto& [message, change] : kLies) {
    File file = good_file();
    change(file);
    const auto read = parse_whole_result(file.text(), "f");
    ASSERT_FALSE(read) << message;
    EXPECT_EQ(read.error().kind, ErrorKind::kUsage);
    EXPECT_THAT(read.error().message(), HasSubstr(message));
    EXPECT_FALSE(read.error().fix.empty()) << message;
  }
}

TEST(CheckRecords, TakesARatioOfFlaggedWindowsThoughTheUnflaggedShareNoSession) {
  File file = good_file();
  for (TrialRecord& trial : file.trials) {
    if ((trial.scheme == "f16") == (trial.session_id == "s1")) trial.flags = {"foreign_load"};
  }
  file.points[0].session_ids = {"s0"};
  file.points[1].session_ids = {"s1"};
  for (PointRecord& point : file.points) {
    point.sessions = 1;
    point.trials_flagged = 2;
  }
  file.points[1].verdict_time = Verdict::kUndecided;
  const auto read = parse_whole_result(file.text(), "f");
  EXPECT_TRUE(read) << read.error().message();
}

TEST(CheckRecords, TakesNoEffectOnlyWithinTheMargin) {
  File file = good_file();
  PointRecord& point = file.points[1];
  point.time_ratio = 1.001;
  point.cor_operational = *point.time_ratio - 1;
  point.time_ratio_low = *point.time_ratio / 1.01;
  point.time_ratio_high = *point.time_ratio * 1.01;
  point.time_ratio_df = 12;
  point.time_ratio_basis = Basis::kSessions;
  point.no_effect_margin = 0.02;
  point.verdict_time = Verdict::kNoEffect;
  EXPECT_TRUE(parse_whole_result(file.text(), "f"));
  point.no_effect_margin = 0.005;
  EXPECT_THAT(parse_whole_result(file.text(), "f").error().message(),
              HasSubstr("`verdict_time` contradicts its interval"));
  // The interval is one of 99.9 % with 12 degrees of freedom: that of 99.8 % within it, at a log ratio of 0.001.
  point.no_effect_margin = 0.012;
  point.ratio_confidence = 0.999;
  EXPECT_TRUE(parse_whole_result(file.text(), "f"));
  point.ratio_confidence.reset();
  point.no_effect_margin = 0.02;
  point.time_ratio_basis = Basis::kBlocks;
  EXPECT_THAT(parse_whole_result(file.text(), "f").error().message(),
              HasSubstr("`verdict_time` decides without two sessions (no_effect over blocks)"));
}

TEST(CheckRecords, TakesPointsWhoseTrialsWereStrippedAtTheirWord) {
  File file = good_file();
  file.trials.clear();
  file.samples.clear();
  const auto read = parse_whole_result(file.text(), "f");
  EXPECT_TRUE(read) << read.error().message();
}

TEST(CheckRecords, RefusesAKeyGivenTwice) {
  std::string text = good_file().text();
  const std::string key = R"("time_s":2.0)";
  text.replace(text.rfind(key), key.size(), R"("time_s":1.0,"time_s":2.0)");
  EXPECT_THAT(parse_whole_result(text, "f").error().message(),
              HasSubstr("line 14: the record: a key is given twice (time_s)"));
}

TEST(CheckRecords, NotesASessionThatTwoFilesShare) {
  ResultFile file;
  file.sessions = {sample::session("s0")};
  std::set<std::string> seen;
  EXPECT_TRUE(note_sessions(file, "a", seen));
  EXPECT_THAT(note_sessions(file, "b", seen).error().message(),
              HasSubstr("b holds a session that was given before (s0): name each file once"));
}

}  // namespace
}  // namespace qtrap::result
