// How honest verdicts, N* and B* are where the truth is not the fitted model: ratios that nature sets, not counts. Per
// scenario: how many campaigns print a number, how often its interval holds the truth, and how many sentences name a
// trap that is none. Then imported tables of few models: how often the intervals of their costs hold the truth.
// Usage: foreign_truth [SEEDS]
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/anchor.hpp"
#include "fit/file/fit_report.hpp"
#include "fit/scaling.hpp"
#include "fit/truth_study.hpp"

namespace {

using namespace qtrap::fit;
using qtrap::kAnchor;

constexpr const char* kStudied = "w8a8";      ///< the scheme of which the truth is set
constexpr double kFalseDiscoveryRate = 0.05;  // as in host/report/summary.cpp

/// The ratio of a scheme to f16 at a size and batch; a number below 0: that of the counts, times its magnitude.
using Truth = std::function<double(double params, double batch)>;

struct Scenario {
  const char* name;
  Truth truth;
  std::vector<double> crossings;  ///< true N* at batch 1; of the last scenario B*
  bool every_scheme = false;      ///< the truth is that of all schemes, not of w8a8 alone
  int sessions = 3;
  bool probes = true;
  double outlier = 1;  ///< factor of w8a8 in the last session
  double spikes = 0;   ///< share of windows that take three times as long
  Axis axis = Axis::kParams;
  double placement = 0.03;  ///< sd of the effects that a scheme has in a session
};

double time_of(const Workload& work, const synthetic::Options& options) {
  return synthetic::compute_cost(work.counts, options.time, false);
}

std::vector<Row> make_rows(const Scenario& scenario, synthetic::Options options) {
  options.probes = scenario.probes;
  options.sessions = scenario.sessions;
  options.placement = scenario.placement;
  std::vector<Row> rows = synthetic::make_campaign(options);
  std::map<std::string, double> anchors;
  for (const Row& row : rows) {
    if (row.workload.scheme == kAnchor) anchors[row.workload.cell] = time_of(row.workload, options);
  }
  qtrap::PhiloxStream random(options.seed, 79);
  for (Row& row : rows) {
    const Workload& work = row.workload;
    if (work.scheme.empty()) continue;
    if (random.uniform() < scenario.spikes) *row.time_s *= 3;
    if (work.scheme == kAnchor || (work.scheme != kStudied && !scenario.every_scheme)) continue;
    const double truth = scenario.truth(work.params, work.batch);
    *row.time_s *= truth < 0 ? -truth : truth * anchors.at(work.cell) / time_of(work, options);
    if (row.session + 1 == scenario.sessions) *row.time_s *= scenario.outlier;
  }
  return rows;
}

/// Where the counts' ratio times `factor` is 1, at batch 1.
double find_model_crossing(const synthetic::Options& options, double factor) {
  double low = 1;
  double high = 64;
  for (int step = 0; step < 60; ++step) {
    const double middle = std::sqrt(low * high);
    const auto time = [&](const char* scheme) {
      return time_of(synthetic::make_workload(synthetic::smooth_shape(middle), scheme, 1), options);
    };
    (factor * time(kStudied) > time(kAnchor) ? low : high) = middle;
  }
  return synthetic::make_workload(synthetic::smooth_shape(low), kAnchor, 1).params;
}

struct Outcome {
  int printed[2] = {}, covered[2] = {};  ///< by CriticalMethod: both rows are printed
  int intervals = 0, intervals_covered = 0;
  int trap_sentences = 0;
  std::map<std::string, int> statuses;
};

void add_critical(std::span<const Critical> entries, const Scenario& scenario, Outcome& outcome) {
  for (const Critical& one : entries) {
    const bool place = scenario.axis == Axis::kBatch ? one.cell.params < 4e8 : one.cell.batch == 1;
    if (one.axis != scenario.axis || one.scheme != kStudied || one.quantity != Quantity::kTime || !place) continue;
    const auto method = static_cast<std::size_t>(one.method);
    ++outcome.statuses[qtrap::to_string(one.method) + " " + qtrap::to_string(one.crossing.status)];
    if (!one.crossing.value) continue;
    ++outcome.printed[method];
    bool covered = false;
    for (const double truth : scenario.crossings)
      covered = covered || (*one.crossing.low <= truth && truth <= *one.crossing.high);
    outcome.covered[method] += covered ? 1 : 0;
  }
}

void add_ratios(const FitReport& report, const Scenario& scenario, Outcome& outcome) {
  std::vector<double> p_values;
  std::vector<bool> traps;
  for (const Ratio& one : report.ratios) {
    if (one.quantity != Quantity::kTime || (one.scheme != kStudied && !scenario.every_scheme)) continue;
    const double truth = scenario.truth(one.cell.params, one.cell.batch);
    if (truth > 0 && one.interval) {
      ++outcome.intervals;
      outcome.intervals_covered +=
          one.interval->low <= std::log(truth) && std::log(truth) <= one.interval->high ? 1 : 0;
    }
    p_values.push_back(one.p_value.value_or(1));
    traps.push_back(one.verdict == Verdict::kTrap && truth <= 1 && truth > 0);
  }
  const auto found = qtrap::control_false_discoveries(p_values, kFalseDiscoveryRate);
  bool any = false;
  for (std::size_t i = 0; i < found.size(); ++i) any = any || (found[i] && traps[i]);
  outcome.trap_sentences += any ? 1 : 0;
}

void print_study(const Scenario& scenario, int seeds) {
  Outcome outcome;
  synthetic::Options options = truth::make_options(3);
  if (scenario.axis == Axis::kBatch) options.batches = {1, 8, 32};
  ReportOptions reporting;
  reporting.fit.replicates = 60;
  for (int seed = 0; seed < seeds; ++seed) {
    options.seed = 5000 + static_cast<std::uint64_t>(seed);
    const auto report = make_fit_report(make_rows(scenario, options), reporting);
    if (!report) continue;
    add_critical(report.value().critical, scenario, outcome);
    add_critical(report.value().critical_other, scenario, outcome);
    add_ratios(report.value(), scenario, outcome);
  }
  std::string statuses;
  for (const auto& [status, count] : outcome.statuses) statuses += " " + status + " " + std::to_string(count);
  const double share = outcome.intervals > 0 ? 100.0 * outcome.intervals_covered / outcome.intervals : 0;
  std::printf("| %s | %d of %d | %d of %d |%s | %.1f %% of %d | %d |\n", scenario.name, outcome.covered[0],
              outcome.printed[0], outcome.covered[1], outcome.printed[1], statuses.c_str(), share, outcome.intervals,
              outcome.trap_sentences);
  std::fflush(stdout);
}

/// Published tables of one value a model: layers and parameters have their costs, each model its own 3 % besides.
void print_imports(std::size_t models, int seeds) {
  int printed = 0;
  int covered = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    const synthetic::Table table = synthetic::make_table(models, 0.03, 7000 + static_cast<std::uint64_t>(seed));
    const Scaling found = fit_scaling(table.rows, Quantity::kTime).at(0);
    for (const auto& [cost, truth] :
         {std::pair{&found.per_layer, table.per_layer}, {&found.per_param, table.per_param}}) {
      if (!cost->value) continue;
      ++printed;
      covered += *cost->low <= truth && truth <= *cost->high ? 1 : 0;
    }
  }
  std::printf("| %zu | %d of %d | %d |\n", models, printed, 2 * seeds, covered);
}

