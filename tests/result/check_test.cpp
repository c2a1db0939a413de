#include "result/check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <tuple>

#include "result/file_fields.hpp"
#include "result/sample_records.hpp"
#include "support/golden.hpp"
#include "table/codec.hpp"

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
  EXPECT_EQ(report.value().summary, "result 1.8: 2 sessions, 4 trials, 1 points (1 ok, 0 failed), complete");
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
      {[](PointRecord& p) { p.phase_cast_j_status = EnergyStatus::kOk; },
       "point p: `phase_cast_j` and its status disagree (ok): `ok` comes with a value, every other status with null"},
      {[](PointRecord& p) { p.time_s = p.time_s_low = p.time_s_high = std::nullopt; },
       "point p: a point with status ok has no time (time_s): give the time or another status"},
      {[](PointRecord& p) { p.status = PointStatus::kError; },
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
  trial.energy_status = EnergyStatus::kOk;
  EXPECT_THAT(check(sample::line(sample::session()) + sample::line(trial)).error().message(),
              HasSubstr("a trial of cell c: `energy_gross_j` and its status disagree"));
}

TEST_F(CheckFile, RefusesWhatIsNoFileOfQtrap) {
  const std::pair<const char*, const char*> cases[] = {
      {"", " is not valid JSON at column 1: it ends too early"},
      {"hello", " is not valid JSON at column 1 (hello): correct the text there"},
      {"{\n \"schema\": \"qtrap.fit\",\n", " is not valid JSON at line 3, column 1: it ends too early"},
      {"[]",
       " has no `schema` ([]): give a file with schema qtrap.model, qtrap.campaign, qtrap.tuning, qtrap.import, "
       "qtrap.result, qtrap.fit, qtrap.compare, qtrap.plan"},
      {R"({"schema": 7})",
       " has an unknown `schema` (7): use qtrap.model, qtrap.campaign, qtrap.tuning, qtrap.import, "
       "qtrap.result, "
       "qtrap.fit, qtrap.compare, qtrap.plan"},
      {R"({"schema": "other"})",
       " has an unknown `schema` (\"other\"): use qtrap.model, qtrap.campaign, qtrap.tuning, qtrap.import, "
       "qtrap.result, qtrap.fit, qtrap.compare, qtrap.plan"},
      {"\xff{}", " is not UTF-8: save it as UTF-8 text"},
  };
  for (const auto& [text, message] : cases) {
    const auto report = check(text);
    ASSERT_FALSE(report) << text;
    EXPECT_EQ(report.error().message(), std::string("f") + message);
    EXPECT_EQ(report.error().kind, ErrorKind::kUsage);
  }
  EXPECT_THAT(check(R"({"schema": "qtrap.model"})").error().message(),
              StartsWith("not a file of this program's output (qtrap.model)"));
}

void add_critical_sizes(FitFile& fit) {
  fit.critical_scale = {{"d",
                         "w4a16-split",
                         "qwen",
                         1,
                         4,
                         4,
                         0,
                         Phase::kPrefill,
                         Quantity::kTime,
                         CriticalStatus::kFound,
                         4e9,
                         3e9,
                         5e9,
                         CriticalMethod::kInterpolated,
                         {6e8, 8e9},
                         {},
                         {}}};
  fit.critical_batch = {{"d",
                         "w4a16-split",
                         "qwen3-0.6b",
                         4,
                         4,
                         0,
                         Phase::kDecode,
                         Quantity::kTime,
                         CriticalStatus::kNotIdentified,
                         {},
                         {},
                         {},
                         {},
                         {1, 8},
                         {},
                         {}}};
  fit.critical_hops = {{{"d",
                         "w4a16-split",
                         "qwen3-0.6b",
                         1,
                         4,
                         0,
                         Phase::kDecode,
                         Quantity::kTime,
                         CriticalStatus::kFound,
                         3,
                         2,
                         4,
                         CriticalMethod::kInterpolated,
                         {1, 8}}}};
}

