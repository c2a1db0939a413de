#include "fit/critical.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "fit/hop_slope.hpp"
#include "fit/synthetic.hpp"

namespace qtrap::fit {
namespace {

Curve make_curve(std::vector<double> sizes, const std::vector<double>& logs, double half) {
  Curve curve{std::move(sizes), logs, {}, {}, {}};
  for (const double value : logs) {
    curve.low.push_back(value - half);
    curve.high.push_back(value + half);
  }
  return curve;
}

TEST(FindCrossing, FindsTheSizeWhereAStraightLineCrosses) {
  // log ratio 0.3 at 1 and -0.1 at 16, straight in log size: zero at 16^(3/4) = 8.
  const Crossing found = find_crossing(make_curve({1, 2, 4, 8, 16}, {0.3, 0.2, 0.1, 0.0, -0.1}, 0.05));
  ASSERT_EQ(found.status, CriticalStatus::kFound);
  EXPECT_NEAR(*found.value, 8, 1e-6);
  // 0.05 of log ratio is half a doubling.
  EXPECT_NEAR(*found.low, 8 / std::sqrt(2.0), 1e-6);
  EXPECT_NEAR(*found.high, 8 * std::sqrt(2.0), 1e-6);
  EXPECT_TRUE(found.dissolves);
}

TEST(FindCrossing, FindsATrapThatSetsInWithSize) {
  const Crossing found = find_crossing(make_curve({1, 2, 4, 8, 16}, {-0.3, -0.2, -0.1, 0.0, 0.1}, 0.05));
  ASSERT_EQ(found.status, CriticalStatus::kFound);
  EXPECT_NEAR(*found.value, 8, 1e-6);
  EXPECT_FALSE(found.dissolves);
}

TEST(FindCrossing, IgnoresASmallReversalBetweenDecidedSizes) {
  const Crossing found = find_crossing(make_curve({1, 2, 3, 6}, {0.2, -0.005, 0.005, -0.2}, 0.03));
  ASSERT_EQ(found.status, CriticalStatus::kFound);
  EXPECT_GT(*found.value, 1.9);
  EXPECT_LT(*found.value, 3.1);
  EXPECT_LT(*found.low, 2);
  EXPECT_GT(*found.high, 3);
}

TEST(FindCrossing, TakesTheNeighbouringSizesWhereThereIsNoInterval) {
  const Crossing found = find_crossing({{1, 2, 4}, {0.2, 0.1, -0.1}, {}, {}, {}});
  ASSERT_EQ(found.status, CriticalStatus::kFound);
  EXPECT_DOUBLE_EQ(*found.low, 2);
  EXPECT_DOUBLE_EQ(*found.high, 4);
  EXPECT_GT(*found.value, 2);
  EXPECT_LT(*found.value, 4);
}

TEST(FindCrossing, NoIntervalIsNarrowerThanTheDecidedSizesThatNobodyLookedBetween) {
  // The band alone would say 2.7 to 2.9: a kernel path that changes in a step between 1 and 8 lies anywhere there.
  const Crossing found = find_crossing(make_curve({1, 8}, {0.3, -0.3}, 0.02));
  ASSERT_EQ(found.status, CriticalStatus::kFound);
  EXPECT_NEAR(*found.value, std::sqrt(8.0), 1e-6);
  EXPECT_DOUBLE_EQ(*found.low, 1);
  EXPECT_DOUBLE_EQ(*found.high, 8);
}

TEST(FindCrossing, UndecidedSizesAtOneEndLeaveAOneSidedStatement) {
  struct Case {
    std::vector<double> logs, p_values;
    CriticalStatus status;
    std::optional<double> low, high;
    bool dissolves;
  };
  const std::vector<Case> cases{
      {{0.3, 0.2, 0.01}, {0.001, 0.01, 0.7}, CriticalStatus::kAbove, 2, std::nullopt, true},
      {{-0.3, -0.2, 0.01}, {0.001, 0.01, 0.7}, CriticalStatus::kAbove, 2, std::nullopt, false},
      {{0.01, -0.2, -0.3}, {0.7, 0.01, 0.001}, CriticalStatus::kBelow, std::nullopt, 2, true},
      {{0.01, 0.2, 0.3}, {0.7, 0.01, 0.001}, CriticalStatus::kBelow, std::nullopt, 2, false},
      // One verdict in 20 is false: of three sizes one alone must hold at 5 %.
      {{0.3, 0.2, 0.01}, {0.02, 0.04, 0.7}, CriticalStatus::kNotIdentified, std::nullopt, std::nullopt, true},
      // Undecided in the middle, or at both ends.
      {{0.3, 0.01, 0.2}, {0.001, 0.7, 0.01}, CriticalStatus::kNotIdentified, std::nullopt, std::nullopt, true},
      {{0.01, 0.3, -0.01}, {0.7, 0.001, 0.7}, CriticalStatus::kNotIdentified, std::nullopt, std::nullopt, true},
  };
  for (const Case& one : cases) {
    Curve curve = make_curve({1, 2, 4}, one.logs, 0.05);
    curve.p_values = one.p_values;
    const Crossing found = find_crossing(curve);
    EXPECT_EQ(found.status, one.status) << one.logs[0] << " " << one.logs[1];
    EXPECT_EQ(found.low, one.low);
    EXPECT_EQ(found.high, one.high);
    EXPECT_EQ(found.dissolves, one.dissolves);
    EXPECT_FALSE(found.value);
    EXPECT_NE(found.reason.find("undecided at"), std::string::npos);
  }
}

TEST(FindCrossing, NamesEveryOtherOutcome) {
  struct Case {
    std::vector<double> logs;
    CriticalStatus status;
    const char* reason;
  };
  const std::vector<Case> cases{
      {{0.3, 0.2, 0.1}, CriticalStatus::kTrappedEverywhere, ""},
      {{-0.3, -0.2, -0.1}, CriticalStatus::kNeverTrapped, ""},
      {{0.3, 0.2, 0.01},
       CriticalStatus::kNotIdentified,
       "the ratio is undecided at 1 of 3 sizes and has one sign at the others"},
      {{0.01, 0.0, -0.01},
       CriticalStatus::kNotIdentified,
       "the ratio does not differ significantly from 1 at any size"},
      {{0.3, -0.3, 0.3}, CriticalStatus::kNotIdentified, "the ratio crosses 1 more than once"},
  };
  for (const Case& one : cases) {
    const Crossing found = find_crossing(make_curve({1, 2, 4}, one.logs, 0.05));
    EXPECT_EQ(found.status, one.status) << one.reason;
    EXPECT_EQ(found.reason, one.reason);
    EXPECT_FALSE(found.value || found.low || found.high);
  }
  EXPECT_EQ(find_crossing(make_curve({1}, {0.5}, 0.05)).reason, "fewer than two sizes");
}

std::vector<Row> make_smooth_rows(std::vector<double> batches) {
  synthetic::Options options;
  options.between = 0;
  options.within = 0;
  options.shapes = synthetic::smooth_shapes();
  options.batches = std::move(batches);
  options.schemes = {"f16", "w8a8"};
  return synthetic::make_campaign(options);
}

const Critical& only(const std::vector<Critical>& entries) {
  if (entries.size() != 1) throw std::logic_error("expected one entry");
  return entries[0];
}

std::vector<Workload> workloads_of(const std::vector<Row>& rows) {
  std::vector<Workload> all;
  all.reserve(rows.size());
  for (const Row& row : rows) all.push_back(row.workload);
  return all;
}

TEST(Critical, BothMethodsAgreeOnASmoothFamilyWithoutNoise) {
  const std::vector<Row> rows = make_smooth_rows({1});
  FitOptions options;
  options.replicates = 10;
  const Design design = make_design(rows).value();
  const DeviceFit fit{"synthetic", decompose(design, Quantity::kTime, options), {}};
  const std::vector<Workload> family = workloads_of(rows);
  const std::vector<Ratio> ratios = compute_ratios(rows, Quantity::kTime);
  const Critical interpolated = only(interpolate_critical(ratios, Axis::kParams));
  const Critical fitted = only(fit_critical(fit, family, ratios, Quantity::kTime, Axis::kParams));
  ASSERT_EQ(fitted.crossing.status, CriticalStatus::kFound);
  ASSERT_EQ(interpolated.crossing.status, CriticalStatus::kFound);
  EXPECT_NEAR(*interpolated.crossing.value / *fitted.crossing.value, 1, 0.02);
  EXPECT_EQ(fitted.sizes_used.size(), 7U);
}

TEST(Critical, TheFitReachesSizesNobodyMeasured) {
  std::vector<Row> rows = make_smooth_rows({1});
  const std::vector<Workload> family = workloads_of(rows);
  const double limit = synthetic::make_workload(synthetic::smooth_shape(2), "f16", 1).params * 1.01;
  std::erase_if(rows, [&](const Row& row) { return !row.workload.scheme.empty() && row.workload.params > limit; });
  FitOptions options;
  options.replicates = 10;
  const DeviceFit fit{"synthetic", decompose(make_design(rows).value(), Quantity::kTime, options), {}};
  const std::vector<Ratio> ratios = compute_ratios(rows, Quantity::kTime);
  EXPECT_EQ(only(interpolate_critical(ratios, Axis::kParams)).crossing.status, CriticalStatus::kTrappedEverywhere);
  const Critical fitted = only(fit_critical(fit, family, ratios, Quantity::kTime, Axis::kParams));
  ASSERT_EQ(fitted.crossing.status, CriticalStatus::kFound);
  EXPECT_GT(*fitted.crossing.value, limit);
}

TEST(Critical, FindsTheBatchBelowWhichTheSchemeCannotPay) {
  // Operations in int8 are cheaper, so a larger batch pays for the extra launches of w8a8.
  const std::vector<Row> rows = make_smooth_rows({1, 4, 16, 64, 256});
  bool found = false;
  for (const Critical& entry : interpolate_critical(compute_ratios(rows, Quantity::kTime), Axis::kBatch)) {
    if (entry.crossing.status != CriticalStatus::kFound) continue;
    found = true;
    EXPECT_TRUE(entry.crossing.dissolves);
    EXPECT_GT(*entry.crossing.value, 1);
    EXPECT_LT(*entry.crossing.value, 256);
    EXPECT_FALSE(entry.cell.model.empty());
  }
  EXPECT_TRUE(found);
}

/// Three sessions of the model's costs, 1 % apart; w8a8 takes `factor` of a size more than they say.
template <class Factor>
std::vector<Row> make_misfit_rows(Factor&& factor) {
  std::vector<Row> rows;
  for (int session = 0; session < 3; ++session) {
    for (Row row : make_smooth_rows({1})) {
      row.session = session;
      const bool scheme = row.workload.scheme == "w8a8";
      *row.time_s *= (1 + 1e-2 * session * (scheme ? 1 : 2)) * (scheme ? factor(row.workload.params) : 1);
      rows.push_back(row);
    }
  }
  return rows;
}

Critical fit_misfit(const std::vector<Row>& rows) {
  FitOptions options;
  options.replicates = 10;
  const DeviceFit fit{"synthetic", decompose(make_design(rows).value(), Quantity::kTime, options), {}};
  const std::vector<Ratio> ratios = compute_ratios(rows, Quantity::kTime);
  auto fitted = fit_critical(fit, workloads_of(make_smooth_rows({1})), ratios, Quantity::kTime, Axis::kParams);
  refuse_contradicted(ratios, fitted);
  return only(fitted);
}

TEST(Critical, TheFittedCurveIsShiftedToTheMeasuredRatios) {
  const Critical fitted = fit_misfit(make_misfit_rows([](double) { return 1.0; }));
  EXPECT_EQ(fitted.crossing.status, CriticalStatus::kFound) << "the model is true";
  EXPECT_NEAR(*fitted.log_offset, 0, 0.01) << "no more than the sessions' own";
  // 10 % more than the costs say at every size: the fit alone splits the difference, and its crossing is wrong.
  const std::vector<Row> slower = make_misfit_rows([](double) { return 1.1; });
  const Critical shifted = fit_misfit(slower);
  const Critical measured = only(interpolate_critical(compute_ratios(slower, Quantity::kTime), Axis::kParams));
  ASSERT_EQ(measured.crossing.status, CriticalStatus::kFound);
  ASSERT_EQ(shifted.crossing.status, CriticalStatus::kFound) << shifted.crossing.reason;
  EXPECT_GT(*shifted.log_offset, *fitted.log_offset + 0.02);
  EXPECT_GT(*shifted.crossing.value, 1.05 * *fitted.crossing.value);
  EXPECT_LT(*shifted.crossing.low, *measured.crossing.value);
  EXPECT_GT(*shifted.crossing.high, *measured.crossing.value);
}

TEST(Critical, AFittedSizeThatTheMeasuredRatiosContradictIsRefused) {
  // Faster by a quarter at sizes above 2e9 alone: no shift of the fitted curve goes through these ratios.
  const Critical fitted = fit_misfit(make_misfit_rows([](double params) { return params > 2e9 ? 0.75 : 1.0; }));
  EXPECT_EQ(fitted.crossing.status, CriticalStatus::kNotIdentified);
  EXPECT_NE(fitted.crossing.reason.find("outside the measured interval"), std::string::npos) << fitted.crossing.reason;
}

TEST(Critical, OneRatioDoesNotSayHowFarTheFitLiesOff) {
  std::vector<Row> rows = make_misfit_rows([](double) { return 1.0; });
  const double smallest = synthetic::make_workload(synthetic::smooth_shape(1), "f16", 1).params;
  std::erase_if(rows, [&](const Row& row) { return row.workload.scheme == "w8a8" && row.workload.params > smallest; });
  const Critical fitted = fit_misfit(rows);
  EXPECT_EQ(fitted.crossing.status, CriticalStatus::kNotIdentified);
  EXPECT_NE(fitted.crossing.reason.find("fewer than two"), std::string::npos) << fitted.crossing.reason;
}

TEST(Critical, FillsThePaperFormsFromTheFittedCosts) {
  // w8a8 adds 11 launches per layer and step and saves one byte per parameter:
  // phi B_W / (alpha (pi - p)) = 11 L tau / (beta 1), with the mean number of layers of the family.
  std::vector<Row> rows = make_smooth_rows({8});
  for (Row& row : rows) row.workload.weight_bits = row.workload.scheme == "w8a8" ? 8 : 16;
  FitOptions options;
  options.replicates = 10;
  const Decomposition time = decompose(make_design(rows).value(), Quantity::kTime, options);
  const std::vector<Workload> family = workloads_of(rows);
  std::vector<Critical> entries = interpolate_critical(compute_ratios(rows, Quantity::kTime), Axis::kParams);
  add_paper_forms(time, family, entries);
  double layers = 0;
  for (const synthetic::Shape& shape : synthetic::smooth_shapes()) layers += shape.layers / 7;
  const double scale = 11 * layers * 5e-6 / 1e-12;
  EXPECT_NEAR(*only(entries).paper_printed, scale * 8, 1e-3 * scale * 8);
  EXPECT_NEAR(*only(entries).paper_rederived, scale / 8, 1e-3 * scale / 8);
}

/// Ratios of one scheme at sizes 1, 2, 4, …; `decided`: three sessions, else one.
std::vector<Ratio> ratios_of(const std::vector<double>& values, const std::vector<bool>& decided) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (int session = 0; session < (decided[i] ? 3 : 1); ++session) {
      for (const char* scheme : {"f16", "w8a8"}) {
        Row row;
        row.workload.model = row.workload.cell = "m" + std::to_string(i);
        row.workload.scheme = scheme;
        row.workload.params = std::exp2(static_cast<double>(i));
        row.session = session;
        row.time_s = row.workload.scheme == "f16" ? 1 : values[i] * (1 + 0.001 * session);
        rows.push_back(row);
      }
    }
  }
  return compute_ratios(rows, Quantity::kTime);
}

