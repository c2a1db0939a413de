#include "fit/paper_view.hpp"

#include <array>
#include <cmath>
#include <tuple>
#include <utility>

#include "core/anchor.hpp"
#include "core/statistics.hpp"

namespace qtrap::fit {
namespace {

/// Mean over sessions of the medians of one configuration.
struct Means {
  const Workload* work = nullptr;
  double time_s = 0;
  std::optional<double> energy_j;
};

using CellKey = std::tuple<std::string, std::string, result::Phase>;  // device, cell
using CellMeans = std::map<CellKey, std::map<std::string, Means>>;    // by scheme

CellMeans compute_means(std::span<const Row> rows) {
  struct Windows {
    const Workload* work = nullptr;
    std::map<int, std::vector<double>> times, energies;
    bool metered = true;
  };
  std::map<CellKey, std::map<std::string, Windows>> cells;
  for (const Row& row : rows) {
    if (row.workload.scheme.empty() || !row.time_s) continue;
    Windows& windows = cells[{row.workload.device, row.workload.cell, row.workload.phase}][row.workload.scheme];
    windows.work = &row.workload;
    windows.times[row.session].push_back(*row.time_s);
    windows.metered = windows.metered && row.energy_j.has_value();
    if (row.energy_j) windows.energies[row.session].push_back(*row.energy_j);
  }
  const auto mean = [](const std::map<int, std::vector<double>>& sessions) {
    std::vector<double> medians;
    medians.reserve(sessions.size());
    for (const auto& [session, values] : sessions) medians.push_back(compute_median(values));
    return compute_mean(medians);
  };
  CellMeans means;
  for (const auto& [key, schemes] : cells) {
    for (const auto& [scheme, windows] : schemes) {
      means[key][scheme] = {windows.work, mean(windows.times),
                            windows.metered ? std::optional(mean(windows.energies)) : std::nullopt};
    }
  }
  return means;
}

std::optional<double> divide(std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return std::nullopt;
  return *a / *b;
}

/// a is at least as good as b in every criterion both have, and better in one.
bool dominates(const ParetoPoint& a, const ParetoPoint& b) {
  bool better = a.throughput > b.throughput;
  bool worse = a.throughput < b.throughput;
  for (const auto criterion : {&ParetoPoint::frugality, &ParetoPoint::accuracy}) {
    if (!(a.*criterion) || !(b.*criterion)) continue;
    better = better || *(a.*criterion) > *(b.*criterion);
    worse = worse || *(a.*criterion) < *(b.*criterion);
  }
  return better && !worse;
}

std::optional<double> compute_index(const ParetoPoint& point, const IndexWeights& weights) {
  double log_index = 0;
  const std::array<std::pair<double, std::optional<double>>, 3> criteria{
      {{weights.throughput, point.throughput}, {weights.energy, point.frugality}, {weights.accuracy, point.accuracy}}};
  for (const auto& [weight, value] : criteria) {
    if (weight <= 0) continue;
    if (!value) return std::nullopt;
    log_index += weight * std::log(*value);
  }
  return std::exp(log_index);
}

}  // namespace

PaperView compare_with_paper(std::span<const Row> rows, std::optional<double> tdp_w,
                             const std::map<std::string, double>& cor_phase) {
  PaperView view;
  for (const auto& [key, schemes] : compute_means(rows)) {
    const auto anchor = schemes.find(kAnchor);
    for (const auto& [scheme, means] : schemes) {
      if (!means.energy_j) continue;
      PaperPoint point{means.work->point_id, means.work->device, means.work->model, scheme,
                       means.work->batch,    means.work->phase,  std::nullopt,      *means.energy_j,
                       std::nullopt,         std::nullopt,       std::nullopt,      std::nullopt};
      if (tdp_w) point.energy_tdp_j = *tdp_w * means.time_s;
      if (const auto phase = cor_phase.find(point.point_id); phase != cor_phase.end()) point.cor_phase = phase->second;
      if (anchor != schemes.end() && scheme != kAnchor) {
        point.energy_ratio_tdp = means.time_s / anchor->second.time_s;
        point.energy_ratio = divide(means.energy_j, anchor->second.energy_j);
        point.cor_operational = *point.energy_ratio_tdp - 1;
      }
      if (point.energy_ratio_tdp && point.energy_ratio) {
        ++view.compared;
        view.disagreements += (*point.energy_ratio_tdp > 1) != (*point.energy_ratio > 1) ? 1U : 0U;
      }
      view.points.push_back(std::move(point));
    }
  }
  return view;
}

std::vector<ParetoCell> compare_schemes(std::span<const Row> rows,
                                        const std::map<std::pair<std::string, std::string>, double>& accuracy,
                                        const std::optional<IndexWeights>& weights) {
  std::vector<ParetoCell> cells;
  for (const auto& [key, schemes] : compute_means(rows)) {
    const auto anchor = schemes.find(kAnchor);
    if (anchor == schemes.end()) continue;
    const Workload& work = *anchor->second.work;
    ParetoCell cell{work.device, work.cell, work.model, work.batch, work.phase, {}};
    const auto find_accuracy = [&](const std::string& scheme) {
      const auto place = accuracy.find({work.model, scheme});
      return place == accuracy.end() ? std::nullopt : std::optional(place->second);
    };
    for (const auto& [scheme, means] : schemes) {
      ParetoPoint point{scheme,
                        anchor->second.time_s / means.time_s,
                        divide(anchor->second.energy_j, means.energy_j),
                        divide(find_accuracy(scheme), find_accuracy(kAnchor)),
                        {},
                        std::nullopt};
      if (weights) point.weighted_index = compute_index(point, *weights);
      cell.points.insert(scheme == kAnchor ? cell.points.begin() : cell.points.end(), std::move(point));
    }
    for (ParetoPoint& point : cell.points) {
      for (const ParetoPoint& other : cell.points) {
        if (dominates(other, point)) point.dominated_by.push_back(other.scheme);
      }
    }
    cells.push_back(std::move(cell));
  }
  return cells;
}

}  // namespace qtrap::fit