FitFile sample_fit() {
  FitFile fit;
  fit.sessions = {"s0", "s1"};
  fit.time.status = FitStatus::kOk;
  fit.time.form = Form::kRoofline;
  fit.time.coefficients = {{"tau_launch", "s", 4e-6, 3e-6, 5e-6, true, 1.5}, {"tau_sync", "s", {}, {}, {}, false, {}}};
  fit.time.rows = 24;
  fit.time.residual_by_scheme = {{"f16", -0.01}, {"w4a8", 0.02}};
  fit.energy.reason = "no energy meter";
  add_critical_sizes(fit);
  fit.paper_view = {{"p", "d", "qwen3-0.6b", "w4a8", 1, Phase::kDecode, 2.0, 1.5, {}, 0.96}};
  fit.paper_view_summary = {1, 0};
  VerdictEntry verdict;
  verdict.ratio = 1.2;
  verdict.low = 1.1;
  verdict.high = 1.3;
  verdict.interval_basis = Basis::kSessions;
  verdict.sessions = 2;
  verdict.verdict = Verdict::kTrap;
  fit.verdict_map = {verdict};
  Attribution point;
  point.measured = 2;
  point.shares.bytes = 0.75;
  point.shares.unexplained = 0.25;
  point.ratio = IntervalValue{1.2, 1.1, 1.3};
  point.deciding_term = "cast pass";
  point.deciding_kind = DecidingKind::kPath;
  fit.attribution = {point};
  Scaling scaling;
  scaling.per_layer = Coefficient{"layers", "s/layer", 1.0, 0.5, 1.5, true, {}, {}};
  scaling.per_param = Coefficient{"params", "s/param", {}, {}, {}, false, {}, "two models"};
  fit.scaling = {scaling};
  DeviceBalance balance;
  balance.model = "stencil";
  balance.scheme = "f16-software-cast";
  balance.reference = "f32";
  balance.basis = RateBasis::kNominal;
  balance.devices = 40;
  balance.vendors = 2;
  balance.flop_per_byte_least = 2;
  balance.flop_per_byte_most = 100;
  balance.median_ratio = 0.6;
  balance.rank_correlation = -0.6;
  balance.rank_correlation_low = -0.7;
  balance.rank_correlation_high = -0.5;
  balance.status = CriticalStatus::kFound;
  balance.threshold = 12;
  balance.low = 9;
  balance.high = 14;
  balance.floor_ratio = 0.5;
  balance.floor_ratio_low = 0.4;
  balance.floor_ratio_high = 0.6;
  balance.vendors_left_out = {{"A", 30, 0.2, 0.3}, {"B", 10, 0.3, 0.3}};
  balance.confidence = 0.95;
  fit.device_balance = {balance};
  return fit;
}

TEST_F(CheckFile, SaysWhatAGoodFitHolds) {
  const std::string text = to_fit_json(sample_fit()).value();
  test::expect_golden("tests/result/golden/fit.json", text);
  EXPECT_TRUE(parse_fit(text, "f").value() == sample_fit());
  const auto report = check(text);
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report.value().summary,
            "fit 1.2: 2 sessions, time ok, energy no_data, 1 critical scales, 1 critical batches");
}