TEST(Critical, ASizeOfOneSessionDecidesNothing) {
  // Were its sign taken as it is, the crossing would lie between 2 and 4.
  const Critical entry = only(interpolate_critical(ratios_of({1.5, 1.4, 0.7}, {true, true, false}), Axis::kParams));
  EXPECT_EQ(entry.crossing.status, CriticalStatus::kAbove);
  EXPECT_EQ(entry.crossing.low, 2);
  EXPECT_NE(entry.interval_basis, IntervalBasis::kBracket);
}

TEST(Critical, ModelsOfEqualSizeAreAllKept) {
  std::vector<Ratio> ratios = ratios_of({1.5, 1.3, 0.7}, {true, true, true});
  EXPECT_EQ(only(interpolate_critical(ratios, Axis::kParams)).crossing.status, CriticalStatus::kFound);
  // A second model of the first size, decided the other way: that size says nothing, and no number is left.
  Ratio twin = ratios_of({0.7}, {true}).front();
  twin.cell.model = "twin";
  ratios.push_back(twin);
  const Critical entry = only(interpolate_critical(ratios, Axis::kParams));
  EXPECT_EQ(entry.sizes_used, (std::vector<double>{1, 1, 2, 4}));
  EXPECT_EQ(entry.crossing.status, CriticalStatus::kFound) << "2 and 4 still decide";
  ratios.erase(ratios.begin() + 1);
  EXPECT_EQ(only(interpolate_critical(ratios, Axis::kParams)).crossing.status, CriticalStatus::kBelow);
}

