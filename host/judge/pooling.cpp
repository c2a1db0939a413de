#include "judge/pooling.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "judge/moderation.hpp"

namespace qtrap::judge {
namespace {

/// Correlation of two kin's variances: half of each spread is that of the anchor, which they share.
constexpr double kSharedSpread = 0.25;

Spread spread_of(std::span<const double> values) {
  return {std::pow(compute_standard_deviation(values), 2), static_cast<double>(values.size() - 1)};
}

/// What the quantities of a pool share.
struct Shared {
  Prior prior;
  double most_degrees = 0;
};

std::map<std::string, Shared> find_shared(std::span<const SessionValues> quantities) {
  std::map<std::string, std::vector<Spread>> spreads;
  std::map<std::string, std::set<std::string>> kin;
  for (const SessionValues& one : quantities) {
    if (one.values.size() < 2) continue;
    spreads[one.pool].push_back(spread_of(one.values));
    kin[one.pool].insert(one.kin);
  }
  std::map<std::string, Shared> shared;
  for (const auto& [pool, own] : spreads) {
    double most = 0;
    for (const Spread& one : own) most = std::max(most, one.degrees_of_freedom);
    shared[pool] = {estimate_prior(own), shared_degrees(most, static_cast<double>(kin[pool].size()))};
  }
  return shared;
}

Estimate estimate(std::span<const double> values, const Spread& spread, double confidence) {
  const double mean = compute_mean(values);
  const double error = std::sqrt(spread.variance / static_cast<double>(values.size()));
  const double half = student_t_quantile(0.5 + 0.5 * confidence, spread.degrees_of_freedom) * error;
  return {{mean, mean - half, mean + half}, error, spread.degrees_of_freedom};
}

}  // namespace

double shared_degrees(double own, double kin) { return own * kin / (1 + (kin - 1) * kSharedSpread); }

std::vector<std::optional<Estimate>> pool_sessions(std::span<const SessionValues> quantities, double confidence) {
  const auto shared = find_shared(quantities);
  std::vector<std::optional<Estimate>> estimates;
  for (const SessionValues& one : quantities) {
    auto& place = estimates.emplace_back();
    if (one.values.size() < 2) continue;
    const Spread own = spread_of(one.values);
    const Shared& common = shared.at(one.pool);
    Spread spread = moderate(own, common.prior);
    spread.degrees_of_freedom =
        std::max(own.degrees_of_freedom, std::min(spread.degrees_of_freedom, common.most_degrees));
    place = estimate(one.values, spread, confidence);
  }
  return estimates;
}

std::optional<Estimate> pool_blocks(std::span<const double> values, double confidence) {
  if (values.size() < 2) return std::nullopt;
  return estimate(values, spread_of(values), confidence);
}

}  // namespace qtrap::judge
