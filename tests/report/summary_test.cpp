#include "report/summary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/table.hpp"

namespace qtrap::report {
namespace {

using result::Verdict;
using ::testing::HasSubstr;
using ::testing::Not;

result::PointRecord point(const std::string& scheme, KernelPath path, std::optional<result::Verdict> verdict,
                          double ratio = 1) {
  result::PointRecord record;
  record.point_id = scheme;
  record.cell_id = "cell";
  record.model = "qwen3-0.6b";
  record.scheme = scheme;
  record.path = path;
  record.time_s = 0.1;
  record.time_per_token_s = 0.025;
  record.phase_matmul_s = 0.06;
  record.phase_dequantize_s = 0.03;
  record.gap_s = 0.01;
  if (scheme != "f16") {
    record.verdict_time = verdict;
    record.time_ratio_p = verdict == Verdict::kTrap || verdict == Verdict::kNoTrap ? 0.001 : 0.5;
    record.time_ratio = ratio;
    record.time_ratio_low = ratio - 0.05;
    record.time_ratio_high = ratio + 0.05;
    record.cor_operational = ratio - 1;
  }
  return record;
}

TEST(VerdictSentence, BlamesTheKernelPathWhenOnlySplitSchemesAreTrapped) {
  EXPECT_EQ(
      make_verdict_sentence({point("f16", KernelPath::kNone, {}),
                             point("w8a16-split", KernelPath::kSplit, Verdict::kTrap),
                             point("w8a16-fused", KernelPath::kFused, Verdict::kNoTrap),
                             point("w4a16-fused", KernelPath::kFused, Verdict::kNoTrap)}),
      "The time trap here is the kernel path's, not the format's: with separate passes 1 of 1 points (w8a16-split) "
      "cost more time than f16, fused 2 of 2 points (w4a16-fused and w8a16-fused) less.");
}

TEST(VerdictSentence, NamesFusedSchemesThatAreTrapped) {
  const auto text = make_verdict_sentence(
      {point("w8a16-split", KernelPath::kSplit, Verdict::kTrap), point("w8a8", KernelPath::kFused, Verdict::kTrap)});
  EXPECT_THAT(text, HasSubstr("Time trap even with fused kernels in 1 of 1 points (w8a8)."));
  EXPECT_THAT(text, Not(HasSubstr("not the format's")));
}

TEST(VerdictSentence, SaysThatThereIsNoTrap) {
  EXPECT_EQ(make_verdict_sentence({point("w8a16-split", KernelPath::kSplit, Verdict::kNoTrap),
                                   point("w8a8", KernelPath::kFused, Verdict::kNoTrap)}),
            "No time trap in 2 of 2 points (w8a16-split and w8a8).");
}

TEST(VerdictSentence, LeavesOutWhatSoManyComparisonsExplain) {
  // Twenty-three of no difference and one with p = 0.04: one in twenty-five is expected.
  std::vector<result::PointRecord> points(23, point("w8a16-fused", KernelPath::kFused, Verdict::kUndecided));
  points.push_back(point("w8a8", KernelPath::kFused, Verdict::kTrap));
  points.back().time_ratio_p = 0.04;
  const auto text = make_verdict_sentence(points);
  EXPECT_THAT(text, Not(HasSubstr("trap even")));
  EXPECT_THAT(text, HasSubstr("1 more differs from 1 by its own interval, but not among 24 comparisons"));
  points.back().time_ratio_p = 0.002;
  EXPECT_THAT(make_verdict_sentence(points), HasSubstr("Time trap even with fused kernels in 1 of 24 points (w8a8)."));
}

TEST(VerdictSentence, WhatHasNoEffectDoesNotEaseTheLimitOfTheOthers) {
  std::vector<result::PointRecord> points;
  for (int i = 0; i < 20; ++i) {
    points.push_back(point("w8a16-fused", KernelPath::kFused, Verdict::kNoEffect));
    points.back().time_ratio_p = 1e-6;
    points.push_back(point("w8a8", KernelPath::kFused, i < 2 ? Verdict::kTrap : Verdict::kUndecided));
    points.back().time_ratio_p = i < 2 ? 0.02 : 0.3;
  }
  EXPECT_THAT(make_verdict_sentence(points), Not(HasSubstr("trap even")));
}

TEST(VerdictSentence, NamesWhatHasNoEffect) {
  EXPECT_EQ(make_verdict_sentence({point("w8a8", KernelPath::kFused, Verdict::kNoEffect)}),
            "No effect on time in 1 of 1 points (w8a8).");
}

TEST(Summary, SaysWhatAnUndecidedPointCouldHaveSeen) {
  result::ResultFile file;
  file.sessions.emplace_back().device.type = DeviceType::kOther;
  auto one = point("w8a8", KernelPath::kFused, Verdict::kUndecided, 1.004);
  one.time_ratio_basis = result::Basis::kSessions;
  one.time_ratio_detectable = 1.137;
  one.time_ratio_low = 0.9999;
  file.points = {one};
  EXPECT_THAT(make_summary(file, "x"), HasSubstr("1.00 [0.9999, 1.05]"));
  EXPECT_THAT(make_summary(file, "x"), HasSubstr("undecided (sees 1.14)"));
  file.points[0].time_ratio_p.reset();
  EXPECT_THAT(make_summary(file, "x"), HasSubstr("undecided (flagged)"));
  file.points[0].time_ratio_basis = result::Basis::kBlocks;
  EXPECT_THAT(make_summary(file, "x"), HasSubstr("undecided (one session)"));
}

TEST(VerdictSentence, OwnsUpToWhatIsUndecided) {
  EXPECT_THAT(make_verdict_sentence({point("w8a8", KernelPath::kFused, Verdict::kUndecided)}),
              HasSubstr("Time undecided"));
  EXPECT_THAT(make_verdict_sentence({point("f16", KernelPath::kNone, {})}), HasSubstr("nothing to compare"));
}

TEST(Summary, ShowsRatioIntervalShareAndVerdict) {
  result::ResultFile file;
  file.sessions.emplace_back().device.type = DeviceType::kOther;
  file.sessions.back().hazards = {"governor unknown"};
  file.points = {point("f16", KernelPath::kNone, {}), point("w8a16-split", KernelPath::kSplit, Verdict::kTrap, 2)};
  const auto text = make_summary(file, "out.jsonl");
  EXPECT_THAT(text, HasSubstr("2.00 [1.95, 2.05]"));
  EXPECT_THAT(text, HasSubstr("30 %"));
  EXPECT_THAT(text, HasSubstr("time trap"));
  EXPECT_THAT(text, HasSubstr("anchor"));
  EXPECT_THAT(text, HasSubstr("file out.jsonl"));
  EXPECT_THAT(text, HasSubstr("governor unknown"));
}

TEST(Summary, ShowsEnergyAndWhatWasLostOfIt) {
  result::ResultFile file;
  file.sessions.emplace_back().device.type = DeviceType::kOther;
  file.sessions.back().meter.name = "nvml";
  file.sessions.back().meter.status = "ok";
  file.sessions.back().meter.method = "counter";
  auto split = point("w8a16-split", KernelPath::kSplit, Verdict::kTrap, 2);
  split.energy_gross_j = split.energy_per_token_j = 0.5;
  split.energy_method = EnergyMethod::kCounter;
  split.energy_status = EnergyStatus::kOk;
  split.energy_ratio = 1.2;
  split.energy_ratio_low = 1.1;
  split.energy_ratio_high = 1.3;
  split.verdict_energy = Verdict::kTrap;
  file.points = {point("f16", KernelPath::kNone, {}), split};
  result::TrialRecord lost;
  lost.energy_status = EnergyStatus::kTooShort;
  lost.energy_reason = "3 updates, 8 needed";
  lost.flags = {"throttled"};
  result::TrialRecord idle;
  idle.mode = result::TrialMode::kIdle;
  idle.phase = "idle";
  idle.energy_status = EnergyStatus::kOk;
  idle.wall_s = 2;
  idle.energy_gross_j = 100;
  result::TrialRecord after = idle;
  after.energy_gross_j = 120;
  file.trials = {idle, lost, after};
  const auto text = make_summary(file, "x");
  EXPECT_THAT(text, HasSubstr("1.20 [1.10, 1.30]"));
  EXPECT_THAT(text, HasSubstr("energy trap"));
  EXPECT_THAT(text, HasSubstr("1 of 3 energy windows lost (too_short 1)"));
  EXPECT_THAT(text, HasSubstr("50.0 to 60.0 W"));
  EXPECT_THAT(text, HasSubstr("throttled in 1 of 3 trials (flagged)"));
  split.energy_method = EnergyMethod::kEstimated;
  file.points[1] = split;
  EXPECT_THAT(make_summary(file, "x"), HasSubstr("~1.20")) << "an estimate is marked";
}

TEST(Summary, TellsWhyAPointFailed) {
  result::ResultFile file;
  auto failed = point("w8a8", KernelPath::kFused, {});
  failed.status = result::PointStatus::kError;
  failed.reason = "kernel build failed (x.cl)";
  file.points = {failed};
  EXPECT_THAT(make_summary(file, "x"), HasSubstr("w8a8: kernel build failed (x.cl)"));
}

TEST(Table, AlignsByWhatATerminalShowsAndPrintsAbsentValues) {
  const Table table{{{"a", "a"}, {"b", "b×"}, {"c", ""}},
                    {{std::string("é"), 1.5, true}, {std::string("long"), std::monostate{}, false}}};
  EXPECT_EQ(to_text(table), "a      b×\né     1.5\nlong    –\n");
}

TEST(Table, PrintsTheSameRowsAsJson) {
  const Table table{{{"a", "a"}, {"b", ""}}, {{std::string("x"), std::monostate{}}}};
  EXPECT_EQ(to_json(table), "[\n  {\n    \"a\": \"x\",\n    \"b\": null\n  }\n]\n");
}

TEST(Summary, SaysHowLooksEndedARun) {
  result::ResultFile file;
  file.points = {point("f16", KernelPath::kNone, {}), point("w8a8", KernelPath::kFused, Verdict::kTrap, 1.5)};
  file.points[1].ratio_confidence = 0.9975;
  file.sessions.emplace_back().device.type = DeviceType::kOther;
  file.end.emplace();
  EXPECT_THAT(make_summary(file, "f"), Not(HasSubstr("Stopped after")));
  auto& session = file.sessions[0];
  session.until_ratio = 1.05;
  session.until_error = 0.05;
  session.until_ratios = 12;
  session.until_looks = std::vector<double>{3, 4, 5};
  file.end->looks = std::vector<double>{3};
  file.end->stopped_by = result::LookStop::kDecided;
  EXPECT_THAT(make_summary(file, "f"),
              HasSubstr("Stopped after 3 of at most 5 sessions: every ratio is decided (error 5 % over 12 ratios and 3 "
                        "looks; ratios have intervals of 99.75 %)."));
  file.end->stopped_by = result::LookStop::kSeen;
  EXPECT_THAT(make_summary(file, "f"), HasSubstr("in every undecided ratio 1.05 would have been seen"));
}

}  // namespace
}  // namespace qtrap::report