TEST(Critical, FamiliesHaveCurvesOfTheirOwn) {
  std::vector<Ratio> ratios = ratios_of({1.5, 1.3, 0.7, 0.6}, {true, true, true, true});
  for (std::size_t i = 0; i < ratios.size(); ++i) ratios[i].cell.family = i < 2 ? "a" : "b";
  const std::vector<Critical> entries = interpolate_critical(ratios, Axis::kParams);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].cell.family, "a");
  EXPECT_EQ(entries[0].crossing.status, CriticalStatus::kTrappedEverywhere);
  EXPECT_EQ(entries[1].crossing.status, CriticalStatus::kNeverTrapped);
}

TEST(Critical, SizesWithoutEffectAreTrappedNowhere) {
  // 1.010 and its interval lie above 1, and within the margin.
  const Critical entry =
      only(interpolate_critical(ratios_of({1.009, 1.009, 1.009}, {true, true, true}), Axis::kParams));
  EXPECT_EQ(entry.crossing.status, CriticalStatus::kNotIdentified);
}

TEST(Critical, WhereNoSizeHasAnIntervalNeighboursStandForIt) {
  const Critical entry = only(interpolate_critical(ratios_of({1.5, 0.7}, {false, false}), Axis::kParams));
  EXPECT_EQ(entry.crossing.status, CriticalStatus::kFound);
  EXPECT_EQ(entry.interval_basis, IntervalBasis::kBracket);
}