TEST_F(CheckFile, RefusesFitsWhoseFieldsContradictEachOther) {
  const std::pair<std::function<void(FitFile&)>, const char*> cases[] = {
      {[](FitFile& f) { f.energy.reason.reset(); }, "energy: status and reason disagree (no_data)"},
      {[](FitFile& f) { f.time.coefficients[0].low = 1.0; }, "time.coefficients[0]: an interval is upside down"},
      {[](FitFile& f) { f.time.coefficients[1].value = 1.0; },
       "time.coefficients[1]: a coefficient has a value exactly when it is identified (tau_sync)"},
      {[](FitFile& f) { f.critical_scale[0].n_star.reset(); }, "critical_scale[0]: status and value disagree (found)"},
      {[](FitFile& f) { f.critical_batch[0].low = 1.0; },
       "critical_batch[0]: status and interval disagree (not_identified)"},
      {[](FitFile& f) { f.critical_scale[0].n_star = 9e9; }, "critical_scale[0]: `n_star` lies outside its interval"},
      {[](FitFile& f) { f.critical_scale[0].low = -1.0; }, "critical_scale[0]: `low` is out of range (-1)"},
      {[](FitFile& f) { f.verdict_map[0].verdict = Verdict::kNoTrap; },
       "verdict_map[0]: `verdict` contradicts its interval (no_trap with 1.1 to 1.3)"},
      {[](FitFile& f) { f.verdict_map[0].interval_basis = Basis::kBlocks; },
       "verdict_map[0]: `verdict` decides without two sessions (trap over blocks)"},
      {[](FitFile& f) { f.verdict_map[0].sessions = 1; }, "verdict_map[0]: `verdict` decides without two sessions"},
      {[](FitFile& f) { f.verdict_map[0].ratio = 1.4; }, "verdict_map[0]: `ratio` lies outside its interval"},
      {[](FitFile& f) { f.verdict_map[0].p_value = 1.5; }, "verdict_map[0]: `p_value` is out of range (1.5)"},
      {[](FitFile& f) { f.attribution[0].measured = -1; }, "attribution[0]: `measured` is out of range (-1)"},
      {[](FitFile& f) { f.attribution[0].shares.cast = 0.5; }, "attribution[0]: the shares do not sum to 1 (1.5)"},
      {[](FitFile& f) { f.attribution[0].ratio->low = 3; }, "attribution[0].ratio: an interval is upside down"},
      {[](FitFile& f) { f.attribution[0].deciding_term.reset(); },
       "attribution[0]: `deciding_kind` stands without a term (path)"},
      {[](FitFile& f) { f.scaling[0].reason = "two models"; }, "scaling[0]: costs and reason disagree (two models)"},
      {[](FitFile& f) { f.device_balance[0].threshold.reset(); },
       "device_balance[0]: status and value disagree (found)"},
      {[](FitFile& f) { f.device_balance[0].high.reset(); }, "device_balance[0]: status and interval disagree (found)"},
      {[](FitFile& f) { f.device_balance[0].threshold = 20; },
       "device_balance[0]: `threshold` lies outside its interval"},
      {[](FitFile& f) { f.device_balance[0].rank_correlation_low = -1.5; },
       "device_balance[0]: `rank_correlation_low` is out of range (-1.5)"},
      {[](FitFile& f) { f.device_balance[0].floor_ratio.reset(); },
       "device_balance[0]: `floor_ratio` has an interval and no value"},
      {[](FitFile& f) { f.device_balance[0].vendors = 41; }, "device_balance[0]: more vendors than devices (41 of 40)"},
      {[](FitFile& f) { f.device_balance[0].vendors_left_out[0].law_error = -1; },
       "device_balance[0].vendors_left_out[0]: `law_error` is out of range (-1)"},
      {[](FitFile& f) { f.paper_view_summary.sign_disagreements = 2; },
       "paper_view_summary: more disagreements than points compared (2 of 1)"},
      {[](FitFile& f) { f.paper_view[0].energy_tdp_j = -2; }, "paper_view[0]: `energy_tdp_j` is out of range (-2)"},
  };
  for (const auto& [change, message] : cases) {
    FitFile fit = sample_fit();
    change(fit);
    const auto report = check(to_fit_json(fit).value());
    ASSERT_FALSE(report) << message;
    EXPECT_THAT(report.error().message(), StartsWith(std::string("f: ") + message));
  }
}

CompareFile sample_compare() {
  CompareFile file;
  file.workload = Workload::kDecoder;
  file.subjects = {{"GPU", "a.jsonl", Origin::kMeasured, "d", "GPU", "1.0", 2}};
  ComparedPoint point;
  point.label = "GPU";
  point.time = ComparedRatio{1.2, 1.1, 1.3, Basis::kSessions, 3, 0.01, 1.1, false, Verdict::kTrap, {1.19, 1.21}};
  file.points = {point};
  return file;
}

PlanFile sample_plan() {
  PlanFile plan;
  plan.campaign = "c";
  plan.sessions_needed = 3;
  plan.forecasts = {{2, 0.2, 1.3}, {3, 0.1, 1.05}};
  return plan;
}

TEST_F(CheckFile, SaysWhatAGoodCompareAndAGoodPlanHold) {
  const auto compare = check(table::write_document(sample_compare()).value());
  ASSERT_TRUE(compare) << compare.error().message();
  EXPECT_EQ(compare.value().summary, "compare 1.1: 1 subjects, 1 points, 0 critical scales, 0 critical batches");
  const auto plan = check(table::write_document(sample_plan()).value());
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan.value().summary, "plan 1.0 of campaign c, 2 forecasts");
}

