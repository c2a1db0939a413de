// What the fit itself costs: CONFIGURATIONS synthetic configurations in three sessions, REPLICATES bootstrap
// replicates, the whole report. Prints seconds and peak memory. Usage: fit_speed [CONFIGURATIONS [REPLICATES
// [THREADS]]]
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "fit/file/fit_report.hpp"
#include "fit/synthetic.hpp"

int main(int argc, char** argv) {
  using namespace qtrap::fit;
  const int wanted = argc > 1 ? std::atoi(argv[1]) : 1000;
  ReportOptions options;
  options.fit.replicates = argc > 2 ? std::atoi(argv[2]) : 2000;
  options.fit.threads = argc > 3 ? std::atoi(argv[3]) : 2;
  options.fit.static_power = StaticPower{60, 0.01};
  synthetic::Options campaign;
  campaign.energy = true;
  // Seven schemes at each size and batch, and the probes beside them.
  const int cells = std::max(1, (wanted - static_cast<int>(synthetic::make_probes().size()) + 6) / 7);
  campaign.batches = {1, 2, 4, 8};
  campaign.shapes.clear();
  for (int i = 0; i * 4 < cells; ++i) campaign.shapes.push_back(synthetic::smooth_shape(std::exp2(i * 28.0 / cells)));
  const std::vector<Row> rows = synthetic::make_campaign(campaign);
  const auto start = std::chrono::steady_clock::now();
  const auto report = make_fit_report(rows, options);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!report) return 1;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%zu configurations, %zu windows, %d replicates, %d threads: %.2f s, peak %.0f MB\n",
              report.value().time.configurations, rows.size(), options.fit.replicates, options.fit.threads, seconds,
              static_cast<double>(usage.ru_maxrss) / 1024);
  return 0;
}
