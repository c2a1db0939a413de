#include "measure/ceilings/cache_knee.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace qtrap::measure {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

/// A cache of `bytes` at `rate`; the last one's rate is memory's, its bytes 0.
struct Level {
  std::uint64_t bytes;
  double rate;
};

/// Rates over 1, 1.5, 2, 3 … MiB: of a set larger than a cache the cache serves a share of bytes / set.
std::vector<ReadRate> sweep(const std::vector<Level>& levels, std::uint64_t largest = 1024 * kMiB) {
  std::vector<ReadRate> rates;
  const auto add = [&](std::uint64_t set) {
    double served = 0;
    double seconds = 0;
    for (const Level& level : levels) {
      const double reach =
          level.bytes == 0 ? 1 : std::min(1.0, static_cast<double>(level.bytes) / static_cast<double>(set));
      if (reach > served) seconds += (reach - served) / level.rate;
      served = std::max(served, reach);
    }
    rates.push_back({set, 1 / seconds});
  };
  for (std::uint64_t size = kMiB; size <= largest; size *= 2) {
    add(size);
    if (size / 2 * 3 <= largest) add(size / 2 * 3);
  }
  return rates;
}

/// The same as a cache that evicts what will be read next: nothing is served from a set larger than it.
std::vector<ReadRate> sharp(std::uint64_t cache, double cache_rate, double memory_rate) {
  auto rates = sweep({{0, memory_rate}});
  for (ReadRate& rate : rates) {
    if (rate.set_bytes <= cache) rate.bytes_per_s = cache_rate;
  }
  return rates;
}

void expect_within(const CacheKnee& knee, std::uint64_t cache) {
  EXPECT_LE(knee.low, cache);
  EXPECT_GE(knee.high, cache);
  EXPECT_LE(knee.low, knee.bytes);
  EXPECT_GE(knee.high, knee.bytes);
}

TEST(CacheKnee, IsTheStepOfACacheThatForgetsAllAtOnce) {
  const auto knee = find_cache_knee(sharp(50 * kMiB, 5.5e12, 3.35e12)).value();
  EXPECT_EQ(knee.low, 48 * kMiB);  // 50 lies between the sets of 48 and 64 MiB
  EXPECT_EQ(knee.high, 64 * kMiB);
  EXPECT_GT(knee.bytes, 48 * kMiB);
  EXPECT_LT(knee.bytes, 64 * kMiB);
}

TEST(CacheKnee, LiesWithinAGradualSlope) {
  const auto knee = find_cache_knee(sweep({{32 * kMiB, 9e10}, {0, 3.6e10}})).value();
  expect_within(knee, 32 * kMiB);
  EXPECT_LT(knee.bytes, 64 * kMiB);  // the geometric mean is reached where the cache serves 0.61: at 52 MiB
}

TEST(CacheKnee, IsTheLastOfTwoCaches) {
  expect_within(find_cache_knee(sweep({{4 * kMiB, 1.7e13}, {256 * kMiB, 1.1e13}, {0, 4.3e12}}, 2048 * kMiB)).value(),
                256 * kMiB);
  expect_within(find_cache_knee(sweep({{6 * kMiB, 3e12}, {96 * kMiB, 2.2e12}, {0, 8e11}})).value(), 96 * kMiB);
}

TEST(CacheKnee, PassesOverOneBadReadingWhereverItIs) {
  const auto good = sharp(32 * kMiB, 9e10, 3.6e10);
  for (std::size_t bad = 0; bad < good.size(); ++bad) {
    for (const double factor : {0.2, 4.0}) {
      auto rates = good;
      rates[bad].bytes_per_s *= factor;
      const auto knee = find_cache_knee(rates);
      ASSERT_TRUE(knee) << bad << " times " << factor << ": " << knee.error().message();
      // Beside the step a wrong neighbour may cost one set's resolution.
      EXPECT_GE(knee.value().low, 24 * kMiB) << bad << " times " << factor;
      EXPECT_LE(knee.value().high, 64 * kMiB) << bad << " times " << factor;
      EXPECT_GE(knee.value().high, 32 * kMiB) << bad << " times " << factor;
    }
  }
}

TEST(CacheKnee, StandsInNoiseOfATenth) {
  for (int quarters = 0; quarters < 24; ++quarters) {
    const double phase = 0.25 * quarters;
    auto rates = sweep({{32 * kMiB, 1e11}, {0, 3.6e10}});
    for (std::size_t i = 0; i < rates.size(); ++i)
      rates[i].bytes_per_s *= 1 + 0.1 * std::sin(2.4 * static_cast<double>(i) + phase);
    const auto knee = find_cache_knee(rates);
    ASSERT_TRUE(knee) << phase << ": " << knee.error().message();
    expect_within(knee.value(), 32 * kMiB);
  }
}

