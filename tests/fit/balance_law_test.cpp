#include "fit/balance/balance_law.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "fit/synthetic.hpp"

namespace qtrap::fit {
namespace {

using result::CriticalStatus;
using ::testing::HasSubstr;

/// A table of devices, of three vendors in turn: balances from 2 to 96 flop per byte, evenly in logs, ratios of `truth`
/// with noise.
std::vector<DeviceRatio> make_devices(int count, const std::function<double(double)>& truth, double noise = 0,
                                      std::uint64_t seed = 1, int vendors = 3) {
  PhiloxStream random(seed, 99);
  std::vector<DeviceRatio> devices;
  for (int i = 0; i < count; ++i) {
    const double balance = 2 * std::pow(48.0, static_cast<double>(i) / (count - 1));
    const double log_ratio = std::log(truth(balance)) + noise * synthetic::draw_normal(random);
    devices.push_back({std::log(balance), log_ratio, std::string("vendor ") + static_cast<char>('a' + i % vendors)});
  }
  return devices;
}

std::function<double(double)> law(double floor, double cast) {
  return [=](double balance) { return std::max(floor, cast / balance); };
}

BalanceOptions quick(std::uint64_t seed = 1) {
  BalanceOptions options;
  options.seed = seed;
  options.replicates = 200;
  return options;
}

double sum_errors(const BalanceCurve& curve, std::span<const DeviceRatio> devices) {
  double sum = 0;
  for (const DeviceRatio& one : devices) sum += std::abs(one.log_ratio - curve.predict(one.log_balance));
  return sum;
}

TEST(BalanceLaw, FindsBothParametersOfDevicesThatFollowIt) {
  const BalanceLaw found = fit_balance_law(make_devices(30, law(0.5, 12)), quick());
  EXPECT_EQ(found.reason, "");
  EXPECT_EQ(found.devices, 30U);
  EXPECT_EQ(found.vendors, 3U);
  EXPECT_NEAR(found.floor_ratio.value().value, 0.5, 1e-12);
  EXPECT_NEAR(found.cast_flop_per_byte.value().value, 12, 1e-11);
  EXPECT_EQ(found.status, CriticalStatus::kFound);
  EXPECT_NEAR(found.threshold.value(), 12, 1e-11);  // 12 / x = 1
  EXPECT_NEAR(found.low.value(), 12, 1e-9);
  EXPECT_NEAR(found.high.value(), 12, 1e-9);
  EXPECT_NEAR(found.law_error.value(), 0, 1e-12);
  EXPECT_GT(found.constant_error.value(), 0.2);
  EXPECT_EQ(found.left_out.size(), 3U);
  EXPECT_NEAR(std::exp(found.log_balance_most), 96, 1e-9);
}

TEST(BalanceLaw, IsNotMovedFurtherByADeviceThatIsOffByMore) {
  std::vector<DeviceRatio> devices = make_devices(31, law(0.5, 12), 0.05);
  devices[3].log_ratio = devices[25].log_ratio = 3;
  const BalanceCurve curve = fit_balance_curve(devices);
  devices[3].log_ratio = devices[25].log_ratio = 30;
  EXPECT_EQ(fit_balance_curve(devices).log_floor, curve.log_floor);
  EXPECT_EQ(fit_balance_curve(devices).log_knee, curve.log_knee);
  EXPECT_NEAR(std::exp(curve.log_floor), 0.5, 0.05);
  EXPECT_NEAR(std::exp(curve.log_cast()), 12, 1.5);
}

// Against a search over knees 0.002 apart, whose best floor is a median.
TEST(BalanceLaw, HasTheLeastErrorOfAllCurves) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    std::vector<DeviceRatio> devices = make_devices(3 + static_cast<int>(seed % 9), law(0.6, 15), 0.7, seed);
    if (seed % 3 == 0) devices[1].log_balance = devices[2].log_balance;  // ties
    double least = 1e300;
    const double begin = devices.front().log_balance;
    const int steps = static_cast<int>((devices.back().log_balance - begin) / 0.002);
    for (int step = 0; step <= steps; ++step) {
      const double knee = begin + 0.002 * step;
      std::vector<double> levels(devices.size());
      std::transform(devices.begin(), devices.end(), levels.begin(),
                     [knee](const DeviceRatio& one) { return one.log_ratio - std::max(0.0, knee - one.log_balance); });
      least = std::min(least, sum_errors({compute_median(levels), knee}, devices));
    }
    const double found = sum_errors(fit_balance_curve(devices), devices);
    EXPECT_LE(found, least + 1e-12) << seed;
    EXPECT_NEAR(found, least, 0.002 * static_cast<double>(devices.size())) << seed;
  }
}

