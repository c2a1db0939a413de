#include "fit/hop_slope.hpp"

#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "judge/pooling.hpp"

namespace qtrap::fit {
namespace {

/// Log ratios of one session by log2 of the hops.
using Course = std::map<double, double>;

struct Group {
  std::set<double> hops;
  std::map<std::string, Course> sessions;
};

double fit_slope(const Course& course) {
  double x_mean = 0;
  double y_mean = 0;
  for (const auto& [x, y] : course) {
    x_mean += x / static_cast<double>(course.size());
    y_mean += y / static_cast<double>(course.size());
  }
  double xy = 0;
  double xx = 0;
  for (const auto& [x, y] : course) {
    xy += (x - x_mean) * (y - y_mean);
    xx += (x - x_mean) * (x - x_mean);
  }
  return xy / xx;
}

}  // namespace

std::vector<HopSlope> compute_hop_slopes(std::span<const Ratio> ratios, double confidence) {
  std::map<std::tuple<judge::CellKey, std::string, Quantity>, Group> groups;
  for (const Ratio& ratio : ratios) {
    if (ratio.flagged || ratio.basis == judge::Basis::kUnpaired) continue;
    judge::CellKey cell = ratio.cell;
    const double hops = std::exchange(cell.hops, 0);
    Group& group = groups[{cell, ratio.scheme, ratio.quantity}];
    group.hops.insert(hops);
    for (std::size_t i = 0; i < ratio.sessions.size(); ++i)
      group.sessions[ratio.sessions[i]][std::log2(hops)] = ratio.session_logs[i];
  }
  std::vector<HopSlope> slopes;
  std::vector<judge::SessionValues> quantities;
  for (const auto& [key, group] : groups) {
    HopSlope one;
    std::tie(one.cell, one.scheme, one.quantity) = key;
    one.hops.assign(group.hops.begin(), group.hops.end());
    for (const auto& [session, course] : group.sessions) {
      if (course.size() > 1) one.session_slopes.push_back(fit_slope(course));
    }
    if (one.session_slopes.empty()) continue;
    one.slope = compute_mean(one.session_slopes);
    quantities.push_back({judge::find_pool(one.cell), one.scheme, one.session_slopes});
    slopes.push_back(std::move(one));
  }
  const auto estimates = judge::pool_sessions(quantities, confidence);
  for (std::size_t i = 0; i < slopes.size(); ++i) {
    if (!estimates[i]) continue;
    slopes[i].interval = estimates[i]->interval;
    slopes[i].degrees_of_freedom = estimates[i]->degrees_of_freedom;
  }
  return slopes;
}

}  // namespace qtrap::fit
