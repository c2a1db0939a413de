// What a run goes on without after a worker died, by where the worker was.
#include "campaign/losses.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "campaign/progress_line.hpp"
#include "program/process.hpp"

namespace qtrap::campaign {
namespace {

using device::Step;
using Kind = Losses::Kind;
using ::testing::ElementsAre;

measure::Progress at(std::string activity, std::string running, Step step = {}) {
  measure::Progress progress;
  progress.cell_id = "tiny/b1/h1/t1/c0";
  progress.activity = std::move(activity);
  progress.running = std::move(running);
  progress.step = std::move(step);
  return progress;
}

std::vector<std::string> arguments(const Losses& losses) {
  std::vector<std::string> all;
  losses.add_arguments(all);
  return all;
}

TEST(Losses, ADeadCompilerFirstBuildsKernelsApartThenAvoidsTheKernel) {
  Losses losses("");
  const auto build = at("builds", "w8a8", {Step::Kind::kBuild, "gemv_i8_i8_gpu", "matmul/gemv_gpu.cl"});
  EXPECT_EQ(losses.take(build, "why"), Kind::kKernel);
  EXPECT_THAT(arguments(losses), ElementsAre("--alone"));
  EXPECT_EQ(losses.take(build, "why"), Kind::kKernel);
  EXPECT_THAT(arguments(losses), ElementsAre("--alone", "--avoid", "gemv_i8_i8_gpu=why"));
  EXPECT_EQ(losses.take(build, "why"), Kind::kNothingNew) << "another worker would die of it too";
}

TEST(Losses, AFastKernelThatFailsToRunIsAvoidedAndAPlainOneCostsItsScheme) {
  Losses losses("");
  EXPECT_EQ(losses.take(at("warm-up w8a8", "w8a8", {Step::Kind::kLaunch, "gemm_i8_i8_gpu_mma", ""}), "why"),
            Kind::kKernel);
  EXPECT_EQ(losses.take(at("warm-up w8a8", "w8a8", {Step::Kind::kLaunch, "gemm_i8_i8_gpu", ""}), "why"), Kind::kScheme);
  EXPECT_THAT(arguments(losses), ElementsAre("--avoid", "gemm_i8_i8_gpu_mma=why", "--lost", "tiny/b1/h1/t1/c0/w8a8"));
  EXPECT_EQ(losses.take(at("block 1, w8a8", "w8a8"), "why"), Kind::kNothingNew);
}

TEST(Losses, AVariantThatTheUserDemandsHasNothingToFallBackOn) {
  Losses losses("mma");
  EXPECT_EQ(losses.take(at("warm-up w8a8", "w8a8", {Step::Kind::kLaunch, "gemm_i8_i8_gpu_mma", ""}), "why"),
            Kind::kScheme);
}

TEST(Losses, WhatItsSchemesShareCostsTheCellAndStepsOutsideCellsAreLeftOutOnce) {
  for (const char* shared : {measure::kWeights, measure::kActivations}) {
    Losses losses("");
    EXPECT_EQ(losses.take(at(shared, ""), "why"), Kind::kCell);
    EXPECT_EQ(losses.take(at(shared, ""), "why"), Kind::kNothingNew);
  }
  Losses losses("");
  EXPECT_EQ(losses.take(at("ceilings", ""), "why"), Kind::kActivity);
  EXPECT_EQ(losses.take(at("ceilings", ""), "why"), Kind::kNothingNew);
  EXPECT_EQ(losses.take({}, "why"), Kind::kNothingNew) << "it died before it said what it does";
}

TEST(Progress, ComesOutOfItsTextAsItWentIn) {
  measure::Progress progress = at("block 3, w8a8", "w8a8", {Step::Kind::kBuild, "gemv_i8_i8_gpu", "a = b, c"});
  progress.session_index = 2;
  progress.cell = 4;
  progress.cells = 9;
  progress.expected_s = 12.5;
  progress.scheme = "w4a8";
  progress.ratio = 0.75;
  progress.relative_half_width = 0.01;
  progress.elapsed_s = 3;
  progress.budget_s = 60;
  const measure::Progress back = decode_progress(encode_progress(progress));
  EXPECT_EQ(encode_progress(back), encode_progress(progress));
  EXPECT_EQ(back.step.words(), "build of gemv_i8_i8_gpu (a = b, c)");
  EXPECT_EQ(back.expected_s, 12.5);
  EXPECT_FALSE(decode_progress(encode_progress({})).relative_half_width.has_value());
  EXPECT_EQ(decode_progress("").cells, 0U);
}

TEST(ProcessEnd, IsWorded) {
  EXPECT_THAT((program::ProcessEnd{0, 9, 0, ""}).words(), ::testing::HasSubstr("memory ran out"));
  EXPECT_THAT((program::ProcessEnd{0, 25, 0, ""}).words(), ::testing::HasSubstr("SIGXFSZ (its limit of file size"));
  EXPECT_EQ((program::ProcessEnd{3, 0, 0, ""}).words(), "exited with 3");
  EXPECT_THAT((program::ProcessEnd{0, 6, 0, "LLVM ERROR"}).words(),
              ::testing::EndsWith("; its last words: LLVM ERROR"));
  EXPECT_THAT((program::ProcessEnd{0, 9, 30, ""}).words(), ::testing::StartsWith("gave no sign of life for 30 s"));
}

}  // namespace
}  // namespace qtrap::campaign
