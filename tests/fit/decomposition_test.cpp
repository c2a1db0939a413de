#include "fit/decomposition.hpp"

#include <gtest/gtest.h>

#include <map>

#include "fit/synthetic.hpp"

namespace qtrap::fit {
namespace {

FitOptions quick_options() {
  FitOptions options;
  options.replicates = 40;
  return options;
}

Decomposition fit_time(const synthetic::Options& campaign, const FitOptions& options = quick_options()) {
  const std::vector<Row> rows = synthetic::make_campaign(campaign);
  return decompose(make_design(rows).value(), Quantity::kTime, options);
}

const Coefficient& find(const FormFit& fit, const std::string& name) {
  for (const Coefficient& one : fit.coefficients) {
    if (one.name == name) return one;
  }
  throw std::out_of_range(name);
}

std::map<std::string, double> truth(const synthetic::Costs& costs) {
  return {{"bytes", costs.byte},
          {"macs_f16", costs.mac_f16},
          {"macs_int8", costs.mac_int8},
          {"dequantized_weights", costs.weight},
          {"cast_elements", costs.element},
          {"launches", costs.launch},
          {"syncs", costs.sync}};
}

TEST(Decomposition, RecoversTheCostsExactlyWithoutNoise) {
  synthetic::Options campaign;
  campaign.between = 0;
  campaign.within = 0;
  const Decomposition fit = fit_time(campaign);
  ASSERT_TRUE(fit.ok()) << fit.reason;
  EXPECT_EQ(fit.best().form, Form::kAdditive);
  EXPECT_EQ(fit.best().rank, 7);
  EXPECT_LT(fit.best().loo_mape.value(), 1e-6);
  EXPECT_GT(fit.best().r2, 0.999999);
  for (const auto& [name, value] : truth(campaign.time)) {
    const Coefficient& found = find(fit.best(), name);
    ASSERT_TRUE(found.identified) << name << ": " << found.reason;
    EXPECT_NEAR(*found.value, value, 1e-6 * value) << name;
  }
}

TEST(Decomposition, ChoosesTheRooflineWhereTimeIsAMaximum) {
  synthetic::Options campaign;
  campaign.roofline = true;
  campaign.between = 0;
  campaign.time.mac_f16 = 3e-13;
  const Decomposition fit = fit_time(campaign);
  ASSERT_TRUE(fit.ok()) << fit.reason;
  EXPECT_EQ(fit.best().form, Form::kRoofline);
  EXPECT_LT(fit.best().loo_mape.value(), fit.forms[0].loo_mape.value());
  for (const auto& [name, value] : truth(campaign.time)) {
    const Coefficient& found = find(fit.best(), name);
    ASSERT_TRUE(found.identified) << name << ": " << found.reason;
    EXPECT_NEAR(*found.value, value, 0.05 * value) << name;
  }
}

TEST(Decomposition, WithoutProbesBytesAndOperationsHideEachOther) {
  // The roofline may put every window on one side: the other's cost then had no column, and its twin's looked certain.
  synthetic::Options campaign;
  campaign.probes = false;
  FitOptions options;
  options.replicates = 20;
  options.forms = {Form::kRoofline};
  const Decomposition fit =
      decompose(make_design(synthetic::make_campaign(campaign)).value(), Quantity::kTime, options);
  ASSERT_TRUE(fit.ok());
  for (const char* name : {"bytes", "macs_f16", "macs_int8"}) {
    const Coefficient& found = find(fit.best(), name);
    EXPECT_FALSE(found.identified) << name;
    EXPECT_EQ(found.reason.find("no window depends on it"), std::string::npos) << found.reason;
  }
}

TEST(Decomposition, NoErrorOfConfigurationsWithoutWhichACostIsLost) {
  // Four schemes of one shape and no probes: leaving one out loses a term, and printed errors of 1e27 %.
  synthetic::Options campaign;
  campaign.probes = false;
  campaign.shapes = {synthetic::smooth_shape(1)};
  campaign.batches = {1};
  campaign.schemes = {"f16", "w8a16-split", "w8a16-fused", "w4a16-fused"};
  FitOptions options;
  options.replicates = 20;
  const Decomposition fit =
      decompose(make_design(synthetic::make_campaign(campaign)).value(), Quantity::kTime, options);
  ASSERT_TRUE(fit.ok()) << fit.reason;
  EXPECT_FALSE(fit.best().loo_mape || fit.best().loo_mape_session);
  EXPECT_EQ(fit.choice, "too few configurations to choose a form by");
  EXPECT_EQ(fit.best().form, Form::kAdditive);
}

TEST(Decomposition, RefusesCollinearTermsAndKeepsTheOthers) {
  synthetic::Options campaign;
  campaign.collinear = true;
  campaign.between = 0;
  const Decomposition fit = fit_time(campaign);
  ASSERT_TRUE(fit.ok());
  for (const char* name : {"dequantized_weights", "cast_elements"}) {
    const Coefficient& found = find(fit.best(), name);
    EXPECT_FALSE(found.identified) << name;
    EXPECT_FALSE(found.value || found.low || found.high || found.vif) << name;
    EXPECT_NE(found.reason.find("only windows"), std::string::npos) << found.reason;
  }
  EXPECT_EQ(fit.best().rank, 6);
  EXPECT_FALSE(fit.best().condition_number);
  EXPECT_NEAR(*find(fit.best(), "bytes").value, campaign.time.byte, 0.05 * campaign.time.byte);
  EXPECT_NEAR(*find(fit.best(), "launches").value, campaign.time.launch, 0.05 * campaign.time.launch);
}

TEST(Decomposition, NamesTheWindowsThatWouldIdentifyAMissingTerm) {
  synthetic::Options campaign;
  campaign.schemes = {"f16", "w8a16-fused"};
  campaign.probes = false;
  const Decomposition fit = fit_time(campaign);
  const Coefficient& found = find(fit.best(), "dequantized_weights");
  EXPECT_FALSE(found.identified);
  EXPECT_EQ(found.reason, "no window depends on it; dequantize-only windows of a few sizes would identify it");
}

// A real run without probe windows printed "bytes 0 [0, 0]" at a VIF of 1012.
TEST(Decomposition, RefusesACostThatIsHeldAtZeroBesideItsNearTwin) {
  synthetic::Options campaign;
  campaign.between = 0;
  campaign.within = 0.001;
  campaign.probes = false;
  campaign.batches = {1};
  campaign.schemes = {"f16"};
  campaign.time = {0, 4e-14, 0, 0, 0, 0, 0};
  std::vector<Row> rows = synthetic::make_campaign(campaign);
  for (Row& row : rows) row.workload.counts = {row.workload.counts.bytes, row.workload.counts.macs, 0, 0, 0, 0};
  const Decomposition costs = decompose(make_design(rows).value(), Quantity::kTime, quick_options());
  const Coefficient& bytes = find(costs.forms[0], "bytes");
  EXPECT_FALSE(bytes.identified);
  EXPECT_FALSE(bytes.value);
}

TEST(Decomposition, SaysWhyThereIsNoEnergy) {
  const std::vector<Row> rows = synthetic::make_campaign({});
  const Decomposition fit = decompose(make_design(rows).value(), Quantity::kEnergy, quick_options());
  EXPECT_FALSE(fit.ok());
  EXPECT_EQ(fit.reason, "no window has an energy reading");
  EXPECT_TRUE(fit.forms.empty());
}

TEST(Decomposition, SaysThatCountsAreMissing) {
  std::vector<Row> rows = synthetic::make_campaign({});
  for (Row& row : rows) row.workload.counts = {};
  const Decomposition fit = decompose(make_design(rows).value(), Quantity::kTime, quick_options());
  EXPECT_EQ(fit.reason, "no window has counts of bytes, operations or launches");
}

TEST(Decomposition, AsksForIdleWindowsWhereStaticPowerIsUnknown) {
  synthetic::Options campaign;
  campaign.energy = true;
  const std::vector<Row> rows = synthetic::make_campaign(campaign);
  const Decomposition fit = decompose(make_design(rows).value(), Quantity::kEnergy, quick_options());
  EXPECT_EQ(fit.reason, "the static power is unknown: idle windows are missing");
}

TEST(Decomposition, RecoversEnergyCostsBesideAGivenStaticPower) {
  synthetic::Options campaign;
  campaign.energy = true;
  campaign.between = 0;
  campaign.within = 0;
  FitOptions options = quick_options();
  options.static_power = StaticPower{campaign.static_w, 0};
  const std::vector<Row> rows = synthetic::make_campaign(campaign);
  const Decomposition fit = decompose(make_design(rows).value(), Quantity::kEnergy, options);
  ASSERT_TRUE(fit.ok()) << fit.reason;
  for (const auto& [name, value] : truth(campaign.joules)) {
    const Coefficient& found = find(fit.best(), name);
    ASSERT_TRUE(found.identified) << name << ": " << found.reason;
    EXPECT_NEAR(*found.value, value, 1e-5 * value) << name;
    EXPECT_EQ(found.unit.substr(0, 2), "J/");
  }
}

TEST(Decomposition, IsTheSameToTheBitOnAnyThreadCount) {
  FitOptions one = quick_options();
  one.threads = 1;
  FitOptions five = quick_options();
  five.threads = 5;
  const Decomposition a = fit_time({}, one);
  const Decomposition b = fit_time({}, five);
  for (std::size_t f = 0; f < a.forms.size(); ++f) {
    EXPECT_EQ(a.forms[f].replicate_betas, b.forms[f].replicate_betas);
    EXPECT_EQ(a.forms[f].loo_mape, b.forms[f].loo_mape);
  }
  FitOptions other = quick_options();
  other.seed = 2;
  EXPECT_NE(a.forms[0].replicate_betas, fit_time({}, other).forms[0].replicate_betas);
}

TEST(Decomposition, IsHardlyMovedByGrossOutliers) {
  synthetic::Options campaign;
  campaign.between = 0;
  std::vector<Row> rows = synthetic::make_campaign(campaign);
  // Every window of each twelfth configuration of the campaign takes three times as long.
  const std::size_t windows = static_cast<std::size_t>(campaign.blocks);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if ((i / windows) % 12 == 5) *rows[i].time_s *= 3;
  }
  FitOptions plain = quick_options();
  plain.robust = false;
  const Design design = make_design(rows).value();
  const Decomposition robust = decompose(design, Quantity::kTime, quick_options());
  const double robust_error = std::abs(robust.forms[0].beta[0] / campaign.time.byte - 1);
  const double plain_error =
      std::abs(decompose(design, Quantity::kTime, plain).forms[0].beta[0] / campaign.time.byte - 1);
  EXPECT_LT(robust_error, 0.03);
  EXPECT_GT(plain_error, 2 * robust_error);
}

TEST(Decomposition, PrefersTheModelWithCastTermsWhereCastsCost) {
  const Decomposition fit = fit_time({});
  ASSERT_TRUE(fit.best().aicc_without_casts);
  EXPECT_LT(fit.best().aicc.value(), *fit.best().aicc_without_casts - 10);
}

TEST(Decomposition, FallsBackToConfigurationsWithOneSession) {
  synthetic::Options campaign;
  campaign.sessions = 1;
  campaign.between = 0;
  const Decomposition fit = fit_time(campaign);
  EXPECT_EQ(fit.interval_basis, IntervalBasis::kConfigurations);
  EXPECT_LT(*find(fit.best(), "bytes").low, *find(fit.best(), "bytes").high);
}

TEST(Decomposition, RejectsRowsThatCannotBeFitted) {
  const std::vector<Row> good = synthetic::make_campaign({});
  const auto message = [](std::vector<Row> rows) { return make_design(rows).error().value; };
  EXPECT_EQ(message({}), "no measured window without a flag");
  std::vector<Row> rows = good;
  rows[3].time_s = 0;
  EXPECT_EQ(message(rows), "a time that is not positive at " + rows[3].workload.point_id);
  rows = good;
  rows[4].workload.counts.bytes = -1;
  EXPECT_EQ(message(rows), "a count that is negative or not finite at " + rows[4].workload.point_id);
  rows = good;
  rows[1].workload.counts.bytes *= 2;
  EXPECT_EQ(message(rows), "windows that differ in their work at " + rows[1].workload.point_id);
  rows = good;
  rows[9].workload.device = "other";
  EXPECT_EQ(message(rows), "more than one device (synthetic, other)");
  const Decomposition one =
      decompose(make_design(std::vector<Row>(1, good[0])).value(), Quantity::kTime, quick_options());
  EXPECT_EQ(one.reason, "fewer than two configurations");
}

}  // namespace
}  // namespace qtrap::fit
