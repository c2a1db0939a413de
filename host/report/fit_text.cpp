#include "report/fit_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "core/anchor.hpp"
#include "report/table.hpp"
#include "report/verdict_text.hpp"

namespace qtrap::report {
namespace {

Value cell(const std::optional<double>& value) { return value ? Value(*value) : Value(std::monostate{}); }

/// "1.5 [1.2, 1.8]", with the same digits for all three.
std::string with_interval(double value, double low, double high) {
  return fmt::format("{:.3g} [{:.3g}, {:.3g}]", value, low, high);
}

Value cell(const fit::Coefficient& one) {
  if (!one.value) return std::string("not identified");
  return with_interval(*one.value, *one.low, *one.high);
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

Value percent_cell(const std::optional<double>& share) {
  return share ? Value(percent(*share)) : Value(std::monostate{});
}

std::string describe_costs(const fit::Decomposition& fitted) {
  const std::string quantity = to_string(fitted.quantity);
  if (!fitted.ok()) return fmt::format("Costs of {}: none, for {}.\n", quantity, fitted.reason);
  const fit::FormFit& best = fitted.best();
  std::string text = fmt::format(
      "Costs of {}, {} form ({}): {} windows of {} configurations in {} sessions, r2 {:.4f}, {}, intervals over {}.\n",
      quantity, to_string(best.form), fitted.choice, fitted.rows, fitted.configurations, fitted.sessions, best.r2,
      best.loo_mape ? fmt::format("leave-one-out error {} ({} of single sessions)", percent(*best.loo_mape),
                                  percent(*best.loo_mape_session))
                    : std::string("no leave-one-out error (too few configurations)"),
      to_string(fitted.interval_basis));
  if (fitted.quantity == fit::Quantity::kEnergy) {
    text += fmt::format("Static power {:.4g} W, measured by idle windows. ", fitted.static_power->value_w);
    text += fitted.sensor_gain_error ? fmt::format("The sensor's gain error of {}", percent(*fitted.sensor_gain_error))
                                     : std::string("The sensor's gain error, unknown here,");
    text += " is in no interval: it shifts all energies alike and cancels in ratios.\n";
  }
  std::vector<std::string> misfits;
  for (const fit::SchemeResidual& one : best.residual_by_scheme)
    misfits.push_back(fmt::format("{} {:+.1f} %", one.scheme, 100 * one.residual));
  text += fmt::format("Measured over fitted, by scheme: {}.\n", fmt::join(misfits, ", "));
  Table table;
  table.columns = {{"name", "cost of"}, {"unit", "unit"}, {"value", "value"}, {"vif", "VIF"}, {"note", "note"}};
  for (const fit::Coefficient& one : best.coefficients) {
    table.rows.push_back({one.name, one.unit, cell(one), cell(one.vif), one.reason});
  }
  return text + to_text(table);
}

/// The map of verdicts: a row per model and chain, a column per batch.
std::string describe_ratios(const std::vector<fit::Ratio>& ratios, std::string_view title) {
  if (ratios.empty()) return {};
  std::set<double> batches;
  for (const fit::Ratio& one : ratios) batches.insert(one.cell.batch);
  using RowKey =
      std::tuple<fit::Quantity, std::string, std::string, double, std::string, double, double, double, result::Phase>;
  std::map<RowKey, std::map<double, const fit::Ratio*>> map;
  for (const fit::Ratio& one : ratios) {
    const judge::CellKey& cell = one.cell;
    map[{one.quantity, cell.device, one.scheme, cell.params, cell.model, cell.tokens, cell.context, cell.hops,
         cell.phase}][cell.batch] = &one;
  }
  Table table;
  table.columns = {
      {"quantity", "of"}, {"device", "device"}, {"scheme", "scheme"}, {"model", "model"}, {"chain", "H×T"}};
  for (const double batch : batches)
    table.columns.push_back({fmt::format("b{:g}", batch), fmt::format("B {:g}", batch)});
  for (const auto& [key, cells] : map) {
    std::vector<Value> row{to_string(std::get<0>(key)), std::get<1>(key), std::get<2>(key), std::get<4>(key),
                           chain_text(cells.begin()->second->cell)};
    for (const double batch : batches) {
      const auto found = cells.find(batch);
      row.emplace_back();
      if (found != cells.end()) row.back() = ratio_text(*found->second);
    }
    table.rows.push_back(std::move(row));
  }
  return std::string(title) + to_text(table);
}

/// Names the anchor that the ratios are to.
std::string ratios_title(const std::vector<fit::Ratio>& ratios) {
  const auto unpaired = std::count_if(ratios.begin(), ratios.end(),
                                      [](const fit::Ratio& one) { return one.basis == judge::Basis::kUnpaired; });
  if (unpaired == std::ssize(ratios))
    return "Ratios to the f16 anchor of another table (unpaired: values without interval and verdict), by model, chain "
           "and batch:\n";
  return fmt::format(
      "Ratios to the f16 anchor of the same session{}, by model, chain and batch "
      "(sees: the smallest effect found with 80 % power):\n",
      unpaired > 0 ? ", those marked unpaired to that of another table" : "");
}

constexpr std::string_view kNetTitle = "The same of net energy, idle power taken off (the energy above is gross):\n";

std::string describe_anchorless(const std::vector<std::pair<fit::Quantity, judge::Anchorless>>& cells) {
  std::string text;
  for (const auto& [quantity, one] : cells)
    text += fmt::format("no {} of f16 in {}, B {:g}, {} on {}: no ratio of its {} scheme{}\n", to_string(quantity),
                        one.cell.model, one.cell.batch, chain_text(one.cell), one.cell.device, one.schemes,
                        one.schemes == 1 ? "" : "s");
  return text;
}

std::string describe_attribution(const std::vector<fit::Attribution>& points) {
  if (points.empty()) return {};
  Table table;
  table.columns = {{"quantity", "of"}, {"model", "model"}, {"batch", "B"}, {"chain", "H×T"}, {"scheme", "scheme"}};
  for (std::size_t i = 0; i < fit::kPartCount; ++i) {
    const std::string name = to_string(static_cast<fit::Part>(i));
    table.columns.push_back({name, name});
  }
  table.columns.push_back({"unexplained", "unexplained"});
  std::string sentences;
  for (const fit::Attribution& one : points) {
    if (one.scheme != kAnchor) sentences += one.sentence + "\n";
    std::vector<Value> row{to_string(one.quantity), one.model, one.batch,
                           chain_text({"", "", 0, 1, one.hops, one.tokens, one.context, "", one.phase}), one.scheme};
    for (std::size_t i = 0; i < fit::kPartCount; ++i) {
      const bool known = one.separable[i] || one.shares[i] == 0;
      row.emplace_back(fmt::format("{}{:.0f} %", known ? "" : "~", 100 * one.shares[i]));
    }
    row.emplace_back(fmt::format("{:.0f} %", 100 * one.unexplained));
    table.rows.push_back(std::move(row));
  }
  return "Shares by term (fitted; ~: of a cost these windows do not tell apart from others):\n" + to_text(table) +
         "\nWhat decides (fitted):\n" + sentences;
}

std::string describe_pareto(const std::vector<fit::ParetoCell>& cells) {
  std::string text;
  for (const fit::ParetoCell& cell : cells) {
    std::vector<std::string> best;
    for (const fit::ParetoPoint& one : cell.points) {
      if (!one.dominated_by.empty()) continue;
      best.push_back(one.weighted_index ? fmt::format("{} ({:.2f})", one.scheme, *one.weighted_index) : one.scheme);
    }
    text += fmt::format("{}: {}\n", cell.cell, fmt::join(best, ", "));
  }
  return text.empty() ? text : "Not dominated in throughput, energy and accuracy, as far as measured:\n" + text;
}

/// Entries of both methods along an axis, those of one place together, the one that counts first.
std::vector<const fit::Critical*> list_entries(const fit::FitReport& report, fit::Axis axis) {
  std::vector<const fit::Critical*> entries;
  for (const auto* method : {&report.critical, &report.critical_other}) {
    for (const fit::Critical& one : *method) {
      if (one.axis == axis && one.sizes_used.size() > 1) entries.push_back(&one);
    }
  }
  const auto order = [](const fit::Critical& one) { return std::tie(one.quantity, one.cell, one.scheme); };
  std::stable_sort(entries.begin(), entries.end(), [&](const auto* a, const auto* b) { return order(*a) < order(*b); });
  return entries;
}

std::string describe_critical(const AxisName& axis, const fit::FitReport& report) {
  Table table;
  table.columns = {{"quantity", "of"},   {"device", "device"}, {"scheme", "scheme"},          {"at", "at"},
                   {"value", axis.name}, {"basis", "how"},     {"interval", "interval over"}, {"note", "note"}};
  for (const fit::Critical* one : list_entries(report, axis.axis)) {
    table.rows.push_back({to_string(one->quantity), one->cell.device, one->scheme, place_text(*one),
                          crossing_text(*one), to_string(one->method), basis_text(*one), one->crossing.reason});
  }
  if (table.rows.empty()) return fmt::format("{}: fewer than two sizes everywhere, so none.\n", axis.name);
  return to_text(table);
}

/// "3.1 % (at most 7.0 %)".
Value left_out_cell(const std::optional<fit::LeftOut>& one) {
  Value cell;
  if (one) cell = fmt::format("{} (at most {})", percent(one->mean), percent(one->largest));
  return cell;
}

/// A cost in units of 1 / `factor`.
Value scaled_cell(fit::Coefficient cost, double factor) {
  for (auto* value : {&cost.value, &cost.low, &cost.high}) {
    if (*value) **value *= factor;
  }
  return cell(cost);
}

std::string describe_scaling(const std::vector<fit::Scaling>& all) {
  Table table;
  table.columns = {{"quantity", "of"},
                   {"device", "device"},
                   {"scheme", "scheme"},
                   {"batch", "B"},
                   {"chain", "H×T"},
                   {"unit", "unit"},
                   {"per_layer", "per layer"},
                   {"per_param", "per 1e9 parameters"},
                   {"layer_share", "layers' share"},
                   {"loo", "leave-one-out error"},
                   {"ratio_loo", "of the ratio to f16"},
                   {"baseline", "of the others' mean ratio"},
                   {"note", "note"}};
  for (const fit::Scaling& one : all) {
    if (one.sizes_used.size() < 2) continue;
    const bool fitted = one.reason.empty();
    const bool known = one.per_layer.identified || one.per_param.identified;
    const Value none = std::monostate{};
    const std::string note = !fitted                         ? one.reason
                             : !one.per_layer.reason.empty() ? "per layer: " + one.per_layer.reason
                             : !one.per_param.reason.empty() ? "per parameter: " + one.per_param.reason
                                                             : "";
    table.rows.push_back({to_string(one.quantity), one.cell.device, one.scheme, one.cell.batch, chain_text(one.cell),
                          std::string(one.quantity == fit::Quantity::kTime ? "ms" : "mJ"),
                          fitted ? scaled_cell(one.per_layer, 1e3) : none,
                          fitted ? scaled_cell(one.per_param, 1e12) : none,
                          known ? Value(percent(one.layer_share)) : none, left_out_cell(one.loo),
                          left_out_cell(one.ratio), percent_cell(one.baseline), note});
  }
  if (table.rows.empty()) return {};
  return "A step as layers x constant + parameters x constant (intervals over the models):\n" + to_text(table);
}

/// What a law says: where the scheme costs more, and its curve; without one the median ratio.
std::string describe_law(const fit::BalanceLaw& law) {
  const auto interval = [](const Interval& one) { return with_interval(one.value, one.low, one.high); };
  std::vector<std::string> terms;
  if (law.floor_ratio) terms.push_back(interval(*law.floor_ratio));
  if (law.cast_flop_per_byte) terms.push_back(interval(*law.cast_flop_per_byte) + " / (flop/byte)");
  std::string text;
  switch (law.status) {
    case fit::CriticalStatus::kFound:
      text = fmt::format("Costs more below {} flop/byte", with_interval(*law.threshold, *law.low, *law.high));
      break;
    case fit::CriticalStatus::kAbove:
      text = fmt::format("Costs more below {:.3g} flop/byte at least ({})", *law.low, law.reason);
      break;
    case fit::CriticalStatus::kBelow:
      text = fmt::format("Costs more below {:.3g} flop/byte at most ({})", *law.high, law.reason);
      break;
    case fit::CriticalStatus::kTrappedEverywhere:
      text = "Costs more at any balance";
      break;
    case fit::CriticalStatus::kNeverTrapped:
      text = "Costs more at no balance that these devices have";
      break;
    case fit::CriticalStatus::kNotIdentified:
      text = fmt::format("No {}: {}", terms.empty() ? "law" : "threshold", law.reason);
      break;
  }
  if (terms.empty())
    terms.push_back("median ratio " +
                    (law.median_interval ? interval(*law.median_interval) : fmt::format("{:.3g}", law.median_ratio)));
  else
    terms.front().insert(0, terms.size() > 1 ? "ratio the larger of " : "ratio ");
  return fmt::format("{}; {}", text, fmt::join(terms, " and "));
}

/// How well the law predicts vendors that it was not fitted to.
std::string describe_left_out(const fit::BalanceLaw& law) {
  std::vector<std::string> vendors;
  for (const fit::LeftOutVendor& one : law.left_out)
    vendors.push_back(
        fmt::format("{} ({}) {:.2f}, {:.2f}", one.vendor, one.devices, one.law_error, one.constant_error));
  return fmt::format("leaving vendors out, mean log error {:.2f} of the law, {:.2f} of the median ratio: {}",
                     *law.law_error, *law.constant_error, fmt::join(vendors, "; "));
}

std::string describe_balance(const fit::Balance& one) {
  const fit::BalanceLaw& law = one.law;
  std::string text =
      fmt::format("{} over {}, {}, B {:g}, {}: {} devices ({}) of {} vendors, {:.3g} to {:.3g} flop/byte ({})\n  {}\n",
                  one.scheme, one.reference, one.cell.model, one.cell.batch, chain_text(one.cell), law.devices,
                  to_string(one.device_type), law.vendors, std::exp(law.log_balance_least),
                  std::exp(law.log_balance_most), to_string(one.basis), describe_law(law));
  std::vector<std::string> tests;
  if (law.rank_correlation) {
    const Interval& rank = *law.rank_correlation;
    tests.push_back(fmt::format("rank correlation {:.2f} [{:.2f}, {:.2f}]", rank.value, rank.low, rank.high));
  }
  if (law.law_error) tests.push_back(describe_left_out(law));
  return tests.empty() ? text : text + fmt::format("  {}\n", fmt::join(tests, "; "));
}

std::string describe_balances(const std::vector<fit::Balance>& all) {
  if (all.empty()) return {};
  std::string text;
  std::size_t most = 0;
  for (const fit::Balance& one : all) {
    most = std::max(most, one.law.devices);
    if (one.law.devices >= fit::kLeastDevices) text += describe_balance(one);
  }
  if (text.empty())
    return fmt::format("Time against the device's balance: no law, for at most {} devices share a cell; it needs {}.\n",
                       most, fit::kLeastDevices);
  return "Time against the device's balance, the fp32 flop of its vector units per byte it reads (intervals over "
         "devices):\n" +
         text;
}

std::string describe_paper(const fit::FitReport& report) {
  const fit::PaperView& view = report.paper_view;
  if (view.compared == 0) return {};
  return fmt::format("Power x time against measured energy: {} of {} ratios to f16 lie on different sides of 1.\n",
                     view.disagreements, view.compared);
}

}  // namespace

std::string make_fit_text(const fit::FitReport& report) {
  constexpr std::size_t kMostNamed = 20;
  std::string text =
      fmt::format("{} sessions on {}\n\n", report.sessions.size(),
                  report.devices.size() > kMostNamed ? fmt::format("{} devices", report.devices.size())
                                                     : fmt::format("{}", fmt::join(report.devices, ", ")));
  text += describe_costs(report.time) + "\n" + describe_costs(report.energy);
  const auto add = [&text](const std::string& paragraph) {
    if (!paragraph.empty()) text += "\n" + paragraph;
  };
  add(describe_balances(report.balances));
  add(describe_ratios(report.ratios, ratios_title(report.ratios)));
  add(describe_ratios(report.net_ratios, kNetTitle));
  add(describe_anchorless(report.anchorless));
  add(describe_hops(report.hop_slopes));
  add(describe_bounds(report.operation_bounds));
  add(describe_attribution(report.attribution));
  for (const AxisName& axis : kAxisNames) {
    if (!report.critical.empty()) add(describe_critical(axis, report));
  }
  add(describe_scaling(report.scaling));
  add(describe_paper(report));
  add(describe_pareto(report.pareto));
  return text;
}

}  // namespace qtrap::report