TEST(HopSlope, IsThatOfEachSessionAndTakesItsInterval) {
  // Sessions differ by a factor, which the slope does not see: 1.1 per doubling in each, give or take 0.1 %.
  std::vector<Row> rows;
  for (int session = 0; session < 3; ++session) {
    for (const double hops : {1.0, 2.0, 8.0}) {
      for (const char* scheme : {"f16", "w8a8"}) {
        Row row;
        row.workload.scheme = scheme;
        row.workload.cell = "h" + std::to_string(static_cast<int>(hops));
        row.workload.hops = hops;
        row.session = session;
        const double slope = 1.1 * (1 + 0.001 * (session - 1));
        row.time_s = row.workload.scheme == "f16" ? 1 : (1 + 0.3 * session) * std::pow(slope, std::log2(hops));
        rows.push_back(row);
      }
    }
  }
  const auto slopes = compute_hop_slopes(compute_ratios(rows, Quantity::kTime));
  ASSERT_EQ(slopes.size(), 1U);
  EXPECT_EQ(slopes[0].hops, (std::vector<double>{1, 2, 8}));
  EXPECT_NEAR(std::exp(slopes[0].slope), 1.1, 1e-5);
  EXPECT_GT(slopes[0].interval->low, std::log(1.09));
  EXPECT_LT(slopes[0].interval->high, std::log(1.11));
  std::erase_if(rows, [](const Row& row) { return row.session > 0; });
  EXPECT_FALSE(compute_hop_slopes(compute_ratios(rows, Quantity::kTime))[0].interval.has_value());
  std::erase_if(rows, [](const Row& row) { return row.workload.hops > 1; });
  EXPECT_TRUE(compute_hop_slopes(compute_ratios(rows, Quantity::kTime)).empty());
}

