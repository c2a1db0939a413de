// Many campaigns with known truth, for the test and for bench/coverage: how far estimates lie off, and how often the
// intervals hold what they should.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "fit/critical.hpp"
#include "fit/synthetic.hpp"

namespace qtrap::fit::truth {

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

inline synthetic::Options make_options(int sessions) {
  synthetic::Options options;
  options.sessions = sessions;
  options.shapes = synthetic::smooth_shapes();
  options.schemes = {"f16", "w8a16-split", "w8a8", "w4a16-fused"};
  return options;
}

inline std::map<std::string, double> truth_of(const synthetic::Costs& costs) {
  return {{"bytes", costs.byte},
          {"macs_f16", costs.mac_f16},
          {"macs_int8", costs.mac_int8},
          {"dequantized_weights", costs.weight},
          {"cast_elements", costs.element},
          {"launches", costs.launch},
          {"syncs", costs.sync}};
}

/// Where the true costs of w8a8 and f16 are equal, in parameters: by bisection over a continuous family.
inline double find_true_size(const synthetic::Options& options, double batch) {
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

/// One study: `seeds` campaigns that differ in their seed alone.
inline Study study(synthetic::Options options, Quantity quantity, int seeds = kSeeds) {
  Study result;
  FitOptions fit;
  fit.replicates = 60;
  if (quantity == Quantity::kEnergy) fit.static_power = StaticPower{options.static_w, 0};
  const auto truth = truth_of(quantity == Quantity::kTime ? options.time : options.joules);
  const std::vector<Workload> works = synthetic::make_workloads(options);
  for (int seed = 0; seed < seeds; ++seed) {
    options.seed = 1000 + static_cast<std::uint64_t>(seed);
    const std::vector<Row> rows = synthetic::make_rows(options, works);
    const Design design = make_design(rows).value();
    DeviceFit device{"synthetic", decompose(design, Quantity::kTime, fit), {}};
    if (quantity == Quantity::kEnergy) device.energy = decompose(design, quantity, fit);
    for (const Coefficient& one : (quantity == Quantity::kTime ? device.time : device.energy).best().coefficients) {
      if (one.identified) result.costs[one.name].add(*one.value, *one.low, *one.high, truth.at(one.name));
    }
    const std::vector<Ratio> ratios = compute_ratios(rows, quantity);
    std::vector<Critical> entries = interpolate_critical(ratios, Axis::kParams);
    for (Critical& entry : fit_critical(device, works, ratios, quantity, Axis::kParams))
      entries.push_back(std::move(entry));
    for (const Critical& entry : entries) {
      const std::string method = to_string(entry.method);
      ++result.statuses[entry.scheme + " " + method][to_string(entry.crossing.status)];
      if (!entry.crossing.value || entry.scheme != "w8a8") continue;
      result.sizes[method + " batch " + std::to_string(static_cast<int>(entry.cell.batch))].add(
          *entry.crossing.value, *entry.crossing.low, *entry.crossing.high, find_true_size(options, entry.cell.batch));
    }
  }
  return result;
}

}  // namespace qtrap::fit::truth
