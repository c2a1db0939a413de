#include "campaign/resume.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "measure/ceilings/ceilings.hpp"
#include "program/device_cache.hpp"
#include "result/sample_records.hpp"
#include "support/temporary_folder.hpp"

namespace qtrap::campaign {
namespace {

using result::CacheBasis;
using result::SessionRecord;
using ::testing::HasSubstr;
namespace sample = result::sample;

result::ResultFile two_sessions() {
  result::ResultFile file;
  file.sessions = {sample::session("s0"), sample::session("s1")};
  return file;
}

TEST(Resume, ASessionOfTheSameExperimentMayJoin) {
  SessionRecord now = sample::session("new");
  now.started_utc = "2027-01-01T00:00:00.000Z";
  now.device.memory_bytes = 7;  // varies between processes on PoCL
  now.ceilings = {};
  const auto joined = check_resumable(two_sessions(), "f.jsonl", now);
  EXPECT_TRUE(joined) << joined.error().message();
}

struct Difference {
  const char* key;
  std::function<void(SessionRecord&)> change;
};

const Difference kDifferences[] = {
    {"origin", [](SessionRecord& s) { s.origin = result::Origin::kImported; }},
    {"campaign_sha256", [](SessionRecord& s) { s.campaign_sha256 = "0"; }},
    {"until_ratio", [](SessionRecord& s) { s.until_ratio.reset(); }},
    {"until_looks",
     [](SessionRecord& s) {
       s.until_looks = std::vector<double>{2, 3, 4};
     }},
    {"until_ratios", [](SessionRecord& s) { s.until_ratios = 6; }},
    {"until_spent",
     [](SessionRecord& s) {
       s.until_spent = std::vector<double>{0.02, 0.04};
     }},
    {"models_sha256", [](SessionRecord& s) { s.models_sha256 = "0"; }},
    {"seed", [](SessionRecord& s) { s.seed = 7; }},
    {"tool_version", [](SessionRecord& s) { s.tool_version = "9.9.9"; }},
    {"git_commit", [](SessionRecord& s) { s.git_commit.reset(); }},
    {"git_dirty", [](SessionRecord& s) { s.git_dirty = false; }},
    {"device.id", [](SessionRecord& s) { s.device.id = "pci:0000:05:00.0"; }},
    {"device.name", [](SessionRecord& s) { s.device.name = "another"; }},
    {"device.driver", [](SessionRecord& s) { s.device.driver = "another"; }},
    {"device.compute_units", [](SessionRecord& s) { s.device.compute_units = 1; }},
    {"device.kernel_family", [](SessionRecord& s) { s.device.kernel_family = result::KernelFamily::kCpu; }},
    {"kernels.variant", [](SessionRecord& s) { s.kernels.variant.reset(); }},
    {"kernels.source_sha256", [](SessionRecord& s) { s.kernels.source_sha256 = std::string(64, '0'); }},
    {"kernels.build_options", [](SessionRecord& s) { s.kernels.build_options = "-cl-fast-relaxed-math"; }},
    {"kernels.tuning_sha256", [](SessionRecord& s) { s.kernels.tuning_sha256.reset(); }},
    {"meter.name", [](SessionRecord& s) { s.meter.name = "none"; }},
    {"meter.board", [](SessionRecord& s) { s.meter.board = "another"; }},
    {"meter.delay_s", [](SessionRecord& s) { s.meter.delay_s = 1e-3; }},
    {"host.cpu", [](SessionRecord& s) { s.host.cpu = "another"; }},
    {"host.kernel", [](SessionRecord& s) { s.host.kernel.reset(); }},
    {"host.governor", [](SessionRecord& s) { s.host.governor = "powersave"; }},
};

TEST(Resume, ASessionOfAnotherExperimentIsRefusedByTheKeyThatDiffers) {
  for (const auto& [key, change] : kDifferences) {
    SessionRecord now = sample::session("new");
    change(now);
    const auto refused = check_resumable(two_sessions(), "f.jsonl", now);
    ASSERT_FALSE(refused) << key;
    EXPECT_EQ(refused.error().kind, ErrorKind::kUsage);
    EXPECT_THAT(refused.error().message(), HasSubstr(std::string("(") + key)) << refused.error().message();
  }
}

// run --refine: a campaign of its own in the same file. Device, kernels and all else must still be the same.
TEST(Resume, ACampaignThatRefinesAnotherMayJoinIt) {
  result::ResultFile file = two_sessions();
  SessionRecord now = sample::session("new");
  now.campaign_sha256 = "1";
  now.models_sha256 = "2";
  now.until_ratio.reset();
  EXPECT_FALSE(check_resumable(file, "f.jsonl", now));
  now.refines = file.sessions[0].campaign_sha256;
  EXPECT_TRUE(check_resumable(file, "f.jsonl", now));
  file.sessions[1].campaign_sha256 = "3";
  EXPECT_FALSE(check_resumable(file, "f.jsonl", now)) << "a stranger among them";
  file.sessions[1].refines = now.refines;
  EXPECT_TRUE(check_resumable(file, "f.jsonl", now));
  now.host.cpu = "another";
  EXPECT_FALSE(check_resumable(file, "f.jsonl", now));
}

// The sessions of a file may differ from each other: an edited file, or one written by an older program.
TEST(Resume, EverySessionOfTheFileIsLookedAt) {
  for (const auto& [key, change] : kDifferences) {
    result::ResultFile file = two_sessions();
    change(file.sessions[1]);
    EXPECT_FALSE(check_resumable(file, "f.jsonl", sample::session("new"))) << key;
  }
}

class ResumedLayers : public ::testing::Test {
 protected:
  Status check(std::optional<std::int64_t> layers, std::optional<std::int64_t> resident) {
    auto trial = sample::trial("c", 0, 1);
    trial.layers = layers;
    trial.resident_layers = resident;
    file_.trials.push_back(trial);
    return check_layers(file_, "f.jsonl", models_);
  }
  std::map<std::string, profile::ModelProfile> models_{{"qwen3-0.6b", [] {
                                                          profile::ModelProfile model;
                                                          model.name = "qwen3-0.6b";
                                                          model.layers = 4;
                                                          return model;
                                                        }()}};
  result::ResultFile file_;
};

TEST_F(ResumedLayers, ThatFitTheModelAreTaken) {
  EXPECT_TRUE(check(4, 2));
  EXPECT_TRUE(check(4, 2));
  EXPECT_TRUE(check(std::nullopt, std::nullopt));
}

TEST_F(ResumedLayers, OutsideTheModelAreRefused) {
  for (const auto& [layers, resident] : {std::pair{4, 0}, {4, 5}, {5, 5}, {0, 0}, {2, 3}}) {
    file_.trials.clear();
    EXPECT_FALSE(check(layers, resident)) << layers << " " << resident;
  }
}

TEST_F(ResumedLayers, ThatDifferBetweenTrialsAreRefused) {
  EXPECT_TRUE(check(4, 2));
  EXPECT_THAT(check(4, 3).error().message(), HasSubstr("held different numbers of layers (2 and 3)"));
}

TEST(Resume, WallTimeOfAKilledRunIsThatOfItsTrials) {
  result::ResultFile file = two_sessions();
  file.trials = {sample::trial("c", 0, 2), sample::trial("c", 1, 2)};  // 2 s each
  EXPECT_EQ(compute_earlier_wall_s(file), 4.0);
  file.end = sample::end();
  EXPECT_EQ(compute_earlier_wall_s(file), 3.5);
}

TEST(Resume, TheCacheIsWhatTheFirstSessionSays) {
  const measure::CacheKnee knee{50 << 20, 32 << 20, 64 << 20};
  const measure::CacheFindings all[] = {{50 << 20, CacheBasis::kMeasured, "no word", knee, {}, {}},
                                        {6 << 20, CacheBasis::kDriver, "no knee", {}, {}, 6 << 20},
                                        {0, CacheBasis::kNone, "no one says", {}, {}, {}}};
  for (const auto& found : all) {
    SessionRecord session = sample::session("s0");
    session.ceilings = {};
    EXPECT_FALSE(program::recall_cache(session).has_value());
    measure::set_cache(found, session.ceilings);
    EXPECT_EQ(program::recall_cache(session), found);
  }
}

TEST(Resume, AFileIsOpenedOnceAndReadFromTheLockedDescriptor) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "r.jsonl";
  ASSERT_TRUE(write_file(path, sample::file_text(), false).ok());
  const auto opened = open_for_resume(path.string());
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_EQ(opened.value().records.sessions.size(), 2U);
  if (opened.value().file.locked()) {
    EXPECT_THAT(open_for_resume(path.string()).error().message(), HasSubstr("in use by another run"));
  }
  EXPECT_EQ(read_file(path).value(), sample::file_text());
}

}  // namespace
}  // namespace qtrap::campaign