TEST(Ratios, PairsBlocksSoThatDriftCancels) {
  std::vector<Row> rows;
  for (int session = 0; session < 3; ++session) {
    for (int block = 0; block < 4; ++block) {
      const double drift = std::pow(1.5, block) * (1 + session);
      for (const char* scheme : {"f16", "w8a8"}) {
        Row row;
        row.workload.cell = "c";
        row.workload.scheme = scheme;
        row.workload.model = "m";
        row.workload.point_id = scheme;
        row.workload.params = 10;
        row.session = session;
        row.block = block;
        row.time_s = drift * (row.workload.scheme == "f16" ? 1 : 1.2 * std::pow(1.001, session - 1));
        rows.push_back(row);
      }
    }
  }
  const std::vector<Ratio> ratios = compute_ratios(rows, Quantity::kTime);
  ASSERT_EQ(ratios.size(), 1U);
  EXPECT_NEAR(ratios[0].log_ratio, std::log(1.2), 1e-12);
  EXPECT_EQ(ratios[0].verdict, Verdict::kTrap);
  EXPECT_EQ(ratios[0].basis, judge::Basis::kSessions);
  EXPECT_TRUE(compute_ratios(rows, Quantity::kEnergy).empty());
  // One session: blocks stand in; one block: no interval, so nothing is decided.
  std::erase_if(rows, [](const Row& row) { return row.session > 0; });
  EXPECT_EQ(compute_ratios(rows, Quantity::kTime)[0].basis, judge::Basis::kBlocks);
  std::erase_if(rows, [](const Row& row) { return row.block > 0; });
  EXPECT_EQ(compute_ratios(rows, Quantity::kTime)[0].basis, judge::Basis::kNone);
  EXPECT_EQ(compute_ratios(rows, Quantity::kTime)[0].verdict, Verdict::kUndecided);
  // Without an anchor there is no ratio.
  std::erase_if(rows, [](const Row& row) { return row.workload.scheme == "f16"; });
  EXPECT_TRUE(compute_ratios(rows, Quantity::kTime).empty());
}

}  // namespace
}  // namespace qtrap::fit
