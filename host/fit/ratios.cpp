#include "fit/ratios.hpp"

#include <set>
#include <utility>

namespace qtrap::fit {

std::vector<judge::Observation> observe(std::span<const Row> rows, Quantity quantity) {
  std::vector<judge::Observation> all;
  for (const Row& row : rows) {
    const Workload& work = row.workload;
    const std::optional<double>& value = value_of(row, quantity);
    if (work.scheme.empty() || !value) continue;
    all.push_back({cell_of(work), work.scheme, std::to_string(row.session), row.block, *value, row.flagged,
                   quantity == Quantity::kTime ? row.time_spread : row.energy_spread, row.foreign});
  }
  return all;
}

std::vector<Ratio> compute_ratios(std::span<const Row> rows, Quantity quantity, const judge::Options& options) {
  std::vector<Ratio> ratios;
  for (judge::Judgement& one : judge::judge(observe(rows, quantity), options))
    ratios.push_back({std::move(one), quantity});
  return ratios;
}

std::vector<Ratio> compute_net_ratios(std::span<const Row> rows, const judge::Options& options) {
  std::set<std::pair<judge::CellKey, std::string>> below;
  std::vector<judge::Observation> all;
  for (const Row& row : rows) {
    const Workload& work = row.workload;
    if (work.scheme.empty() || !row.energy_j || !row.idle_j) continue;
    const double net = *row.energy_j - *row.idle_j;
    if (net > 0) {
      all.push_back(
          {cell_of(work), work.scheme, std::to_string(row.session), row.block, net, row.flagged, {}, row.foreign});
    } else if (!row.flagged) {
      below.emplace(cell_of(work), work.scheme);
    }
  }
  std::erase_if(all, [&below](const judge::Observation& one) { return below.contains({one.cell, one.scheme}); });
  std::vector<Ratio> ratios;
  for (judge::Judgement& one : judge::judge(all, options)) ratios.push_back({std::move(one), Quantity::kEnergy});
  return ratios;
}

}  // namespace qtrap::fit
