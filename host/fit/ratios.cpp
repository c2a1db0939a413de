#include "fit/ratios.hpp"

namespace qtrap::fit {

std::vector<judge::Observation> observe(std::span<const Row> rows, Quantity quantity) {
  std::vector<judge::Observation> all;
  for (const Row& row : rows) {
    const Workload& work = row.workload;
    const std::optional<double>& value = value_of(row, quantity);
    if (work.scheme.empty() || !value) continue;
    all.push_back({cell_of(work), work.scheme, std::to_string(row.session), row.block, *value, row.flagged,
                   quantity == Quantity::kTime ? row.time_spread : row.energy_spread});
  }
  return all;
}

std::vector<Ratio> compute_ratios(std::span<const Row> rows, Quantity quantity, const judge::Options& options) {
  std::vector<Ratio> ratios;
  for (judge::Judgement& one : judge::judge(observe(rows, quantity), options))
    ratios.push_back({std::move(one), quantity});
  return ratios;
}

}  // namespace qtrap::fit
