#include "result/check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "result/fit_file.hpp"
#include "result/sample_records.hpp"
#include "support/golden.hpp"

namespace qtrap::result {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class CheckFile : public ::testing::Test {
 protected:
  static Result<CheckReport> check(std::string_view text) {
    const auto schema = detect_schema(text, "f");
    if (!schema) return schema.error();
    return check_text(text, "f", schema.value());
  }
};

TEST_F(CheckFile, SaysWhatAGoodResultHolds) {
  const auto report = check(sample::file_text());
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report.value().schema, "qtrap.result");
  EXPECT_EQ(report.value().summary, "result 1.3: 2 sessions, 4 trials, 1 points (1 ok, 0 failed), complete");
}

TEST_F(CheckFile, AcceptsAFileCutAnywhereAfterItsFirstLine) {
  const std::string text = sample::file_text();
  for (std::size_t cut = sample::line(sample::session()).size(); cut < text.size(); cut += 97) {
    const auto report = check(text.substr(0, cut));
    ASSERT_TRUE(report) << cut << ": " << report.error().message();
    EXPECT_THAT(report.value().summary, HasSubstr("unfinished"));
  }
}

struct BadPoint {
  std::function<void(PointRecord&)> change;
  const char* message;  ///< after the path
};

TEST_F(CheckFile, RefusesPointsWhoseFieldsContradictEachOther) {
  const BadPoint cases[] = {
      {[](PointRecord& p) { p.time_s_low = 3.0; },
       "point p: an interval is upside down (time_s_low 3 > 2.5): the low end comes first"},
      {[](PointRecord& p) { p.time_ratio_low = 1.0; },
       "point p: an interval has one end only (time_ratio_low): give `time_ratio_low` and `time_ratio_high` or "
       "neither"},
      {[](PointRecord& p) { p.energy_gross_j = 1.0; },
       "point p: `energy_gross_j` and its status disagree (no_meter): `ok` comes with a value, every other status with "
       "null"},
      {[](PointRecord& p) { p.phase_cast_j_status = "ok"; },
       "point p: `phase_cast_j` and its status disagree (ok): `ok` comes with a value, every other status with null"},
      {[](PointRecord& p) { p.time_s = p.time_s_low = p.time_s_high = std::nullopt; },
       "point p: a point with status ok has no time (time_s): give the time or another status"},
      {[](PointRecord& p) { p.status = "error"; },
       "point p: a point that is not ok gives no reason (error): say why in `reason`"},
      {[](PointRecord& p) { p.trials_flagged = 4; },
       "point p: more trials flagged than made (4 of 3): flagged trials are counted in `trials`"},
      {[](PointRecord& p) { p.sessions = 2; },
       "point p: `sessions` is not the number of session_ids (2): session_ids has 1"},
      {[](PointRecord& p) { p.session_ids = {"s7"}; },
       "point p: a session of the point is not in the file (s7): its session record must be there"},
  };
  for (const BadPoint& bad : cases) {
    PointRecord point = sample::point("p");
    bad.change(point);
    const auto report = check(sample::line(sample::session()) + sample::line(point));
    ASSERT_FALSE(report) << bad.message;
    EXPECT_EQ(report.error().message(), std::string("f line 2: ") + bad.message);
  }
}

TEST_F(CheckFile, RefusesAChangedCampaignAWrongCountAndATrialWithoutItsEnergy) {
  SessionRecord session = sample::session();
  session.campaign_json = R"({"name":"another"})";
  EXPECT_THAT(check(sample::line(session)).error().message(), HasSubstr("campaign_sha256 does not match its campaign"));
  session = sample::session();
  session.ceilings.read_bytes_per_s_high = 0.5;
  EXPECT_THAT(check(sample::line(session)).error().message(),
              HasSubstr("session s0 ceilings: an interval is upside down"));
  EndRecord end = sample::end();
  end.points_ok = 2;
  EXPECT_THAT(
      check(sample::line(sample::session()) + sample::line(sample::point("p")) + sample::line(end)).error().message(),
      EndsWith("the counts of points are wrong (2 ok, 0 failed): the file holds 1 ok and 0 failed"));
  TrialRecord trial = sample::trial("c", 0, 1);
  trial.energy_status = "ok";
  EXPECT_THAT(check(sample::line(sample::session()) + sample::line(trial)).error().message(),
              HasSubstr("a trial of cell c: `energy_gross_j` and its status disagree"));
}

