// The fit file out of a report, as text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>
#include <limits>
#include <nlohmann/json.hpp>

#include "fit/file/fit_report.hpp"
#include "fit/synthetic.hpp"
#include "result/check.hpp"
#include "result/schema.hpp"
#include "support/schema_walk.hpp"

namespace qtrap::fit {
namespace {

Result<std::string> to_text(const fit::FitReport& report) { return result::to_fit_json(to_fit_file(report)); }

ReportOptions quick() {
  ReportOptions options;
  options.fit.replicates = 5;
  return options;
}

fit::FitReport make_report() {
  fit::synthetic::Options campaign;
  campaign.energy = true;
  campaign.sessions = 3;
  fit::ReportOptions options;
  options.fit.replicates = 20;
  options.fit.static_power = fit::StaticPower{60, 4};
  options.tdp_w = 300;
  return fit::make_fit_report(fit::synthetic::make_campaign(campaign), options).value();
}

TEST(FitJson, HoldsTheKeysOfTheContractAndIsReadBack) {
  const std::string text = to_text(make_report()).value();
  const nlohmann::json json = nlohmann::json::parse(text);
  EXPECT_EQ(json["schema"], "qtrap.fit");
  for (const char* key : {"sessions", "time", "energy", "critical_scale", "critical_batch", "paper_view"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  for (const char* key : {"status", "form", "coefficients", "rows", "rank", "condition_number", "r2", "loo_mape",
                          "residual_by_scheme", "forms", "choice", "interval_basis"}) {
    EXPECT_TRUE(json["time"].contains(key)) << key;
  }
  EXPECT_EQ(json["time"]["forms"].size(), 2U);
  EXPECT_DOUBLE_EQ(json["energy"]["static_power_sd_w"], 2);
  for (const auto& one : json["critical_scale"]) {
    EXPECT_EQ(one["n_star"].is_null(), one["status"] != "found");
    EXPECT_EQ(one["direction"].is_null(), one["low"].is_null() && one["high"].is_null());
  }
  const auto read = result::parse_fit(text, "fit.json");
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read.value(), to_fit_file(make_report()));
}

TEST(FitJson, WritesEveryDocumentedKeyAndNoOther) {
  const auto schema = result::make_fit_schema();
  FitReport full = make_report();
  HopSlope slope;  // the synthetic campaign has one length of chain
  slope.hops = {1, 4};
  full.hop_slopes = {slope};
  OperationBound bound;  // its points carry no predictions
  bound.batches = {1, 8};
  full.operation_bounds = {bound};
  full.net_ratios = full.ratios;  // its windows have no idle power
  Balance balance;                // it is of one device
  balance.law.left_out = {{"vendor", 1, 0.1, 0.2}};
  full.balances = {balance};
  EXPECT_THAT(test::find_differences({to_text(full).value()}, schema), ::testing::IsEmpty());
  const FitReport bare = make_fit_report(synthetic::make_campaign({}), quick()).value();
  nlohmann::json changed = nlohmann::json::parse(to_text(bare).value());
  changed["time"]["forms"][0]["new_key"] = 1;
  changed.erase("seed");
  EXPECT_THAT(test::find_differences({changed.dump(), to_text(full).value()}, schema),
              ::testing::ElementsAre("time.forms[].new_key"));
  EXPECT_THAT(test::find_differences({changed.dump()}, schema), ::testing::Contains("never written: seed"));
}

TEST(FitJson, IsWhatCheckAccepts) {
  const std::string text = to_text(make_report()).value();
  const auto report = result::check_text(text, "fit.json", "qtrap.fit");
  EXPECT_TRUE(report) << report.error().message();
}

TEST(FitJson, SharesOfEveryPointSumToOne) {
  const nlohmann::json json = nlohmann::json::parse(to_text(make_report()).value());
  ASSERT_GT(json["attribution"].size(), 0U);
  for (const auto& point : json["attribution"]) {
    double sum = 0;
    for (const auto& share : point["shares"]) sum += share.get<double>();
    EXPECT_NEAR(sum, 1, 1e-9) << point["point_id"];
  }
}

TEST(FitJson, HasNoValueForACostThatIsNotIdentified) {
  fit::synthetic::Options campaign;
  campaign.collinear = true;
  fit::ReportOptions options;
  options.fit.replicates = 5;
  const auto report = fit::make_fit_report(fit::synthetic::make_campaign(campaign), options);
  const nlohmann::json json = nlohmann::json::parse(to_text(report.value()).value());
  int refused = 0;
  for (const auto& one : json["time"]["coefficients"]) {
    if (one["identified"] == true) continue;
    ++refused;
    EXPECT_TRUE(one["value"].is_null() && one["low"].is_null() && one["high"].is_null());
    EXPECT_FALSE(one["reason"].get<std::string>().empty());
  }
  EXPECT_EQ(refused, 2);
  EXPECT_EQ(json["energy"]["status"], "no_data");
}

TEST(FitJson, RefusesNumbersThatAreNotFinite) {
  fit::FitReport report = make_report();
  report.attribution[0].predicted = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(to_text(report).ok());
}

}  // namespace
}  // namespace qtrap::fit
