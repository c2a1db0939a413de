#include "report/compare.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/fit_text.hpp"
#include "report/plan_text.hpp"
#include "result/check.hpp"
#include "result/schema.hpp"
#include "support/schema_walk.hpp"

namespace qtrap::report {
namespace {

/// An imported file: f16 and w4a16-split of two models whose ratio is `ratio` at the small and 1 / ratio at the large.
NamedResult make_result(const std::string& name, const std::string& device, double ratio,
                        result::Workload workload = result::Workload::kDecoder) {
  NamedResult result{name, {}};
  for (int session = 0; session < 2; ++session) {
    result::SessionRecord record;
    record.session_id = name + std::to_string(session);
    record.origin = result::Origin::kImported;
    record.device.id = record.device.name = device;
    result.file.sessions.push_back(record);
    for (const auto& [model, params, own] : {std::tuple{"small", std::int64_t{1000000000}, ratio},
                                             std::tuple{"large", std::int64_t{8000000000}, 1 / ratio}}) {
      for (const char* scheme : {"f16", "w4a16-split"}) {
        result::PointRecord point;
        point.cell_id = model;
        point.point_id = record.session_id + model + scheme;
        point.workload = workload;
        point.model = model;
        point.params = params;
        point.layers = params / 50000000;
        point.scheme = scheme;
        point.path = point.scheme == "f16" ? KernelPath::kNone : KernelPath::kSplit;
        point.session_ids = {record.session_id};
        point.device_id = device;
        const double noise = 1 + 0.001 * session;
        point.time_s = 1e-12 * static_cast<double>(params) * (point.scheme == "f16" ? 1 : own * noise);
        result.file.points.push_back(point);
      }
    }
  }
  return result;
}

fit::ReportOptions quick() {
  fit::ReportOptions options;
  options.fit.replicates = 20;
  return options;
}

TEST(Compare, SetsDevicesSideBySideEachAgainstItsOwnAnchor) {
  const std::vector<NamedResult> results{make_result("a.jsonl", "GPU A", 1.5), make_result("b.jsonl", "GPU B", 0.9)};
  const Comparison comparison = compare_results(results, quick()).value();
  ASSERT_EQ(comparison.subjects.size(), 2U);
  EXPECT_EQ(comparison.subjects[0].label, "GPU A");
  ASSERT_EQ(comparison.points.size(), 4U);
  EXPECT_EQ(comparison.points[0].point.model, "small");
  EXPECT_EQ(comparison.points[0].subject, 0U);
  EXPECT_EQ(comparison.points[1].subject, 1U);
  EXPECT_NEAR(std::exp(comparison.points[0].time->log_ratio), 1.5, 0.01);
  EXPECT_NEAR(std::exp(comparison.points[1].time->log_ratio), 0.9, 0.01);
  EXPECT_EQ(comparison.points[0].time->verdict, fit::Verdict::kTrap);
  EXPECT_FALSE(comparison.points[0].energy);
  const std::string text = to_text(comparison);
  EXPECT_NE(text.find("workload decoder"), std::string::npos);
  EXPECT_NE(text.find("1.50 [1.4"), std::string::npos) << text;
  const auto json = nlohmann::json::parse(to_json(comparison));
  EXPECT_EQ(json["schema"], "qtrap.compare");
  EXPECT_EQ(json["points"].size(), 4U);
  EXPECT_EQ(json["points"][0]["time"]["by_session"].size(), 2U);
  EXPECT_TRUE(json["points"][0]["energy"].is_null());
  EXPECT_NEAR(json["points"][0]["cor_operational"].get<double>(), 0.5, 0.01);
  EXPECT_EQ(json["critical_scale"][0]["status"], "found");
  EXPECT_EQ(json["critical_scale"][0]["low"], 1e9) << "nobody looked between the two sizes";
  EXPECT_GT(json["critical_scale"][0]["n_star"], 1e9);
}

TEST(Compare, SaysWhatALoneSessionIsWorthAndHowTheRatioGoesAlongAChain) {
  NamedResult result = make_result("a.jsonl", "GPU A", 1.5);
  std::vector<result::PointRecord> longer = result.file.points;
  for (result::PointRecord& point : longer) {
    point.cell_id += "long";
    point.point_id += "long";
    point.hops = 4;
    *point.time_s *= point.scheme == "f16" ? 4 : 4 * 1.21;  // 1.1 per doubling
  }
  result.file.points.insert(result.file.points.end(), longer.begin(), longer.end());
  const Comparison both = compare_results(std::vector{result}, quick()).value();
  const std::string text = to_text(both);
  EXPECT_NE(text.find("ratio per doubling of hops"), std::string::npos);
  EXPECT_NE(text.find("1.10 [1."), std::string::npos) << text;
  const auto json = nlohmann::json::parse(to_json(both));
  ASSERT_EQ(json["hop_slopes"].size(), 2U);
  EXPECT_NEAR(json["hop_slopes"][0]["ratio_per_doubling"], 1.1, 1e-3);
  ASSERT_EQ(json["critical_hops"].size(), 2U);
  EXPECT_EQ(json["critical_hops"][0]["status"], "trapped_everywhere");
  EXPECT_LT(json["points"][0]["time"]["p_value"], 0.05);
  EXPECT_FALSE(json["points"][0]["time"]["flagged"]);

  std::erase_if(result.file.points, [](const auto& point) { return point.session_ids.front() == "a.jsonl1"; });
  const std::string alone = to_text(compare_results(std::vector{result}, quick()).value());
  EXPECT_NE(alone.find("1.50"), std::string::npos);
  EXPECT_NE(alone.find("no interval"), std::string::npos) << alone;
}

TEST(Compare, WritesEveryDocumentedKeyAndNoOther) {
  NamedResult result = make_result("a.jsonl", "GPU A", 1.5);
  std::vector<result::PointRecord> longer = result.file.points;
  for (result::PointRecord& point : longer) {
    point.cell_id += "long";
    point.point_id += "long";
    point.hops = 4;
  }
  result.file.points.insert(result.file.points.end(), longer.begin(), longer.end());
  for (result::PointRecord& point : result.file.points) {
    point.energy_gross_j = 200 * *point.time_s;
    point.energy_idle_j = 50 * *point.time_s;
    point.energy_status = EnergyStatus::kOk;
    point.energy_method = EnergyMethod::kIntegrated;
  }
  const std::string text = to_json(compare_results(std::vector{result}, quick()).value());
  EXPECT_THAT(test::find_differences({text}, result::make_compare_schema()), ::testing::IsEmpty());
  const auto report = result::check_text(text, "compare.json", "qtrap.compare");
  EXPECT_TRUE(report) << report.error().message();
}

TEST(Plan, WritesEveryDocumentedKeyAndNoOther) {
  PlanQuestion question;
  question.campaign = "c";
  question.size = {3, 5, 2};
  question.spread = {0.01, 0.05, 0, 0, 0};
  question.block_s = 2.0;
  const std::string text = to_json(question);
  EXPECT_THAT(test::find_differences({text}, result::make_plan_schema()), ::testing::IsEmpty());
  const auto report = result::check_text(text, "plan.json", "qtrap.plan");
  EXPECT_TRUE(report) << report.error().message();
}

TEST(Compare, TellsTwoFilesOfOneDeviceApart) {
  const std::vector<NamedResult> results{make_result("old.jsonl", "GPU", 1.5), make_result("new.jsonl", "GPU", 0.9)};
  const Comparison comparison = compare_results(results, quick()).value();
  EXPECT_EQ(comparison.subjects[0].label, "GPU (old)");
  EXPECT_EQ(comparison.subjects[1].label, "GPU (new)");
}

TEST(Compare, TellsTwoDriversOfOneBoardApart) {
  std::vector<NamedResult> results{make_result("old.jsonl", "gfx942", 1.5),
                                   make_result("new.jsonl", "gfx942:xnack-", 0.9)};
  for (NamedResult& result : results) {
    for (result::SessionRecord& session : result.file.sessions) session.device.board = "MI300X";
  }
  const Comparison comparison = compare_results(results, quick()).value();
  EXPECT_EQ(comparison.subjects[0].label, "MI300X (old)");
  EXPECT_EQ(comparison.subjects[1].label, "MI300X (new)");
}

TEST(Compare, TellsTwoDevicesOfOneNameInAFileApart) {
  NamedResult both = make_result("a.jsonl", "pci:01", 1.5);
  const NamedResult other = make_result("b.jsonl", "pci:02", 0.9);
  const auto add = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  add(both.file.sessions, other.file.sessions);
  add(both.file.points, other.file.points);
  for (result::SessionRecord& session : both.file.sessions) session.device.name = "GPU";
  const Comparison comparison = compare_results(std::vector{both}, quick()).value();
  ASSERT_EQ(comparison.subjects.size(), 2U);
  EXPECT_EQ(comparison.subjects[0].label, "GPU (pci:01)");
  EXPECT_EQ(comparison.subjects[1].label, "GPU (pci:02)");
}

TEST(Compare, RefusesByNameWhatCannotBeCompared) {
  const NamedResult good = make_result("a.jsonl", "GPU A", 1.5);
  EXPECT_EQ(
      compare_results(std::vector{good, make_result("b.jsonl", "GPU B", 1.5, result::Workload::kProjections)}, quick())
          .error()
          .message(),
      "b.jsonl cannot be compared with a.jsonl: other workload (projections and decoder): compare files of one "
      "workload");
  EXPECT_EQ(compare_results(std::vector{good, good}, quick()).error().message(),
            "a.jsonl holds a session that was given before (a.jsonl0): name each file once");
  NamedResult anchorless = make_result("c.jsonl", "GPU C", 1.5);
  std::erase_if(anchorless.file.points, [](const result::PointRecord& point) { return point.scheme == "f16"; });
  EXPECT_EQ(compare_results(std::vector{good, anchorless}, quick()).error().message(),
            "c.jsonl has no ratio to f16 (4 points): compare files that hold the anchor and another scheme");
}

TEST(FitText, SaysWhatItCannotFitAndPrintsTheRest) {
  const NamedResult result = make_result("a.jsonl", "GPU A", 1.5);
  const std::string text = make_fit_text(fit::make_fit_report(std::vector{result.file}, quick()).value());
  EXPECT_NE(text.find("Costs of time: none, for no window has counts of bytes, operations or launches."),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("Costs of energy: none, for "), std::string::npos);
  EXPECT_NE(text.find("1.50 [1.4"), std::string::npos) << text;
  EXPECT_NE(text.find("per layer"), std::string::npos);
  EXPECT_NE(text.find("B*: fewer than two sizes everywhere, so none."), std::string::npos);
  EXPECT_EQ(text.find("nan"), std::string::npos) << text;
}

}  // namespace
}  // namespace qtrap::report