TEST_F(CheckFile, RefusesComparesAndPlansWhoseFieldsContradictEachOther) {
  const std::pair<std::function<void(CompareFile&)>, const char*> compares[] = {
      {[](CompareFile& f) { f.points[0].time->by_session.pop_back(); },
       "f: points[0].time: `verdict` decides without two sessions (trap over sessions)"},
      {[](CompareFile& f) { f.points[0].time->low = 0.9; }, "f: points[0].time: `verdict` contradicts its interval"},
      {[](CompareFile& f) { f.points[0].time->flagged = true; },
       "f: points[0].time: `verdict` decides on flagged values (trap)"},
      {[](CompareFile& f) { f.points[0].subject = 1; },
       "f: points[0]: `subject` and `label` name no subject of the file (1, GPU): `subjects` has 1"},
      {[](CompareFile& f) { f.schema_version = "2.0"; }, "f: the schema_version is newer than this program (2.0)"},
  };
  for (const auto& [change, message] : compares) {
    CompareFile file = sample_compare();
    change(file);
    const auto report = check(table::write_document(file).value());
    ASSERT_FALSE(report) << message;
    EXPECT_THAT(report.error().message(), StartsWith(message));
  }
  const std::pair<std::function<void(PlanFile&)>, const char*> plans[] = {
      {[](PlanFile& p) { p.sessions_needed = 4; }, "f: `sessions_needed` is not among the forecasts (4)"},
      {[](PlanFile& p) { p.block_s = -1.0; }, "f: `block_s` is out of range (-1)"},
      {[](PlanFile& p) { p.forecasts[1].detectable = 0.5; }, "f: forecasts[1]: `detectable` is out of range (0.5)"},
  };
  for (const auto& [change, message] : plans) {
    PlanFile plan = sample_plan();
    change(plan);
    const auto report = check(table::write_document(plan).value());
    ASSERT_FALSE(report) << message;
    EXPECT_THAT(report.error().message(), StartsWith(message));
  }
}

TEST_F(CheckFile, NamesThePlaceOfAWrongKeyInAFit) {
  const std::string good = to_fit_json(sample_fit()).value();
  const std::tuple<std::string, std::string, const char*> cases[] = {
      {"\"interval_basis\": \"sessions\"", "\"interval_basis\": \"blocs\"",
       "f: `verdict_map[0].interval_basis` is not in its closed list (blocs): use none, blocks, sessions, imported"},
      {"\"measured\": 2.0,", "", "f: a key is missing (attribution[0].measured): add it: of a chain"},
      {"\"unexplained\": 0.25", "\"unexplained\": \"much\"",
       "f: `attribution[0].shares.unexplained` has the wrong type (\"much\"): give a number"},
  };
  for (const auto& [from, to, message] : cases) {
    std::string text = good;
    ASSERT_NE(text.find(from), std::string::npos) << from;
    text.replace(text.find(from), from.size(), to);
    const auto report = check(text);
    ASSERT_FALSE(report) << message;
    EXPECT_THAT(report.error().message(), StartsWith(message));
  }
}

TEST_F(CheckFile, ReadsAFitOfBeforeVersion11) {
  std::string text = to_fit_json(sample_fit()).value();
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(text);
  for (const char* key : {"critical_hops", "critical_scale_other", "verdict_map", "attribution", "scaling", "pareto",
                          "seed", "devices", "hop_slopes", "paper_view_summary"})
    json.erase(key);
  json["time"].erase("forms");
  json["schema_version"] = "1.0";
  const auto report = check(json.dump());
  EXPECT_TRUE(report) << report.error().message();
}

TEST_F(CheckFile, RefusesAFitOfANewerMajorVersion) {
  FitFile fit = sample_fit();
  fit.schema_version = "2.0";
  EXPECT_THAT(check(to_fit_json(fit).value()).error().message(),
              StartsWith("f: the schema_version is newer than this program (2.0)"));
}

}  // namespace
}  // namespace qtrap::result
