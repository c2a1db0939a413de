#include "fit/ratios.hpp"

#include <cmath>
#include <map>
#include <tuple>

namespace qtrap::fit {
namespace {

constexpr const char* kAnchor = "f16";

/// Values of one scheme in one cell and session, by block.
using Blocks = std::map<int, std::vector<double>>;
using SchemeBlocks = std::map<std::string, Blocks>;
using CellKey = std::tuple<std::string, int, std::string>;  // device, session, cell
using RatioKey = std::tuple<std::string, std::string, double, double,
                            std::string>;  // device, scheme, batch, params, model

/// Log ratios of the blocks that both have; of the medians over all blocks where they share none.
std::vector<double> pair_blocks(const Blocks& scheme, const Blocks& anchor) {
  std::vector<double> logs;
  for (const auto& [block, values] : scheme) {
    const auto twin = anchor.find(block);
    if (twin != anchor.end()) logs.push_back(std::log(compute_median(values) / compute_median(twin->second)));
  }
  if (!logs.empty()) return logs;
  const auto pool = [](const Blocks& blocks) {
    std::vector<double> all;
    for (const auto& [block, values] : blocks) all.insert(all.end(), values.begin(), values.end());
    return compute_median(all);
  };
  return {std::log(pool(scheme) / pool(anchor))};
}

struct Collected {
  std::map<int, std::vector<double>> cells;  // by session: the cells' median log ratios
  std::vector<double> blocks;                // of all cells of the first session
};

void set_interval(const Collected& collected, double confidence, Ratio& ratio) {
  ratio.log_ratio = compute_mean(ratio.session_logs);
  const bool sessions = ratio.session_logs.size() > 1;
  ratio.interval = compute_t_interval(sessions ? ratio.session_logs : collected.blocks, confidence);
  ratio.basis = !ratio.interval ? "none" : sessions ? "sessions" : "blocks";
  if (ratio.interval && ratio.interval->low > 0) ratio.verdict = Verdict::kTrap;
  if (ratio.interval && ratio.interval->high < 0) ratio.verdict = Verdict::kNoTrap;
}

}  // namespace

const char* to_string(Verdict verdict) {
  if (verdict == Verdict::kTrap) return "trap";
  return verdict == Verdict::kNoTrap ? "no_trap" : "undecided";
}

std::vector<Ratio> compute_ratios(std::span<const Row> rows, Quantity quantity, double confidence) {
  std::map<CellKey, SchemeBlocks> cells;
  std::map<std::pair<std::string, std::string>, const Workload*> works;  // (cell, scheme)
  for (const Row& row : rows) {
    const Workload& work = row.workload;
    const std::optional<double>& value = value_of(row, quantity);
    if (work.scheme.empty() || !value) continue;
    cells[{work.device, row.session, work.cell}][work.scheme][row.block].push_back(*value);
    works[{work.cell, work.scheme}] = &work;
  }
  std::map<RatioKey, Collected> collected;
  for (const auto& [key, schemes] : cells) {
    const auto anchor = schemes.find(kAnchor);
    if (anchor == schemes.end()) continue;
    for (const auto& [scheme, blocks] : schemes) {
      if (scheme == kAnchor) continue;
      const Workload& work = *works.at({std::get<2>(key), scheme});
      Collected& place = collected[{std::get<0>(key), scheme, work.batch, work.params, work.model}];
      const std::vector<double> logs = pair_blocks(blocks, anchor->second);
      if (place.cells.empty() || place.cells.begin()->first == std::get<1>(key)) {
        place.blocks.insert(place.blocks.end(), logs.begin(), logs.end());
      }
      place.cells[std::get<1>(key)].push_back(compute_median(logs));
    }
  }
  std::vector<Ratio> ratios;
  for (const auto& [key, found] : collected) {
    Ratio ratio;
    std::tie(ratio.device, ratio.scheme, ratio.batch, ratio.params, ratio.model) = key;
    ratio.quantity = quantity;
    for (const auto& [session, logs] : found.cells) ratio.session_logs.push_back(compute_mean(logs));
    set_interval(found, confidence, ratio);
    ratios.push_back(std::move(ratio));
  }
  return ratios;
}

}  // namespace qtrap::fit
