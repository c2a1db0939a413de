// Many campaigns with known truth: do the estimates hit it, and do the intervals hold it as often as they
// say?
#include <gtest/gtest.h>

#include <map>

#include "fit/critical.hpp"
#include "fit/synthetic.hpp"

namespace qtrap::fit {
namespace {

constexpr int kSeeds = 200;

/// Counts of one estimated number over the seeds.
struct Tally {
  std::vector<double> errors;  // |estimate / truth - 1|
  int covered = 0;

  void add(double value, double low, double high, double truth) {
    errors.push_back(std::abs(value / truth - 1));
    covered += low <= truth && truth <= high ? 1 : 0;
  }
  double coverage() const { return static_cast<double>(covered) / static_cast<double>(errors.size()); }
};

void expect_good(const Tally& tally, const std::string& what, int seeds = kSeeds) {
  ASSERT_EQ(tally.errors.size(), static_cast<std::size_t>(seeds)) << what;
  EXPECT_LE(compute_median(tally.errors), 0.05) << what;
  EXPECT_GE(tally.coverage(), 0.90) << what;
  EXPECT_LE(tally.coverage(), 0.99) << what;
}

synthetic::Options make_options(int sessions) {
  synthetic::Options options;
  options.sessions = sessions;
  options.shapes = synthetic::smooth_shapes();
  options.schemes = {"f16", "w8a16-split", "w8a8", "w4a16-fused"};
  return options;
}

std::map<std::string, double> truth_of(const synthetic::Costs& costs) {
  return {{"bytes", costs.byte},
          {"macs_f16", costs.mac_f16},
          {"macs_int8", costs.mac_int8},
          {"dequantized_weights", costs.weight},
          {"cast_elements", costs.element},
          {"launches", costs.launch},
          {"syncs", costs.sync}};
}

/// Where the true costs of w8a8 and f16 are equal, in parameters: by bisection over a continuous family.
double find_true_size(const synthetic::Options& options, double batch) {
  double low = 1;
  double high = 64;
  for (int step = 0; step < 60; ++step) {
    const double middle = std::sqrt(low * high);
    const auto cost = [&](const char* scheme) {
      const Counts counts = synthetic::make_workload(synthetic::smooth_shape(middle), scheme, batch).counts;
      const double time = synthetic::compute_cost(counts, options.time, false);
      return options.energy ? options.static_w * time + synthetic::compute_cost(counts, options.joules, false) : time;
    };
    (cost("w8a8") > cost("f16") ? low : high) = middle;
  }
  return synthetic::make_workload(synthetic::smooth_shape(low), "f16", batch).params;
}

struct Study {
  std::map<std::string, Tally> costs;
  std::map<std::string, Tally> sizes;                          // "<method> <batch>": N* of w8a8
  std::map<std::string, std::map<std::string, int>> statuses;  // scheme and method -> status -> seeds
};

Study study(synthetic::Options options, Quantity quantity, int seeds = kSeeds) {
  Study result;
  FitOptions fit;
  fit.replicates = 60;
  if (quantity == Quantity::kEnergy) fit.static_power = StaticPower{options.static_w, 0};
  const auto truth = truth_of(quantity == Quantity::kTime ? options.time : options.joules);
  const std::vector<Workload> works = synthetic::make_workloads(options);
  for (int seed = 0; seed < seeds; ++seed) {
    options.seed = static_cast<std::uint64_t>(1000 + seed);
    const std::vector<Row> rows = synthetic::make_rows(options, works);
    const Design design = make_design(rows).value();
    DeviceFit device{"synthetic", decompose(design, Quantity::kTime, fit), {}};
    if (quantity == Quantity::kEnergy) device.energy = decompose(design, quantity, fit);
    for (const Coefficient& one : (quantity == Quantity::kTime ? device.time : device.energy).best().coefficients) {
      if (one.identified) result.costs[one.name].add(*one.value, *one.low, *one.high, truth.at(one.name));
    }
    std::vector<Critical> entries = interpolate_critical(compute_ratios(rows, quantity), Axis::kParams);
    for (Critical& entry : fit_critical(device, works, quantity, Axis::kParams)) entries.push_back(std::move(entry));
    for (const Critical& entry : entries) {
      const std::string method = to_string(entry.method);
      ++result.statuses[entry.scheme + " " + method][to_string(entry.crossing.status)];
      if (!entry.crossing.value || entry.scheme != "w8a8") continue;
      result.sizes[method + " batch " + std::to_string(static_cast<int>(entry.batch))].add(
          *entry.crossing.value, *entry.crossing.low, *entry.crossing.high, find_true_size(options, entry.batch));
    }
  }
  return result;
}

TEST(SyntheticTruth, TimeCostsAndCriticalSizesAreHitWithHonestIntervalsOverThreeSessions) {
  const Study found = study(make_options(3), Quantity::kTime);
  EXPECT_EQ(found.costs.size(), 7U);
  for (const auto& [name, tally] : found.costs) expect_good(tally, name);
  EXPECT_EQ(found.sizes.size(), 4U);
  for (const auto& [name, tally] : found.sizes) {
    ASSERT_EQ(tally.errors.size(), static_cast<std::size_t>(kSeeds)) << name;
    EXPECT_LE(compute_median(tally.errors), 0.05) << name;
    EXPECT_GE(tally.coverage(), 0.90) << name;
  }
  // Scratch and dequantization grow with the model, so no size frees the split path; fused int4 only saves.
  for (const char* method : {"interpolated", "fitted"}) {
    const std::string tail = std::string(" ") + method;
    EXPECT_EQ(found.statuses.at("w8a16-split" + tail).at("trapped_everywhere"), 2 * kSeeds) << method;
    EXPECT_EQ(found.statuses.at("w4a16-fused" + tail).at("never_trapped"), 2 * kSeeds) << method;
  }
}

TEST(SyntheticTruth, IntervalsStayHonestOverFiveSessionsWithPlacementEffects) {
  synthetic::Options options = make_options(5);
  options.placement = 0.03;
  const Study found = study(options, Quantity::kTime, 100);
  EXPECT_EQ(found.costs.size(), 7U);
  // Placement enters both the spread of sessions and that of configurations, so these may cover more than they say.
  for (const auto& [name, tally] : found.costs) EXPECT_GE(tally.coverage(), 0.90) << name;
  for (const auto& [name, tally] : found.sizes) EXPECT_GE(tally.coverage(), 0.90) << name;
}

// What no term explains is the same in every session, so sessions alone cannot show it: intervals over sessions only
// held the cost of a dequantized weight in 48 % of these campaigns, that of a cast element in 68 %.
TEST(SyntheticTruth, IntervalsAllowForWhatNoTermExplains) {
  synthetic::Options options = make_options(3);
  options.between = 0.02;
  options.misfit = 0.03;
  const Study found = study(options, Quantity::kTime, 100);
  EXPECT_EQ(found.costs.size(), 7U);
  for (const auto& [name, tally] : found.costs) EXPECT_GE(tally.coverage(), 0.80) << name;
}

TEST(SyntheticTruth, EnergyCostsAreHitWithHonestIntervals) {
  synthetic::Options options = make_options(3);
  options.energy = true;
  const Study found = study(options, Quantity::kEnergy);
  EXPECT_EQ(found.costs.size(), 7U);
  for (const auto& [name, tally] : found.costs) expect_good(tally, name);
}

TEST(SyntheticTruth, ATermThatOnlyGrowsWithTheModelNeverGivesASize) {
  synthetic::Options options = make_options(3);
  options.schemes = {"f16", "w8a16-split"};
  options.probes = false;  // a window of empty launches would take no time
  options.time.launch = 0;
  options.time.sync = 0;
  const Study found = study(options, Quantity::kTime, 40);
  for (const auto& [what, statuses] : found.statuses) {
    EXPECT_EQ(statuses.size(), 1U) << what;
    EXPECT_EQ(statuses.count("trapped_everywhere"), 1U) << what;
  }
}

TEST(SyntheticTruth, CollinearTermsAreRefusedAndTheOthersStayRight) {
  synthetic::Options options = make_options(3);
  options.collinear = true;
  constexpr int kFewer = 200;
  const Study found = study(options, Quantity::kTime, kFewer);
  EXPECT_EQ(found.costs.count("dequantized_weights"), 0U);
  EXPECT_EQ(found.costs.count("cast_elements"), 0U);
  EXPECT_EQ(found.costs.size(), 5U);
  for (const auto& [name, tally] : found.costs) expect_good(tally, name, kFewer);
}

}  // namespace
}  // namespace qtrap::fit
