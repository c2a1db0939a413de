// fit: result files in, the fit file and a table of coefficients out.
#include <fmt/format.h>

#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "core/file.hpp"
#include "fit/decomposition.hpp"
#include "fit/result_rows.hpp"
#include "report/table.hpp"
#include "result/fit_file.hpp"

namespace qtrap::cli {
namespace {

result::QuantityFit to_record(const fit::Decomposition& fitted) {
  result::QuantityFit record;
  if (!fitted.ok()) {
    record.reason = fitted.reason;
    return record;
  }
  const fit::FormFit& best = fitted.best();
  record.status = "ok";
  record.form = best.form == fit::Form::kAdditive ? "additive" : "roofline";
  for (const auto& c : best.coefficients)
    record.coefficients.push_back({c.name, c.unit, c.value, c.low, c.high, c.identified, c.vif});
  record.rows = static_cast<std::int64_t>(fitted.rows);
  record.rank = best.rank;
  record.condition_number = best.condition_number;
  record.r2 = best.r2;
  record.loo_mape = best.loo_mape;
  for (const auto& scheme : best.residual_by_scheme) record.residual_by_scheme[scheme.scheme] = scheme.residual;
  return record;
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
  const auto cell = [](std::optional<double> value) {
    return value ? report::Value(*value) : report::Value(std::monostate{});
  };
  for (const auto& c : best.coefficients)
    table.rows.push_back({c.name, c.unit, cell(c.value), cell(c.low), cell(c.high), cell(c.vif), c.reason});
  return text + report::to_text(table);
}

}  // namespace

int run_fit(const std::vector<std::string>& files, const std::string& out) {
  std::vector<result::ResultFile> results;
  for (const auto& path : files) results.push_back(result::read_result(path).value());
  result::FitFile record;
  for (const auto& file : results) {
    for (const auto& session : file.sessions) record.sessions.push_back(session.session_id);
  }
  const auto rows = fit::rows_from_results(results);
  if (rows.empty())
    throw Failure(usage_error("nothing to fit", files.front(), "give result files with complete points"));
  const auto design = fit::make_design(rows).value();
  fit::FitOptions options;
  options.static_power = fit::estimate_static_power(results, results.front().sessions.front().device.id);
  const auto time = fit::decompose(design, fit::Quantity::kTime, options);
  const auto energy = fit::decompose(design, fit::Quantity::kEnergy, options);
  record.time = to_record(time);
  record.energy = to_record(energy);
  if (!out.empty()) {
    if (auto done = write_file(out, result::to_fit_json(record).value(), false); !done) throw Failure(done.error());
  }
  print(describe("time", time) + "\n" + describe("energy", energy));
  return kDone;
}

}  // namespace qtrap::cli
