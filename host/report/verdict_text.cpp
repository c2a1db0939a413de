#include "report/verdict_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "report/table.hpp"

namespace qtrap::report {

std::string chain_text(const judge::CellKey& cell) {
  const std::string chain = fmt::format("{:g}×{:g}", cell.hops, cell.tokens);
  return (cell.context > 0 ? fmt::format("{}, C {:g}", chain, cell.context) : chain) + phase_text(cell.phase);
}

std::string phase_text(result::Phase phase) {
  return phase == result::Phase::kDecode ? std::string() : fmt::format(", {}", to_string(phase));
}

std::string place_text(const fit::Critical& one) {
  const judge::CellKey& cell = one.cell;
  const std::string family = cell.family.empty() ? "" : cell.family + ", ";
  if (one.axis == fit::Axis::kParams) return fmt::format("{}B {:g}, {}", family, cell.batch, chain_text(cell));
  if (one.axis == fit::Axis::kBatch) return fmt::format("{}, {}", cell.model, chain_text(cell));
  return fmt::format("{}, B {:g}, T {:g}{}", cell.model, cell.batch, cell.tokens, phase_text(cell.phase));
}

std::string verdict_text(const fit::Ratio& ratio) {
  if (ratio.basis == judge::Basis::kUnpaired) return "unpaired: f16 of another table";
  if (!ratio.interval) return "no interval";
  std::string word = to_words(ratio.verdict);
  if (ratio.basis == judge::Basis::kBlocks) return word + " (one session)";
  if (ratio.basis == judge::Basis::kImported) return word + " (one session, published spread)";
  if (ratio.flagged) return word + " (flagged)";
  if (!ratio.p_value) return word + " (no spread)";
  const auto detectable = judge::find_detectable(ratio);
  if (ratio.verdict != judge::Verdict::kUndecided || !detectable) return word;
  return fmt::format("{} (sees {:.2f})", word, std::exp(*detectable));
}

std::string ratio_text(const fit::Ratio& ratio) {
  const std::string value = judge::format_ratio(ratio.log_ratio, ratio.interval);
  return value + (ratio.interval ? " " + verdict_text(ratio) : " (" + verdict_text(ratio) + ")");
}

std::string crossing_text(const fit::Critical& critical) {
  const fit::Crossing& crossing = critical.crossing;
  const bool dissolves = crossing.dissolves;
  switch (crossing.status) {
    case fit::CriticalStatus::kFound:
      if (critical.interval_basis == fit::IntervalBasis::kBracket)
        return fmt::format("between {:.3g} and {:.3g}{}", *crossing.low, *crossing.high,
                           dissolves ? "" : ", trapped above");
      return fmt::format("{:.3g} [{:.3g}, {:.3g}]{}", *crossing.value, *crossing.low, *crossing.high,
                         dissolves ? "" : ", trapped above");
    case fit::CriticalStatus::kAbove:
      return fmt::format("above {:.3g} ({} up to there)", *crossing.low, dissolves ? "trapped" : "no trap");
    case fit::CriticalStatus::kBelow:
      return fmt::format("below {:.3g} ({} from there)", *crossing.high, dissolves ? "no trap" : "trapped");
    case fit::CriticalStatus::kTrappedEverywhere:
    case fit::CriticalStatus::kNeverTrapped:
    case fit::CriticalStatus::kNotIdentified:
      break;
  }
  return to_words(crossing.status);
}

std::string basis_text(const fit::Critical& critical) {
  return critical.interval_basis == fit::IntervalBasis::kBracket ? "signs alone" : to_string(critical.interval_basis);
}

std::string slope_text(const fit::HopSlope& slope) {
  const std::string text = judge::format_ratio(slope.slope, slope.interval);
  return slope.interval ? text : text + " (one session: no interval)";
}

std::string describe_hops(const std::vector<fit::HopSlope>& slopes) {
  if (slopes.empty()) return {};
  Table table;
  table.columns = {
      {"quantity", "of"}, {"device", "device"}, {"scheme", "scheme"}, {"model", "model"},
      {"batch", "B"},     {"tokens", "T"},      {"hops", "hops"},     {"slope", "ratio per doubling of hops"}};
  for (const fit::HopSlope& one : slopes) {
    table.rows.push_back({to_string(one.quantity), one.cell.device, one.scheme, one.cell.model,
                          fmt::format("{:g}", one.cell.batch),
                          fmt::format("{:g}{}", one.cell.tokens, phase_text(one.cell.phase)),
                          fmt::format("{}", fmt::join(one.hops, ", ")), slope_text(one)});
  }
  return "The ratio to f16 along a chain (above 1: each doubling of hops makes it worse):\n" + to_text(table);
}

namespace {

std::string measured_text(const fit::OperationBound& bound) {
  if (!bound.measured_bound_low) return "one batch";
  if (!bound.measured_bound_high) return fmt::format("above {:g}", bound.batches.back());
  return fmt::format("({:g}, {:g}]", *bound.measured_bound_low, *bound.measured_bound_high);
}

/// All cells of a row but the chains.
std::vector<std::string> bound_cells(const fit::OperationBound& bound) {
  return {bound.cell.device,
          bound.scheme,
          bound.cell.model,
          fmt::format("{:.1f}", bound.unpack_operations),
          fmt::format("{:.1f}", bound.operation_budget),
          fmt::format("{:g}", bound.predicted_bound_batch),
          measured_text(bound),
          bound.predicted_slower_batch ? fmt::format("{:g}", *bound.predicted_slower_batch) : "none"};
}

}  // namespace

std::string describe_bounds(const std::vector<fit::OperationBound>& bounds) {
  if (bounds.empty()) return {};
  std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> groups;  // a row and its chains
  for (const fit::OperationBound& one : bounds) {
    std::vector<std::string> cells = bound_cells(one);
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& other) { return other.first == cells; });
    if (group == groups.end()) group = groups.emplace(groups.end(), std::move(cells), std::vector<std::string>());
    group->second.push_back(chain_text(one.cell));
  }
  Table table;
  table.columns = {{"device", "device"},
                   {"scheme", "scheme"},
                   {"model", "model"},
                   {"unpack", "unpack"},
                   {"budget", "budget"},
                   {"predicted_bound", "bound from B: predicted"},
                   {"measured_bound", "measured"},
                   {"predicted_slower", "slower than f16 from B: predicted"},
                   {"chains", "chains"}};
  for (const auto& [cells, chains] : groups) {
    table.rows.emplace_back(cells.begin(), cells.end());
    table.rows.back().emplace_back(fmt::format("{}", fmt::join(chains, "; ")));
  }
  return "Vector operations per weight: what unpacking takes (counted on sm_90), what the device makes while it reads "
         "one. Predicted from these\nand the multiply-adds alone: the latest batch from which a matmul is bound by "
         "instructions; measured: where the chain takes a quarter\nlonger than with the smallest batch.\n" +
         to_text(table);
}

}  // namespace qtrap::report
