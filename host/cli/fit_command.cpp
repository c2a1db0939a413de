// fit: result files in, the fit file and tables of costs, critical sizes and deciding terms out.
#include <fmt/format.h>

#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "core/file.hpp"
#include "fit/fit_report.hpp"
#include "report/table.hpp"

namespace qtrap::cli {
namespace {

report::Value cell(std::optional<double> value) {
  return value ? report::Value(*value) : report::Value(std::monostate{});
}

std::string describe(const std::string& quantity, const fit::Decomposition& fitted) {
  if (!fitted.ok()) return fmt::format("{}: no data: {}\n", quantity, fitted.reason);
  const fit::FormFit& best = fitted.best();
  std::string text = fmt::format(
      "{}: {} form ({}), {} windows of {} configurations in {} sessions, r2 {:.4f}, leave-one-out error {:.1f} %\n\n",
      quantity, best.form == fit::Form::kAdditive ? "additive" : "roofline", fitted.choice, fitted.rows,
      fitted.configurations, fitted.sessions, best.r2, 100 * best.loo_mape);
  report::Table table;
  table.columns = {{"name", "coefficient"}, {"unit", "unit"}, {"value", "value"}, {"low", "low"},
                   {"high", "high"},        {"vif", "VIF"},   {"note", "note"}};
  for (const auto& c : best.coefficients) {
    table.rows.push_back({c.name, c.unit, cell(c.value), cell(c.low), cell(c.high), cell(c.vif), c.reason});
  }
  return text + report::to_text(table);
}

/// N* (or B*) of every scheme, or why there is none.
std::string describe(const std::string& title, const std::vector<fit::Critical>& entries) {
  if (entries.empty()) return {};
  report::Table table;
  table.columns = {{"quantity", "quantity"}, {"scheme", "scheme"}, {"of", "at"},
                   {"status", title},        {"value", "value"},   {"low", "low"},
                   {"high", "high"},         {"method", "basis"},  {"reason", "note"}};
  for (const auto& entry : entries) {
    const std::string at = entry.axis == fit::Axis::kParams ? fmt::format("B {:g}", entry.batch) : entry.model;
    table.rows.push_back({std::string(fit::to_string(entry.quantity)), entry.scheme, at,
                          std::string(fit::to_string(entry.crossing.status)), cell(entry.crossing.value),
                          cell(entry.crossing.low), cell(entry.crossing.high),
                          std::string(fit::to_string(entry.method)), entry.crossing.reason});
  }
  return "\n" + report::to_text(table);
}

}  // namespace

int run_fit(const std::vector<std::string>& files, const std::string& out) {
  std::vector<result::ResultFile> results;
  for (const auto& path : files) results.push_back(result::read_result(path).value());
  const auto fitted = fit::make_fit_report(results, {}).value();
  if (!out.empty()) {
    const auto text = result::to_fit_json(fit::to_fit_file(fitted)).value();
    if (auto done = write_file(out, text, false); !done) throw Failure(done.error());
  }
  std::string text = describe("time", fitted.time) + "\n" + describe("energy", fitted.energy);
  text += describe("N*", fitted.critical_scale) + describe("B*", fitted.critical_batch);
  if (!fitted.attribution.empty()) text += "\nWhat decides (fitted):\n";
  for (const auto& attribution : fitted.attribution) text += attribution.sentence + "\n";
  print(text);
  return kDone;
}

}  // namespace qtrap::cli