TEST_F(CheckFile, RefusesWhatIsNoFileOfQtrap) {
  const std::pair<const char*, const char*> cases[] = {
      {"", " is not valid JSON at column 1: it ends too early"},
      {"hello", " is not valid JSON at column 1 (hello): correct the text there"},
      {"{\n \"schema\": \"qtrap.fit\",\n", " is not valid JSON at line 3, column 1: it ends too early"},
      {"[]",
       " has no `schema` (an array): give a file with schema qtrap.model, qtrap.campaign, qtrap.tuning, qtrap.import, "
       "qtrap.result, "
       "qtrap.fit"},
      {R"({"schema": 7})",
       " has an unknown `schema` (7): use qtrap.model, qtrap.campaign, qtrap.tuning, qtrap.import, qtrap.result, "
       "qtrap.fit"},
      {R"({"schema": "other"})",
       " has an unknown `schema` (\"other\"): use qtrap.model, qtrap.campaign, qtrap.tuning, qtrap.import, "
       "qtrap.result, qtrap.fit"},
      {"\xff{}", " is not UTF-8: save it as UTF-8 text"},
  };
  for (const auto& [text, message] : cases) {
    const auto report = check(text);
    ASSERT_FALSE(report) << text;
    EXPECT_EQ(report.error().message(), std::string("f") + message);
    EXPECT_EQ(report.error().kind, ErrorKind::kUsage);
  }
  EXPECT_THAT(check(R"({"schema": "qtrap.model"})").error().message(),
              StartsWith("not a result or fit file (qtrap.model)"));
}

FitFile sample_fit() {
  FitFile fit;
  fit.sessions = {"s0", "s1"};
  fit.time.status = "ok";
  fit.time.form = "max";
  fit.time.coefficients = {{"tau_launch", "s", 4e-6, 3e-6, 5e-6, true, 1.5}, {"tau_sync", "s", {}, {}, {}, false, {}}};
  fit.time.rows = 24;
  fit.time.residual_by_scheme = {{"f16", -0.01}, {"w4a8", 0.02}};
  fit.energy.reason = "no energy meter";
  fit.critical_scale = {
      {"d", "w4a16-split", "qwen", 1, 4, 4, 0, "time", "found", 4e9, 3e9, 5e9, "interpolated", {6e8, 8e9}, {}, {}}};
  fit.critical_batch = {
      {"d", "w4a16-split", "qwen3-0.6b", 4, 4, 0, "time", "not_identified", {}, {}, {}, {}, {1, 8}, {}, {}}};
  fit.critical_hops = {{{"d", "w4a16-split", "qwen3-0.6b", 1, 4, 0, "time", "found", 3, 2, 4, "interpolated", {1, 8}}}};
  fit.paper_view = {{"p", "d", "qwen3-0.6b", "w4a8", 1, 2.0, 1.5, {}, 0.96}};
  return fit;
}

TEST_F(CheckFile, SaysWhatAGoodFitHolds) {
  const std::string text = to_fit_json(sample_fit()).value();
  test::expect_golden("tests/result/golden/fit.json", text);
  EXPECT_TRUE(parse_fit(text, "f").value() == sample_fit());
  const auto report = check(text);
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report.value().summary,
            "fit 1.1: 2 sessions, time ok, energy no_data, 1 critical scales, 1 critical batches");
}

TEST_F(CheckFile, RefusesFitsWhoseFieldsContradictEachOther) {
  const std::pair<std::function<void(FitFile&)>, const char*> cases[] = {
      {[](FitFile& f) { f.energy.reason.reset(); }, "energy: status and reason disagree (no_data)"},
      {[](FitFile& f) { f.time.coefficients[0].low = 1.0; }, "time coefficient tau_launch: an interval is upside down"},
      {[](FitFile& f) { f.time.coefficients[1].value = 1.0; },
       "time: a coefficient has a value exactly when it is identified (tau_sync)"},
      {[](FitFile& f) { f.critical_scale[0].n_star.reset(); },
       "critical value of w4a16-split on d: status and value disagree (found)"},
      {[](FitFile& f) { f.critical_batch[0].low = 1.0; },
       "critical value of w4a16-split on d: status and interval disagree (not_identified)"},
  };
  for (const auto& [change, message] : cases) {
    FitFile fit = sample_fit();
    change(fit);
    const auto report = check(to_fit_json(fit).value());
    ASSERT_FALSE(report) << message;
    EXPECT_THAT(report.error().message(), StartsWith(std::string("f: ") + message));
  }
}

TEST_F(CheckFile, RefusesAFitOfANewerMajorVersion) {
  FitFile fit = sample_fit();
  fit.schema_version = "2.0";
  EXPECT_THAT(check(to_fit_json(fit).value()).error().message(),
              StartsWith("the file's schema_version is newer than this program (2.0)"));
}

}  // namespace
}  // namespace qtrap::result
