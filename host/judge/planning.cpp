#include "judge/planning.hpp"

#include <algorithm>
#include <cmath>

#include "core/contract.hpp"
#include "judge/pooling.hpp"

namespace qtrap::judge {
namespace {

/// Variance of the median of `count` normal values, of the variance of one; exact to 3 % from 1 value on.
double median_variance(double count) {
  constexpr double kManyValues = 1.5708;  // pi / 2 over the count
  const bool odd = std::fmod(std::round(count), 2) == 1;
  return std::min(1.0, kManyValues / (count + (odd ? 0.5 : 1.2)));
}

/// A sample variance over its median under normal values, so that the median of many estimates the true one: spikes,
/// which blocks have, then count as little as they do in a session's median.
double unbias_median(std::span<const double> values) {
  const auto degrees = static_cast<double>(values.size() - 1);
  const double median = std::pow(1 - 2 / (9 * degrees), 3);  // of chi-squared over its degrees (Wilson, Hilferty)
  return std::pow(compute_standard_deviation(values), 2) / median;
}

}  // namespace

std::optional<SpreadComponents> estimate_components(std::span<const Pairs> pairs) {
  SpreadComponents found;
  std::vector<double> between;
  std::vector<double> within;
  std::vector<double> shares;  // of a block's variance that is left in a session's median
  std::vector<double> counts;
  for (const Pairs& one : pairs) {
    if (one.flagged || one.foreign) continue;
    std::vector<double> medians;
    for (const auto& [session, logs] : one.by_session) {
      medians.push_back(compute_median(logs));
      shares.push_back(median_variance(static_cast<double>(logs.size())));
      counts.push_back(static_cast<double>(logs.size()));
      if (logs.size() > 1) within.push_back(unbias_median(logs));
    }
    if (medians.size() < 2) continue;
    between.push_back(unbias_median(medians));
    found.sessions = std::max(found.sessions, medians.size());
  }
  if (between.empty() || within.empty()) return std::nullopt;
  const double block = compute_median(within);
  found.ratios = between.size();
  found.blocks = compute_median(counts);
  found.block = std::sqrt(block);
  found.session = std::sqrt(std::max(0.0, compute_median(between) - block * compute_mean(shares)));
  return found;
}

Forecast forecast(const SpreadComponents& spread, const CampaignSize& size, double power, double confidence) {
  expects(size.sessions >= 2 && size.blocks >= 1 && size.schemes >= 1, "a campaign that decides has two sessions");
  const double variance = std::pow(spread.session, 2) + std::pow(spread.block, 2) * median_variance(size.blocks);
  const double error = std::sqrt(variance / size.sessions);
  const double degrees = shared_degrees(size.sessions - 1, size.schemes);
  return {student_t_quantile(0.5 + 0.5 * confidence, degrees) * error,
          compute_detectable_shift(power, degrees, confidence) * error};
}

std::optional<std::int64_t> find_sessions(const SpreadComponents& spread, CampaignSize size, double log_ratio,
                                          double power, std::int64_t most) {
  for (std::int64_t sessions = 2; sessions <= most; ++sessions) {
    size.sessions = static_cast<double>(sessions);
    if (forecast(spread, size, power).detectable <= std::abs(log_ratio)) return sessions;
  }
  return std::nullopt;
}

}  // namespace qtrap::judge
