#include "fit/design.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "core/statistics.hpp"

namespace qtrap::fit {
namespace {

struct FixedTerm {
  TermKind kind;
  const char* name;
  const char* per;
  const char* probe;
  double Counts::*count;
  bool everywhere;  ///< false: tables of others do not tell it apart, and where it is 0 in all rows there is no column
};

// Multiply-adds are told apart by class and stand between bytes and the rest.
constexpr std::array<FixedTerm, 8> kFixedTerms{{
    {TermKind::kBytes, "bytes", "byte", "copy-only windows of a few sizes", &Counts::bytes, true},
    {TermKind::kCachedBytes, "cached_bytes", "byte", "dequantize-only and cast-only windows in cache",
     &Counts::cached_bytes, false},
    {TermKind::kDequantize, "dequantized_weights", "weight", "dequantize-only windows of a few sizes",
     &Counts::dequantized_weights, true},
    {TermKind::kCast, "cast_elements", "element", "cast-only windows of a few sizes", &Counts::cast_elements, true},
    {TermKind::kCast, "quantized_elements", "element", "quantize-only windows", &Counts::quantized_elements, false},
    {TermKind::kLaunch, "launches", "launch", "windows of empty launches", &Counts::launches, true},
    {TermKind::kLaunch, "weight_launches", "launch", "matmul-only windows of a few sizes", &Counts::weight_launches,
     false},
    {TermKind::kSync, "syncs", "sync", "windows of host synchronisations", &Counts::syncs, true},
}};

std::vector<Term> make_terms(std::span<const Row> rows) {
  std::set<std::string> classes;
  for (const Row& row : rows) {
    for (const MacCount& macs : row.workload.counts.macs) classes.insert(macs.precision);
  }
  std::vector<Term> terms;
  for (const FixedTerm& fixed : kFixedTerms) {
    const auto counted = [&](const Row& row) { return row.workload.counts.*fixed.count > 0; };
    if (!fixed.everywhere && std::none_of(rows.begin(), rows.end(), counted)) continue;
    terms.push_back({fixed.kind, fixed.name, fixed.per, fixed.probe});
    if (fixed.kind != TermKind::kBytes) continue;
    for (const std::string& name : classes) {
      terms.push_back(
          {TermKind::kMacs, "macs_" + name, "mac", "windows of multiply-adds from cache or registers in " + name});
    }
  }
  return terms;
}

/// The windows that make one cell.
struct Windows {
  std::vector<double> times_s;
  std::vector<double> energies_j;
};

}  // namespace

bool is_path_cost(TermKind kind) { return kind != TermKind::kBytes && kind != TermKind::kMacs; }

Eigen::VectorXd compute_counts(std::span<const Term> terms, const Counts& counts) {
  Eigen::VectorXd values = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(terms.size()));
  for (std::size_t j = 0; j < terms.size(); ++j) {
    double& value = values[static_cast<Eigen::Index>(j)];
    for (const MacCount& macs : counts.macs) {
      if (terms[j].kind == TermKind::kMacs && terms[j].name == "macs_" + macs.precision) value += macs.count;
    }
    for (const FixedTerm& fixed : kFixedTerms) {
      if (terms[j].name == fixed.name) value = counts.*fixed.count;
    }
  }
  return values;
}

Result<Design> make_design(std::span<const Row> rows) {
  if (const auto defect = find_defect(rows)) {
    return usage_error("the rows cannot be fitted", *defect, "give complete result files of one device");
  }
  Design design;
  design.terms = make_terms(rows);
  std::map<int, std::size_t> sessions;
  for (const Row& row : rows) {
    if (row.time_s) sessions.emplace(row.session, 0);
  }
  if (sessions.empty()) return usage_error("the rows cannot be fitted", "no window has a time", "give times as well");
  for (auto& [session, index] : sessions) index = design.sessions++;
  std::map<std::string, std::size_t> places;
  std::map<std::pair<std::size_t, std::size_t>, Windows> windows;
  for (const Row& row : rows) {
    if (!row.time_s) continue;
    const auto [place, inserted] = places.try_emplace(row.workload.point_id, design.configurations.size());
    if (inserted) design.configurations.push_back({row.workload, row.workload.scheme.empty()});
    Windows& cell = windows[{sessions.at(row.session), place->second}];
    cell.times_s.push_back(*row.time_s);
    if (row.energy_j) cell.energies_j.push_back(*row.energy_j);
  }
  for (const auto& [key, cell] : windows) {
    const bool energy = cell.energies_j.size() == cell.times_s.size();
    design.cells.push_back({key.first, key.second, compute_median(cell.times_s),
                            energy ? std::optional(compute_median(cell.energies_j)) : std::nullopt,
                            cell.times_s.size()});
  }
  design.counts.resize(static_cast<Eigen::Index>(design.configurations.size()),
                       static_cast<Eigen::Index>(design.terms.size()));
  for (std::size_t c = 0; c < design.configurations.size(); ++c) {
    design.counts.row(static_cast<Eigen::Index>(c)) =
        compute_counts(design.terms, design.configurations[c].work.counts).transpose();
  }
  return design;
}

}  // namespace qtrap::fit