std::vector<Scenario> list_scenarios() {
  const synthetic::Options options = truth::make_options(3);
  const auto flat = [](double ratio) { return [ratio](double, double) { return ratio; }; };
  const auto counts = [](double factor) { return [factor](double, double) { return -factor; }; };
  // A power law of the size that reaches 1 at `crossing`.
  const auto falling = [](double crossing) {
    return [crossing](double params, double) { return std::pow(params / crossing, -0.05); };
  };
  const Truth twice = [](double params, double) {
    const double x = std::log(params / 2.3e9) / std::log(4.0);  // 1 at 5.75e8 and at 9.2e9
    return std::exp(0.1 * (x * x - 1));
  };
  const Truth path = [](double, double batch) { return batch < 2 ? 1.15 : 0.85; };
  return {
      {"ratio 1.00 everywhere", flat(1.00), {}, true},
      {"0.99 everywhere", flat(0.99), {}, true},
      {"1.01 everywhere", flat(1.01), {}, true},
      {"1.00 everywhere, one session", flat(1.00), {}, true, 1},
      {"1.00 everywhere, one session, no effects of its own", flat(1.00), {}, true, 1, true, 1, 0, Axis::kParams, 0},
      {"1.00 everywhere, windows with 5 % spikes of 3", flat(1.00), {}, true, 3, true, 1, 0.05},
      {"two crossings", twice, {2.3e9 / 4, 2.3e9 * 4}},
      {"crossing at 5e11, outside", falling(5e11), {5e11}},
      {"counts, as fitted", counts(1), {find_model_crossing(options, 1)}},
      {"counts, w8a8 5 % slower", counts(1.05), {find_model_crossing(options, 1.05)}},
      {"counts, 10 % slower", counts(1.10), {find_model_crossing(options, 1.10)}},
      {"counts, 20 % slower", counts(1.20), {find_model_crossing(options, 1.20)}},
      {"counts, no probes", counts(1), {find_model_crossing(options, 1)}, false, 3, false},
      {"counts, one session of w8a8 three times as slow",
       counts(1),
       {find_model_crossing(options, 1)},
       false,
       3,
       true,
       3},
      {"B*: path left at batch 2, measured at 1, 8 and 32", path, {2}, false, 3, true, 1, 0, Axis::kBatch}};
}

}  // namespace

int main(int argc, char** argv) {
  const int seeds = argc > 1 ? std::atoi(argv[1]) : truth::kSeeds;
  std::printf(
      "| truth | interpolated: hold the truth of those printed | fitted | statuses | ratio intervals that hold it | "
      "campaigns with a false trap sentence |\n|---|---|---|---|---|---|\n");
  for (const Scenario& scenario : list_scenarios()) print_study(scenario, seeds);
  std::printf("\n| models in the table | costs printed | hold the truth |\n|---|---|---|\n");
  for (const std::size_t models : {2U, 3U, 4U, 5U}) print_imports(models, seeds);
  return 0;
}