TEST(CacheKnee, IsRefusedWithItsReason) {
  const auto reason = [](const std::vector<ReadRate>& rates) {
    const auto knee = find_cache_knee(rates);
    return knee ? "found at " + std::to_string(knee.value().bytes) : knee.error().fix;
  };
  EXPECT_THAT(reason({{kMiB, 1e9}, {2 * kMiB, 1e9}}), HasSubstr("only 2 sets"));
  EXPECT_THAT(reason(sweep({{0, 3.6e10}})), HasSubstr("read alike"));
  // The cache is larger than every set but the last ones: memory's rate is never reached.
  EXPECT_THAT(reason(sweep({{512 * kMiB, 9e10}, {0, 1e10}})), HasSubstr("still differ"));
  auto falling = sweep({{0, 1}});
  for (std::size_t i = 0; i + 4 < falling.size(); ++i)
    falling[i].bytes_per_s = std::pow(1.3, static_cast<double>(falling.size() - 4 - i));
  EXPECT_THAT(reason(falling), HasSubstr("no steady rate"));
  auto without = sweep({{32 * kMiB, 9e10}, {0, 3.6e10}});
  without[3].bytes_per_s = 0;
  EXPECT_THAT(reason(without), HasSubstr("no rate"));
}

Result<CacheKnee> knee_at_50() { return CacheKnee{52 * kMiB, 48 * kMiB, 64 * kMiB}; }
Result<CacheKnee> no_knee() { return runtime_error("no knee", "", "sets of all sizes are read alike"); }

TEST(CacheFindings, TheSystemsWordIsTakenWhereTheSweepAgrees) {
  const auto found = decide_cache(knee_at_50(), 50 * kMiB, 4 * kMiB);
  EXPECT_EQ(found.bytes, 50 * kMiB);
  EXPECT_EQ(found.basis, result::CacheBasis::kSystem);
  EXPECT_THAT(found.status, HasSubstr("sysfs agrees"));
}

TEST(CacheFindings, ADriverThatMeansAnotherCacheIsNotBelieved) {
  const auto nvidia = decide_cache(knee_at_50(), std::nullopt, 4 * kMiB);
  EXPECT_EQ(nvidia.bytes, 52 * kMiB);
  EXPECT_EQ(nvidia.basis, result::CacheBasis::kMeasured);
  EXPECT_THAT(nvidia.status, HasSubstr("the driver 4 MiB"));
  const auto amd = decide_cache(knee_at_50(), std::nullopt, 16 << 10);
  EXPECT_EQ(amd.bytes, 52 * kMiB);
}

TEST(CacheFindings, ASystemThatTheSweepContradictsIsNotBelieved) {
  const auto found = decide_cache(knee_at_50(), 32 * kMiB, 32 * kMiB);
  EXPECT_EQ(found.bytes, 52 * kMiB);
  EXPECT_EQ(found.basis, result::CacheBasis::kMeasured);
  EXPECT_THAT(found.status, HasSubstr("sysfs says 32 MiB"));
}

TEST(CacheFindings, WithoutAKneeTheWordIsTakenAndSaidToBeOne) {
  const auto system = decide_cache(no_knee(), 32 * kMiB, 16 * kMiB);
  EXPECT_EQ(system.bytes, 32 * kMiB);
  EXPECT_EQ(system.basis, result::CacheBasis::kSystem);
  EXPECT_THAT(system.status, HasSubstr("read alike"));
  const auto driver = decide_cache(no_knee(), std::nullopt, 16 * kMiB);
  EXPECT_EQ(driver.basis, result::CacheBasis::kDriver);
  EXPECT_THAT(driver.status, HasSubstr("not confirmed"));
  const auto none = decide_cache(no_knee(), std::nullopt, std::nullopt);
  EXPECT_EQ(none.bytes, 0U);
  EXPECT_EQ(none.basis, result::CacheBasis::kNone);
}

TEST(CacheFindings, SurviveTheWayToAnotherProcess) {
  for (const auto& findings : {decide_cache(knee_at_50(), 50 * kMiB, 4 * kMiB), decide_cache(no_knee(), {}, {})}) {
    EXPECT_EQ(parse_cache_findings(to_text(findings)).value(), findings);
  }
  for (const char* wrong : {"", "1 2 3", "x system - - - - - s", "1 system - - - -5 - s"}) {
    EXPECT_FALSE(parse_cache_findings(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace qtrap::measure