TEST(BalanceLaw, SaysOnWhichSideOfTheKneeDevicesLie) {
  const BalanceCurve flat = fit_balance_curve(make_devices(12, [](double) { return 0.5; }));
  EXPECT_FALSE(flat.shows_cast);
  EXPECT_TRUE(flat.shows_floor);
  EXPECT_NEAR(std::exp(flat.log_floor), 0.5, 1e-12);
  const BalanceCurve steep = fit_balance_curve(make_devices(12, [](double balance) { return 7 / balance; }));
  EXPECT_TRUE(steep.shows_cast);
  EXPECT_FALSE(steep.shows_floor);
  EXPECT_NEAR(std::exp(steep.log_cast()), 7, 1e-9);
  EXPECT_FALSE(fit_balance_law(make_devices(12, [](double balance) { return 7 / balance; }), quick()).floor_ratio);
}

// Ranks 1, 2.5, 2.5, 4 and 4, 3, 2, 1: products of the distances from 2.5 sum to -4.5, squares to 4.5 and 5.
TEST(BalanceLaw, SharesRanksOfEqualValues) {
  const std::vector<DeviceRatio> devices{{1, 4, ""}, {2, 3, ""}, {2, 2, ""}, {3, 1, ""}};
  EXPECT_NEAR(compute_rank_correlation(devices).value(), -4.5 / std::sqrt(4.5 * 5), 1e-15);
  EXPECT_FALSE(compute_rank_correlation({devices.data() + 1, 2}));  // one balance
  EXPECT_FALSE(compute_rank_correlation({devices.data(), 1}));
}

TEST(BalanceLaw, IsRefusedWhereDevicesDoNotBearIt) {
  struct Case {
    std::vector<DeviceRatio> devices;
    const char* reason;
  };
  std::vector<DeviceRatio> one_balance = make_devices(20, law(0.5, 12), 0.1);
  for (DeviceRatio& one : one_balance) one.log_balance = 2;
  const Case cases[] = {
      {make_devices(2, law(0.5, 12)), "2 devices; a law needs 10"},
      {make_devices(9, law(0.5, 12)), "9 devices; a law needs 10"},
      {make_devices(40, law(0.5, 12), 0.1, 1, 1), "all devices are of one vendor"},
      {make_devices(12, law(0.5, 12), 0.1, 1, 2), "no vendor left out leaves 10 devices"},
      {one_balance, "all devices have one balance, or one ratio"},
      {make_devices(20, [](double) { return 0.5; }), "all devices have one balance, or one ratio"},
      {make_devices(
           40, [](double balance) { return balance / 12; }, 0.1),
       "rank correlation is not below 0"},
  };
  for (const Case& one : cases) {
    const BalanceLaw found = fit_balance_law(one.devices, quick());
    EXPECT_THAT(found.reason, HasSubstr(one.reason));
    EXPECT_EQ(found.status, CriticalStatus::kNotIdentified) << one.reason;
    EXPECT_FALSE(found.threshold || found.low || found.high || found.floor_ratio || found.cast_flop_per_byte);
    EXPECT_EQ(found.devices, one.devices.size());
  }
  const BalanceLaw alone = fit_balance_law(make_devices(40, law(0.5, 12), 0.1, 1, 1), quick());
  EXPECT_LT(alone.rank_correlation.value().high, 0) << "which needs no second vendor";
  EXPECT_FALSE(alone.law_error);
}

// Vendor b has few operations and no cost of a cast: of its devices the law of a, 12 / x, says too much.
TEST(BalanceLaw, IsRefusedWhereItSaysNothingOfAnotherVendor) {
  std::vector<DeviceRatio> devices = make_devices(80, law(0.5, 12), 0.05, 1, 1);
  for (int i = 0; i < 12; ++i) devices.push_back({std::log(2 + 0.2 * i), std::log(0.5), "vendor b"});
  const BalanceLaw found = fit_balance_law(devices, quick());
  EXPECT_LT(found.rank_correlation.value().high, 0);
  EXPECT_GT(found.left_out.at(1).law_error, 2 * found.left_out.at(1).constant_error);
  EXPECT_THAT(found.reason, HasSubstr("as near to the others' median ratio"));
}

