#include "report/fit_json.hpp"

#include <gtest/gtest.h>

#include <clocale>
#include <limits>
#include <nlohmann/json.hpp>

#include "fit/synthetic.hpp"

namespace qtrap::report {
namespace {

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
  const std::string text = to_fit_json(make_report()).value();
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

TEST(FitJson, SharesOfEveryPointSumToOne) {
  const nlohmann::json json = nlohmann::json::parse(to_fit_json(make_report()).value());
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
  const nlohmann::json json = nlohmann::json::parse(to_fit_json(report.value()).value());
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
  EXPECT_FALSE(to_fit_json(report).ok());
}

}  // namespace
}  // namespace qtrap::report