// Ratios that fall slowly from 0.51 on: the cast binds nowhere.
TEST(BalanceLaw, IsRefusedWhereNoDeviceShowsTheCast) {
  std::vector<DeviceRatio> devices = make_devices(40, law(0.5, 1), 0.3, 3);
  for (DeviceRatio& one : devices) one.log_ratio -= 0.1 * one.log_balance;
  const BalanceLaw found = fit_balance_law(devices, quick());
  EXPECT_NE(found.reason, "");
  EXPECT_FALSE(found.cast_flop_per_byte || found.floor_ratio);
  EXPECT_LT(found.median_interval.value().low, found.median_ratio);
  EXPECT_GT(found.median_interval.value().high, found.median_ratio);
}

TEST(BalanceLaw, TellsThresholdsOutsideTheDevices) {
  const BalanceLaw dear = fit_balance_law(make_devices(40, law(1.2, 20), 0.02), quick());
  EXPECT_EQ(dear.status, CriticalStatus::kTrappedEverywhere);
  EXPECT_NEAR(dear.floor_ratio.value().value, 1.2, 0.02);
  const BalanceLaw cheap = fit_balance_law(make_devices(40, law(0.1, 1), 0.02), quick());  // 0.5 at 2 flop per byte
  EXPECT_EQ(cheap.status, CriticalStatus::kNeverTrapped);
  EXPECT_NEAR(cheap.cast_flop_per_byte.value().value, 1, 0.05);
  EXPECT_FALSE(cheap.threshold || cheap.low || cheap.high);
  const BalanceLaw level = fit_balance_law(make_devices(60, law(1, 20), 0.1), quick());
  EXPECT_EQ(level.status, CriticalStatus::kAbove);  // above 1 below 20 flop per byte, and 1 beyond
  EXPECT_NEAR(level.low.value(), 20, 6);
  EXPECT_FALSE(level.threshold || level.high);
  EXPECT_THAT(level.reason, HasSubstr("is not told from 1"));
}

// Straight in logs, r = (9 / x)^0.5: no floor and another slope, and yet the ratio is 1 near where the law says.
TEST(BalanceLaw, IsNearTheThresholdOfAnotherTruth) {
  const BalanceLaw found = fit_balance_law(make_devices(
                                               60, [](double balance) { return std::sqrt(9 / balance); }, 0.1),
                                           quick());
  EXPECT_EQ(found.status, CriticalStatus::kFound);
  EXPECT_NEAR(std::log(found.threshold.value() / 9), 0, 0.25);
}

TEST(BalanceLaw, IsSeldomFoundWhereThereIsNone) {
  int laws = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    laws += fit_balance_law(make_devices(
                                40, [](double) { return 0.8; }, 0.3, seed),
                            quick(seed))
                .reason.empty();
  }
  EXPECT_LE(laws, 5);
}

TEST(BalanceLaw, HoldsTheThresholdInItsInterval) {
  int held = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const BalanceLaw found = fit_balance_law(make_devices(60, law(0.5, 12), 0.3, seed), quick(seed));
    held += found.status == CriticalStatus::kFound && *found.low <= 12 && *found.high >= 12;
  }
  EXPECT_GE(held, 88);
}

TEST(BalanceLaw, IsTheSameOnAnyNumberOfThreads) {
  const std::vector<DeviceRatio> devices = make_devices(30, law(0.5, 12), 0.3);
  BalanceOptions options = quick(7);
  options.threads = 1;
  const BalanceLaw one = fit_balance_law(devices, options);
  options.threads = 3;
  const BalanceLaw three = fit_balance_law(devices, options);
  EXPECT_EQ(one.low, three.low);
  EXPECT_EQ(one.high, three.high);
  EXPECT_EQ(one.rank_correlation->low, three.rank_correlation->low);
  options.seed = 8;
  EXPECT_NE(one.rank_correlation->low, fit_balance_law(devices, options).rank_correlation->low);
}

}  // namespace
}  // namespace qtrap::fit
